#!/usr/bin/env python3
"""Writes small dense models of random weights by transformers itself: one folder for each way they differ.

usage: tiny_dense.py OUT_DIR

The weights are large (a standard deviation of 0.2), so that a wrong rotation or mask is seen in the logits.
"""

import pathlib
import sys

import torch
from transformers import (LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

SHAPE = dict(vocab_size=96, hidden_size=48, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=2.0)

MODELS = {
    "llama-tied-wide-heads": (LlamaForCausalLM, LlamaConfig(**SHAPE, head_dim=16, tie_word_embeddings=True)),
    "llama-llama3": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_parameters=LLAMA3)),
    "llama-yarn-bias": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_parameters=YARN, attention_bias=True)),
    "mistral-window": (MistralForCausalLM, MistralConfig(**SHAPE, head_dim=8, sliding_window=7)),
    "qwen2-linear": (Qwen2ForCausalLM, Qwen2Config(**SHAPE, rope_parameters=LINEAR, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SHAPE, head_dim=16)),
}


def main(out):
    for name, (kind, config) in MODELS.items():
        torch.manual_seed(1)
        model = kind(config)
        with torch.no_grad():
            for key, weight in model.named_parameters():
                if weight.dim() == 1:  # norms start at one and biases at zero: neither would be noticed
                    weight.copy_(torch.randn_like(weight) * 0.2 + ("norm" in key))
        model.save_pretrained(pathlib.Path(out, name))
        print(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
