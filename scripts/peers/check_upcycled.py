#!/usr/bin/env python3
"""Loads dense models and what Graft upcycled them to in transformers, and compares what the two compute.

usage: check_upcycled.py DENSE MOE [DENSE MOE …]

For each pair: logits of one sequence at every position, of a batch padded on the left, of tokens given one by one to
the cache, and the greedy continuation. Prints one JSON line a pair and exits 1 if logits differ by more than 1e-3.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-3
LENGTH, PADDING, NEW = 40, 9, 24


def load(directory):
    model = AutoModelForCausalLM.from_pretrained(directory, trust_remote_code=True, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    return model


def padded(ids):
    """The same sequence twice, once without its first tokens and padded to the same length."""
    short = torch.cat([torch.zeros(1, PADDING, dtype=torch.long), ids[:, PADDING:]], 1)
    mask = torch.ones(2, ids.shape[1], dtype=torch.long)
    mask[1, :PADDING] = 0
    return torch.cat([ids, short]), mask


def one_by_one(model, ids):
    cache, rows = None, []
    for i in range(ids.shape[1]):
        result = model(ids[:, i : i + 1], past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        rows.append(result.logits[:, 0])
    return torch.stack(rows, 1)


@torch.no_grad()
def compare(dense, moe):
    a, b = load(dense), load(moe)
    ids = torch.randint(3, a.config.vocab_size, (1, LENGTH), generator=torch.Generator().manual_seed(1))
    whole = a(ids).logits
    batch, mask = padded(ids)
    differences = dict(
        whole=(whole - b(ids).logits).abs().max().item(),
        without_cache=(whole - b(ids, use_cache=False).logits).abs().max().item(),
        padded=((a(batch, attention_mask=mask).logits - b(batch, attention_mask=mask).logits) * mask[..., None])
        .abs().max().item(),
        one_by_one=(whole - one_by_one(b, ids)).abs().max().item())
    texts = [m.generate(batch, attention_mask=mask, max_new_tokens=NEW, do_sample=False, pad_token_id=0).tolist()
             for m in (a, b)]
    print(json.dumps(dict(dense=type(a).__name__, moe=type(b).__name__, largest_logit=whole.abs().max().item(),
                          differences=differences)), flush=True)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            sys.exit(f"{moe}: the logits ({name}) differ from those of {dense} by {difference}")
    if texts[0] != texts[1]:
        sys.exit(f"{moe}: the greedy continuation differs from that of {dense}")


def main(directories):
    torch.set_num_threads(1)
    if not directories or len(directories) % 2:
        sys.exit(__doc__)
    for dense, moe in zip(directories[::2], directories[1::2]):
        compare(dense, moe)


if __name__ == "__main__":
    main(sys.argv[1:])
