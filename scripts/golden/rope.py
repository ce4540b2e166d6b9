"""Inverse frequencies and attention factors of transformers' rotary embeddings, for Graft's tests.

usage: rope.py > rope.json
"""

import json

import transformers
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

CASES = [
    dict(rope_theta=10000.0),
    dict(rope_theta=500000.0),
    dict(rope_theta=10000.0, rope_type="linear", factor=4.0),
    dict(rope_theta=500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
         original_max_position_embeddings=8192),
    dict(rope_theta=10000.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=2048),
    dict(rope_theta=1000000.0, rope_type="yarn", factor=16.0, original_max_position_embeddings=4096, beta_fast=24.0,
         beta_slow=2.0, attention_factor=1.5),
]


def main():
    rows = []
    for parameters in CASES:
        config = LlamaConfig(hidden_size=512, num_attention_heads=8, head_dim=64, max_position_embeddings=32768,
                             rope_parameters=dict(dict(rope_type="default"), **parameters))
        rope = LlamaRotaryEmbedding(config)
        rows.append(dict(rope_parameters=parameters, inv_freq=[float(x) for x in rope.inv_freq.double()],
                         attention_factor=float(rope.attention_scaling)))
    print(json.dumps(dict(made_with=f"transformers {transformers.__version__}", max_position_embeddings=32768,
                          head_dim=64, cases=rows), indent=1))


if __name__ == "__main__":
    main()
