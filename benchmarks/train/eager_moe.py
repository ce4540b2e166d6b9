"""An MoE in eager PyTorch written the obvious way: nn.Linear, a loop over experts with index_add_, SDPA, AdamW.

The same mathematics as `graft train`: normalised gate, auxiliary loss, capacity with token drop, clipping. A side of
benchmarks/interleave.py.

usage: eager_moe.py SHAPE_JSON THREADS BATCH LENGTH
"""

import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.groups = c["num_attention_heads"], c["num_key_value_heads"]
        self.dim = c["hidden_size"] // self.heads
        self.q_proj = nn.Linear(c["hidden_size"], self.heads * self.dim, bias=False)
        self.k_proj = nn.Linear(c["hidden_size"], self.groups * self.dim, bias=False)
        self.v_proj = nn.Linear(c["hidden_size"], self.groups * self.dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.dim, c["hidden_size"], bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q = self.q_proj(x).view(b, t, self.heads, self.dim).transpose(1, 2)
        k = self.k_proj(x).view(b, t, self.groups, self.dim).transpose(1, 2)
        v = self.v_proj(x).view(b, t, self.groups, self.dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        k = k.repeat_interleave(self.heads // self.groups, 1)
        v = v.repeat_interleave(self.heads // self.groups, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(b, t, -1))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Expert(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.w1 = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.w2 = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)
        self.w3 = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Moe(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n, self.k = c["num_experts"][0], c["num_experts_per_tok"]
        self.gate = nn.Linear(c["hidden_size"], self.n, bias=False)
        self.experts = nn.ModuleList(Expert(c) for _ in range(self.n))

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        tokens = flat.shape[0]
        z = self.gate(flat)
        z = z / z.std(-1, keepdim=True).clamp(min=1e-6)
        g = z.softmax(-1)
        weight, ids = g.topk(self.k, -1)
        weight = weight / weight.sum(-1, keepdim=True)
        aux = ((1 / self.n - g.mean(0)) ** 2).sum()
        capacity = math.ceil(1.25 * self.k * tokens / self.n)
        y = torch.zeros_like(flat)
        chosen = F.one_hot(ids, self.n).permute(2, 1, 0)  # expert, choice, token
        for e in range(self.n):
            choice, token = torch.where(chosen[e])
            choice, token = choice[:capacity], token[:capacity]  # first choices first, by position
            y.index_add_(0, token, self.experts[e](flat[token]) * weight[token, choice, None])
        return y.view_as(x), aux


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_norm = nn.RMSNorm(c["hidden_size"], eps=1e-5)
        self.attention = Attention(c)
        self.post_norm = nn.RMSNorm(c["hidden_size"], eps=1e-5)
        self.moe = Moe(c)

    def forward(self, x, cos, sin):
        x = x + self.attention(self.input_norm(x), cos, sin)
        y, aux = self.moe(self.post_norm(x))
        return x + y, aux


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = nn.RMSNorm(c["hidden_size"], eps=1e-5)
        self.head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        self.head.weight = self.embed.weight
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
        self.dim = c["hidden_size"] // c["num_attention_heads"]

    def forward(self, ids):
        inverse = 10000.0 ** (-torch.arange(0, self.dim, 2) / self.dim)
        angle = torch.arange(ids.shape[1])[:, None] * inverse
        cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
        x, total = self.embed(ids), 0.0
        for layer in self.layers:
            x, aux = layer(x, cos, sin)
            total = total + 0.01 * aux
        return self.head(self.norm(x)), total


def blas():
    """What multiplies matrices, as torch was built."""
    settings = torch.__config__.show()
    return settings.partition("BLAS_INFO=")[2].partition(",")[0] or "unknown"


def main(shape, threads, batch, length):
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    c = json.loads(shape)
    model = Model(c)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    print(json.dumps(dict(name="PyTorch", parameters=sum(p.numel() for p in model.parameters()),
                          software=f"torch {torch.__version__}, BLAS {blas()}")), flush=True)
    for order in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(order.removeprefix("go "))):
            ids = torch.randint(0, c["vocab_size"], (int(batch), int(length) + 1))
            logits, aux = model(ids[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
            (loss + aux).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            last = loss.item()
        print(json.dumps(dict(seconds=time.perf_counter() - start, loss=last)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
