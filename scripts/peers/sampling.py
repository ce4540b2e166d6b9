#!/usr/bin/env python3
"""The distributions that transformers' logits processors leave.

usage: sampling.py CASES.json

Each case has logits, seen (ids for the repetition penalty), temperature, top_k, top_p, min_p and repetition_penalty.
Prints a list of lists: the probability of each token.
"""

import json
import pathlib
import sys

import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor,
                          TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)


def distribution(case):
    processors = LogitsProcessorList()
    if case["repetition_penalty"] != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    if case["temperature"] != 1:
        processors.append(TemperatureLogitsWarper(case["temperature"]))
    if case["top_k"]:
        processors.append(TopKLogitsWarper(case["top_k"]))
    if case["top_p"] != 1:
        processors.append(TopPLogitsWarper(case["top_p"]))
    if case["min_p"]:
        processors.append(MinPLogitsWarper(case["min_p"]))
    logits = torch.tensor([case["logits"]], dtype=torch.float64)
    return processors(torch.tensor([case["seen"]]), logits)[0].softmax(-1).tolist()


if __name__ == "__main__":
    print(json.dumps([distribution(case) for case in json.loads(pathlib.Path(sys.argv[1]).read_text())]))
