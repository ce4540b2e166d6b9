#!/usr/bin/env python3
"""The logits that transformers gives for token ids, in float32, as `graft logits --json` prints them.

usage: transformers_logits.py DIR --ids 1,403,407 [--all] [--greedy N]

Prints one JSON object: model (the class), ids, logits_last; with --all also logits, every position's row; with --greedy
also the N tokens that follow, each the most likely.
"""

import argparse
import json

import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--ids", required=True, type=lambda text: [int(i) for i in text.split(",")])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--greedy", type=int, default=0)
    a = parser.parse_args()
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(a.directory, trust_remote_code=True, dtype=torch.float32).eval()
    ids = torch.tensor([a.ids])
    with torch.no_grad():
        logits = model(ids).logits[0]
    result = dict(model=type(model).__name__, ids=a.ids, logits_last=logits[-1].tolist())
    if a.all:
        result["logits"] = logits.tolist()
    if a.greedy:
        model.generation_config.eos_token_id = None  # graft logits --greedy does not stop either
        text = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=a.greedy, do_sample=False)
        result["greedy"] = text[0, len(a.ids):].tolist()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
