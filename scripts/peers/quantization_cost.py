#!/usr/bin/env python3
"""What quantising a model costs on a text, by transformers in float32.

usage: quantization_cost.py BEFORE AFTER TEXT CONTEXT

The text is encoded whole without special tokens and cut into windows of CONTEXT ids that do not overlap. Prints one JSON
object: perplexity of both, the mean of KL(before || after) in nats and the share of tokens with the same most likely one.
"""

import json
import math
import pathlib
import sys

import tokenizers
import torch

from check_quantized import load, load_quantised


@torch.no_grad()
def main(before, after, text, context):
    torch.set_num_threads(1)
    tokenizer = tokenizers.Tokenizer.from_file(f"{before}/tokenizer.json")
    ids = tokenizer.encode(pathlib.Path(text).read_text(encoding="utf-8"), add_special_tokens=False).ids
    models = load(before), load_quantised(after)
    tokens, losses, divergence, same = 0, [0.0, 0.0], 0.0, 0
    for start in range(0, len(ids) - context + 1, context):
        window = torch.tensor(ids[start : start + context])
        p, q = (m(window[None]).logits[0, :-1].double().log_softmax(-1) for m in models)
        for i, rows in enumerate((p, q)):
            losses[i] -= rows.gather(1, window[1:, None]).sum().item()
        divergence += (p.exp() * (p - q)).sum().item()
        same += (p.argmax(-1) == q.argmax(-1)).sum().item()
        tokens += context - 1
    print(json.dumps(dict(tokens=tokens, perplexity_before=math.exp(losses[0] / tokens),
                          perplexity_after=math.exp(losses[1] / tokens), kl=divergence / tokens, same_token=same / tokens)))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
