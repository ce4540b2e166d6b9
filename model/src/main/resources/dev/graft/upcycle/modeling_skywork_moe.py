# Copyright 2026 The Graft developers. Licensed under the Apache License, Version 2.0.
"""The Skywork-MoE form for transformers: Llama with experts behind a gate whose logits are normalised.

Routing (Skywork-MoE report, arXiv 2406.06563, section 4): z~ = lambda * z / std(z) over the experts (unbiased), softmax
in float32, top-k, weights renormalised to sum to 1. Attention, norms and rotary embedding are transformers' own.
"""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.cache_utils import DynamicCache
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding, apply_rotary_pos_emb, repeat_kv

from .configuration_skywork_moe import SkyworkMoeConfig


class SkyworkAttention(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.layer = layer
        self.heads, self.groups, self.dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        hidden = config.hidden_size
        self.q_proj = nn.Linear(hidden, self.heads * self.dim, bias=config.qkv_bias)
        self.k_proj = nn.Linear(hidden, self.groups * self.dim, bias=config.qkv_bias)
        self.v_proj = nn.Linear(hidden, self.groups * self.dim, bias=config.qkv_bias)
        self.o_proj = nn.Linear(self.heads * self.dim, hidden, bias=config.attention_bias)
        if config.use_qk_norm:
            self.q_norm = LlamaRMSNorm(self.dim, eps=config.rms_norm_eps)
            self.k_norm = LlamaRMSNorm(self.dim, eps=config.rms_norm_eps)
        self.normalised = config.use_qk_norm

    def forward(self, x, position_embeddings, mask, cache):
        b, s, _ = x.shape
        q = self.q_proj(x).view(b, s, self.heads, self.dim)
        k = self.k_proj(x).view(b, s, self.groups, self.dim)
        v = self.v_proj(x).view(b, s, self.groups, self.dim).transpose(1, 2)
        if self.normalised:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = apply_rotary_pos_emb(q.transpose(1, 2), k.transpose(1, 2), *position_embeddings)
        if cache is not None:
            k, v = cache.update(k, v, self.layer)
        k, v = repeat_kv(k, self.heads // self.groups), repeat_kv(v, self.heads // self.groups)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None and s > 1)
        return self.o_proj(y.transpose(1, 2).reshape(b, s, self.heads * self.dim))


class SkyworkExpert(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.w1 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w2 = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.w3 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class SkyworkSparseMoeBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.top_k = config.num_experts_per_tok
        self.normalised, self.std = config.moe_use_logits_norm, config.moe_gate_norm_std
        self.gate = nn.Linear(config.hidden_size, config.num_experts[0], bias=False)
        self.experts = nn.ModuleList(SkyworkExpert(config) for _ in range(config.num_experts[0]))

    def route(self, x):
        z = self.gate(x).float()
        if self.normalised:
            z = z * (self.std / z.std(-1, keepdim=True).clamp(min=1e-6))
        weights, ids = z.softmax(-1).topk(self.top_k, -1)
        return ids, weights / weights.sum(-1, keepdim=True)

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        ids, weights = self.route(flat)
        y = torch.zeros_like(flat)
        for e in ids.unique().tolist():
            token, choice = torch.where(ids == e)
            y.index_add_(0, token, self.experts[e](flat[token]) * weights[token, choice, None].to(flat.dtype))
        return y.view_as(x)


class SkyworkDecoderLayer(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.input_layernorm = LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.self_attn = SkyworkAttention(config, layer)
        self.post_attention_layernorm = LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.block_sparse_moe = SkyworkSparseMoeBlock(config)

    def forward(self, x, position_embeddings, mask, cache):
        x = x + self.self_attn(self.input_layernorm(x), position_embeddings, mask, cache)
        return x + self.block_sparse_moe(self.post_attention_layernorm(x))


class SkyworkPreTrainedModel(PreTrainedModel):
    config_class = SkyworkMoeConfig
    base_model_prefix = "model"
    _no_split_modules = ["SkyworkDecoderLayer"]
    _supports_sdpa = True


class SkyworkModel(SkyworkPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(SkyworkDecoderLayer(config, i) for i in range(config.num_hidden_layers))
        self.norm = LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary_emb = LlamaRotaryEmbedding(config=config)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None,
                inputs_embeds=None, use_cache=None, **kwargs):
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if past_key_values is None and (use_cache if use_cache is not None else self.config.use_cache):
            past_key_values = DynamicCache(config=self.config)
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        if position_ids is None:
            position_ids = torch.arange(seen, seen + x.shape[1], device=x.device)[None]
        make_mask = create_causal_mask if self.config.sliding_window is None else create_sliding_window_causal_mask
        mask = make_mask(config=self.config, inputs_embeds=x, attention_mask=attention_mask,
                         past_key_values=past_key_values, position_ids=position_ids)
        position_embeddings = self.rotary_emb(x, position_ids)
        for layer in self.layers:
            x = layer(x, position_embeddings, mask, past_key_values)
        return self.norm(x), past_key_values


class SkyworkForCausalLM(SkyworkPreTrainedModel, GenerationMixin):
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.model = SkyworkModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None,
                inputs_embeds=None, labels=None, use_cache=None, logits_to_keep=0, **kwargs):
        states, past_key_values = self.model(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids,
            past_key_values=past_key_values, inputs_embeds=inputs_embeds, use_cache=use_cache)
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(states[:, kept])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)
