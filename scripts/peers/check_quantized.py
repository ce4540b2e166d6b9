#!/usr/bin/env python3
"""Loads what graft quantize wrote in transformers, and compares it bit for bit with the values that Graft reads from it.

usage: check_quantized.py QUANTISED PLAIN [QUANTISED PLAIN …]

PLAIN is the same model in float32, as Graft dequantised it. transformers dequantises QUANTISED by its own fp8 method or by
compressed-tensors, whichever the config names; the fp8 method knows a tensor's scale as weight_scale_inv only, so the
scales that vLLM calls weight_scale are renamed as they are loaded. Prints one JSON line a pair and exits 1 at the first
difference of a parameter's bits.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, CompressedTensorsConfig, FineGrainedFP8Config
from transformers.utils import logging

logging.disable_progress_bar()


def load(directory, **options):
    model, report = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, output_loading_info=True, **options)
    wrong = {key: sorted(map(str, value)) for key, value in report.items() if value}
    if wrong:
        sys.exit(f"{directory}: {wrong}")
    return model.eval()


def load_quantised(directory):
    config = json.loads((pathlib.Path(directory) / "config.json").read_text())["quantization_config"]
    if config["quant_method"] == "compressed-tensors":
        return load(directory, quantization_config=CompressedTensorsConfig(dequantize=True))
    options = dict(quantization_config=FineGrainedFP8Config(dequantize=True))
    if config["weight_block_size"] is None:
        options["key_mapping"] = {r"\.weight_scale$": ".weight_scale_inv"}
    return load(directory, **options)


@torch.no_grad()
def compare(quantised, plain):
    theirs, ours = dict(load_quantised(quantised).named_parameters()), dict(load(plain).named_parameters())
    if theirs.keys() != ours.keys():
        sys.exit(f"{quantised}: parameters differ: {sorted(theirs.keys() ^ ours.keys())}")
    for name, values in theirs.items():
        # What was not quantised stays in its own dtype; float32 holds it exactly.
        if not torch.equal(values.float().view(torch.int32), ours[name].view(torch.int32)):
            worst = (values.float() - ours[name]).abs().max().item()
            sys.exit(f"{quantised}: {name} differs from what Graft reads by up to {worst}")
    print(json.dumps(dict(directory=pathlib.Path(quantised).name, parameters=len(theirs),
                          elements=sum(v.numel() for v in theirs.values()))), flush=True)


def main(directories):
    torch.set_num_threads(1)
    if not directories or len(directories) % 2:
        sys.exit(__doc__)
    for quantised, plain in zip(directories[::2], directories[1::2]):
        compare(quantised, plain)


if __name__ == "__main__":
    main(sys.argv[1:])
