#!/usr/bin/env python3
"""Loads a Skywork-MoE directory in transformers through Graft's Python files and compares it with golden values.

usage: check_modeling.py DIR GOLDEN_JSON MODELING_DIR

DIR is copied, the two Python files of MODELING_DIR are put beside its config.json and named in its auto_map. Compared
are logits (1e-3), the experts of every token, their weights (1e-4) and the greedy continuation by generate().
"""

import json
import pathlib
import shutil
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM

AUTO_MAP = {"AutoConfig": "configuration_skywork_moe.SkyworkMoeConfig",
            "AutoModelForCausalLM": "modeling_skywork_moe.SkyworkForCausalLM"}


def load(directory, modeling):
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(pathlib.Path(directory, "model.safetensors"), work)
        for file in pathlib.Path(modeling).glob("*_skywork_moe.py"):
            shutil.copy(file, work)
        config = json.loads(pathlib.Path(directory, "config.json").read_text())
        pathlib.Path(work, "config.json").write_text(json.dumps(config | dict(auto_map=AUTO_MAP)))
        return AutoModelForCausalLM.from_pretrained(work, trust_remote_code=True, dtype=torch.float32).eval()


def watch(model):
    """Fills the returned list with (expert ids, weights) of every layer as the model runs."""
    routes = []
    for layer in model.model.layers:
        layer.block_sparse_moe.register_forward_pre_hook(
            lambda block, inputs: routes.append(block.route(inputs[0].flatten(0, 1))))
    return routes


@torch.no_grad()
def main(directory, golden, modeling):
    torch.set_num_threads(1)
    model = load(directory, modeling)
    model.generation_config.eos_token_id = None  # the golden continuations go on
    routes = watch(model)
    cases = json.loads(pathlib.Path(golden).read_text())["cases"]
    worst = dict(logits=0.0, weights=0.0)
    for case in cases:
        ids = torch.tensor([case["ids"]])
        routes.clear()
        logits = model(ids).logits[0]
        for position, row in case["logits"].items():
            worst["logits"] = max(worst["logits"], (logits[int(position)] - torch.tensor(row)).abs().max().item())
        for expected, (experts, weights) in zip(case["router"], routes, strict=True):
            if experts.tolist() != expected["expert_ids"]:
                sys.exit(f"layer {expected['layer']} sends {case['ids']} to other experts")
            difference = (weights - torch.tensor(expected["weights"])).abs().max().item()
            worst["weights"] = max(worst["weights"], difference)
        text = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=len(case["greedy_32"]),
                              do_sample=False)
        if text[0, ids.shape[1]:].tolist() != case["greedy_32"]:
            sys.exit(f"the greedy continuation of {case['ids']} differs")
    print(json.dumps(dict(model=type(model).__name__, cases=len(cases), largest_difference=worst)))
    if not (worst["logits"] <= 1e-3 and worst["weights"] <= 1e-4):
        sys.exit("logits or weights differ")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
