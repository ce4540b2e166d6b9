"""Loss and gradients of a whole small MoE model by PyTorch's autograd, for Graft's tests.

Written from the formulas (Skywork-MoE report, arXiv 2406.06563, section 4) and not from Graft's code: plain modules,
autograd everywhere, one expert after the other.

usage: moe_gradients.py OUT_DIR
"""

import json
import math
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

SHAPE = dict(
    vocab_size=48, hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=12, rms_norm_eps=1e-5, rope_theta=10000.0, num_experts=6, num_experts_per_tok=2,
    max_position_embeddings=64)
ALPHA = [0.05, 0.02]
BATCH, LENGTH = 2, 20


def weights(generator):
    s = SHAPE
    h, f, v, d = s["hidden_size"], s["intermediate_size"], s["vocab_size"], s["head_dim"]
    q, kv = s["num_attention_heads"] * d, s["num_key_value_heads"] * d

    def matrix(rows, columns, scale=0.25):
        return torch.randn(rows, columns, generator=generator, dtype=torch.float64) * scale

    w = {"model.embed_tokens.weight": matrix(v, h, 0.6)}
    for layer in range(s["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            w[p + norm + ".weight"] = 1 + 0.1 * torch.randn(h, generator=generator, dtype=torch.float64)
        w[p + "self_attn.q_proj.weight"] = matrix(q, h)
        w[p + "self_attn.k_proj.weight"] = matrix(kv, h)
        w[p + "self_attn.v_proj.weight"] = matrix(kv, h)
        w[p + "self_attn.o_proj.weight"] = matrix(h, q)
        w[p + "block_sparse_moe.gate.weight"] = matrix(s["num_experts"], h, 0.5)
        for e in range(s["num_experts"]):
            expert = p + f"block_sparse_moe.experts.{e}."
            w[expert + "w1.weight"] = matrix(f, h)
            w[expert + "w2.weight"] = matrix(h, f)
            w[expert + "w3.weight"] = matrix(f, h)
    w["model.norm.weight"] = 1 + 0.1 * torch.randn(h, generator=generator, dtype=torch.float64)
    w["lm_head.weight"] = matrix(v, h)
    # What is stored is what both sides start from.
    return {k: x.float().double() for k, x in w.items()}


def rms_norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + SHAPE["rms_norm_eps"]) * weight


def rotate(x):
    d = x.shape[-1]
    inverse = SHAPE["rope_theta"] ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angle = torch.arange(x.shape[2], dtype=torch.float64)[:, None] * inverse
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attention(w, p, x):
    heads, groups, d = SHAPE["num_attention_heads"], SHAPE["num_key_value_heads"], SHAPE["head_dim"]
    b, t, _ = x.shape
    q = rotate((x @ w[p + "q_proj.weight"].T).view(b, t, heads, d).transpose(1, 2))
    k = rotate((x @ w[p + "k_proj.weight"].T).view(b, t, groups, d).transpose(1, 2))
    v = (x @ w[p + "v_proj.weight"].T).view(b, t, groups, d).transpose(1, 2)
    k, v = k.repeat_interleave(heads // groups, 1), v.repeat_interleave(heads // groups, 1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(d)
    scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, heads * d) @ w[p + "o_proj.weight"].T


def moe(w, p, x, case, stats):
    n, k = SHAPE["num_experts"], SHAPE["num_experts_per_tok"]
    flat = x.reshape(-1, x.shape[-1])
    tokens = flat.shape[0]
    z = flat @ w[p + "gate.weight"].T
    scores = z
    if case["gating"] == "normalized":
        mean, std = z.mean(-1, keepdim=True), z.std(-1, unbiased=True, keepdim=True)
        scores = case["gate_norm_std"] * (z - mean) / std.clamp(min=1e-6)
    g = scores.softmax(-1)
    top, ids = g.topk(k, -1)
    weight = top / top.sum(-1, keepdim=True)
    kept = torch.ones(tokens, k, dtype=torch.bool)
    if case["capacity_factor"] is not None:
        capacity = math.ceil(case["capacity_factor"] * k * tokens / n)
        used = [0] * n
        for choice in range(k):
            for token in range(tokens):
                e = int(ids[token, choice])
                kept[token, choice] = used[e] < capacity
                used[e] += 1
    y = torch.zeros_like(flat)
    for e in range(n):
        e_p = p + f"experts.{e}."
        out = (F.silu(flat @ w[e_p + "w1.weight"].T) * (flat @ w[e_p + "w3.weight"].T)) @ w[e_p + "w2.weight"].T
        share = (weight * ((ids == e) & kept)).sum(-1, keepdim=True)
        y = y + share * out
    ordered = g.sort(-1, descending=True).values
    stats.append(dict(
        dropped=int((~kept).sum()), both_dropped=int((~kept).all(-1).sum()),
        load=[int((ids == e).sum()) for e in range(n)],
        aux_loss=((1 / n - g.mean(0)) ** 2).sum(), z_loss=z.logsumexp(-1).pow(2).mean(),
        max1_over_max2=float((ordered[:, 0] / ordered[:, 1]).mean().detach()),
        max2_over_max3=float((ordered[:, 1] / ordered[:, 2]).mean().detach()),
        entropy=float(-(g * g.log()).sum(-1).mean().detach())))
    return y.view_as(x)


def run(stored, ids, targets, case):
    dtype = torch.float64 if case["dtype"] == "f64" else torch.float32
    w = {k: x.to(dtype, copy=True).requires_grad_() for k, x in stored.items()}
    head = w["model.embed_tokens.weight"] if case["tied"] else w["lm_head.weight"]
    stats = []
    x = w["model.embed_tokens.weight"][ids]
    for layer in range(SHAPE["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        x = x + attention(w, p + "self_attn.", rms_norm(x, w[p + "input_layernorm.weight"]))
        x = x + moe(w, p + "block_sparse_moe.", rms_norm(x, w[p + "post_attention_layernorm.weight"]),
                    case, stats)
    logits = rms_norm(x, w["model.norm.weight"]) @ head.T
    ce = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
    total = ce + sum(a * s["aux_loss"] for a, s in zip(ALPHA, stats))
    total = total + case["z_loss"] * sum(s["z_loss"] for s in stats)
    total.backward()
    case["loss"] = float(ce.detach())
    case["layers"] = [{k: float(v.detach()) if torch.is_tensor(v) else v for k, v in s.items()} for s in stats]
    return {f"{case['name']}/{k}": x.grad for k, x in w.items() if x.grad is not None}


def main(out):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(20)
    stored = weights(generator)
    ids = torch.randint(0, SHAPE["vocab_size"], (BATCH, LENGTH + 1), generator=generator)
    cases = []
    for dtype in ("f32", "f64"):
        for gating in ("normalized", "softmax"):
            for capacity in (0.75, None):
                cases.append(dict(dtype=dtype, gating=gating, capacity_factor=capacity, tied=False, z_loss=0.0))
    cases.append(dict(dtype="f64", gating="normalized", capacity_factor=1.0, tied=True, z_loss=0.001))
    cases.append(dict(dtype="f64", gating="normalized", capacity_factor=0.75, tied=False, z_loss=0.0, gate_norm_std=0.5))
    gradients = {"moe-gradients.safetensors": {}, "moe-gradients-gate-norm-std.safetensors": {}}
    for i, case in enumerate(cases):
        case.setdefault("gate_norm_std", 1.0)
        case["name"] = f"case{i}"
        case["gradients"] = list(gradients)[case["gate_norm_std"] != 1]
        gradients[case["gradients"]] |= run(stored, ids[:, :-1], ids[:, 1:], case)
    save_file({k: x.float() for k, x in stored.items()}, f"{out}/moe-weights.safetensors")
    for file, tensors in gradients.items():
        save_file(tensors, f"{out}/{file}")
    with open(f"{out}/moe-cases.json", "w") as file:
        json.dump(dict(made_with=f"torch {torch.__version__}", shape=SHAPE, alpha=ALPHA, ids=ids[:, :-1].tolist(),
                       targets=ids[:, 1:].tolist(), cases=cases), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
