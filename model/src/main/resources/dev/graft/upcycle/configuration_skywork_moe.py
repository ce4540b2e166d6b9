# Copyright 2026 The Graft developers. Licensed under the Apache License, Version 2.0.
"""Configuration of the Skywork-MoE form that `graft upcycle --gating normalized` writes."""

from transformers import PretrainedConfig


class SkyworkMoeConfig(PretrainedConfig):
    model_type = "skywork_moe"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size=65536,
        hidden_size=4608,
        intermediate_size=12288,
        num_hidden_layers=52,
        num_attention_heads=36,
        num_key_value_heads=None,
        head_dim=None,
        hidden_act="silu",
        max_position_embeddings=8192,
        initializer_range=0.02,
        rms_norm_eps=1e-6,
        use_cache=True,
        tie_word_embeddings=False,
        attention_bias=False,
        qkv_bias=False,
        use_qk_norm=False,
        sliding_window=None,
        num_experts=(1,),
        num_experts_per_tok=2,
        moe_expert_interval=1,
        moe_use_mixtral_gating=False,
        moe_2layer_gate=False,
        moe_use_logits_norm=False,
        moe_gate_norm_std=1.0,
        moe_feature_no_mul_topk=False,
        rope_theta=10000.0,
        rope_scaling=None,
        rope_parameters=None,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads or num_attention_heads
        self.head_dim = head_dim or hidden_size // num_attention_heads
        self.hidden_act = hidden_act
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.rms_norm_eps = rms_norm_eps
        self.use_cache = use_cache
        self.attention_bias = attention_bias
        self.qkv_bias = qkv_bias or attention_bias
        self.use_qk_norm = use_qk_norm
        self.sliding_window = sliding_window
        self.num_experts = list(num_experts) if isinstance(num_experts, (list, tuple)) else [num_experts]
        self.num_experts_per_tok = num_experts_per_tok
        self.moe_expert_interval = moe_expert_interval
        self.moe_use_mixtral_gating = moe_use_mixtral_gating
        self.moe_2layer_gate = moe_2layer_gate
        self.moe_use_logits_norm = moe_use_logits_norm
        self.moe_gate_norm_std = moe_gate_norm_std
        self.moe_feature_no_mul_topk = moe_feature_no_mul_topk
        # transformers 5 keeps theta and scaling in one dictionary.
        rope = dict(rope_parameters or rope_scaling or {})
        rope.setdefault("rope_type", rope.pop("type", "default"))
        rope.setdefault("rope_theta", rope_theta)
        self.rope_parameters = rope
        self._refuse()
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)

    def _refuse(self):
        if self.hidden_act != "silu":
            raise ValueError(f"hidden_act is {self.hidden_act!r}; only silu is computed")
        if self.moe_2layer_gate or self.moe_expert_interval != 1:
            raise ValueError("moe_2layer_gate and moe_expert_interval other than 1 are not computed")
        if not (self.moe_feature_no_mul_topk or self.moe_use_mixtral_gating):
            raise ValueError("moe_feature_no_mul_topk must be true without moe_use_mixtral_gating")
