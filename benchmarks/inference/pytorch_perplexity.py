"""Perplexity of a Hugging Face directory by transformers in float32, its quantised weights dequantised here.

usage: pytorch_perplexity.py DIR IDS [--context 1024] [--threads 2]

Nothing of Graft takes part: the safetensors are read by their own library, FP8 codes become numbers by torch's own cast, and each
weight is multiplied by its scale in float32:

    X.weight F8_E4M3 + X.weight_scale      [1], a scale for the tensor, or [rows, 1], one for each row
    X.weight F8_E4M3 + X.weight_scale_inv  [ceil(rows / 128), ceil(columns / 128)], one for each block of 128 x 128
    X.weight I8      + X.weight_scale      F16 [rows, ceil(columns / 32)], one for each 32 of a row

IDS is a file of token ids between blanks; benchmarks/inference/perplexity says how they are scored. Prints one line of JSON.
"""

import argparse
import json
import math
import pathlib
import sys
import tempfile

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def spread(scale, rows, columns, row_block, column_block):
    """The scale of each element, [rows, columns]."""
    return scale.float().repeat_interleave(row_block, 0)[:rows].repeat_interleave(column_block, 1)[:, :columns]


def dequantise(name, codes, tensors):
    rows, columns = codes.shape
    scale, inverse = tensors.get(name + "_scale"), tensors.get(name + "_scale_inv")
    if codes.dtype == torch.int8:
        if scale.shape != (rows, -(-columns // 32)):
            raise SystemExit(f"{name}_scale is {list(scale.shape)}")
        return codes.float() * spread(scale, rows, columns, 1, 32)
    if inverse is not None:
        return codes.float() * spread(inverse, rows, columns, 128, 128)
    if scale.numel() not in (1, rows):
        raise SystemExit(f"{name}_scale is {list(scale.shape)}")
    return codes.float() * scale.float().reshape(-1, 1)


def plain_directory(directory, out):
    """Writes the same model in float32, and nothing quantised about it."""
    tensors = {}
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, "pt") as reader:
            tensors.update({name: reader.get_tensor(name) for name in reader.keys()})
    plain = {}
    for name, tensor in tensors.items():
        if name.endswith(("_scale", "_scale_inv")):
            continue
        coded = tensor.dtype in (torch.int8, torch.float8_e4m3fn)
        plain[name] = (dequantise(name, tensor, tensors) if coded else tensor.float()).contiguous()
    config = json.loads((directory / "config.json").read_text())
    for key in ("quantization_config", "torch_dtype", "dtype"):
        config.pop(key, None)
    (out / "config.json").write_text(json.dumps(config))
    save_file(plain, out / "model.safetensors", metadata={"format": "pt"})


def load(directory):
    with tempfile.TemporaryDirectory() as folder:
        plain_directory(directory, pathlib.Path(folder))
        model, report = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True)
        wrong = {key: report.get(key) for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report.get(key)}
        if wrong:
            raise SystemExit(f"{directory}: {wrong}")
        return model.eval()


@torch.inference_mode()
def score(model, ids, context):
    windows, total = len(ids) // context, 0.0
    for window in range(windows):
        own = torch.tensor(ids[window * context:(window + 1) * context])
        hidden = model.model(own[None], use_cache=False).last_hidden_state[0, :-1]
        for part, right in zip(hidden.split(256), own[1:].split(256), strict=True):
            logits = model.lm_head(part).float()
            total += torch.nn.functional.cross_entropy(logits, right, reduction="sum").double().item()
        print(f"PyTorch: window {window + 1} of {windows}", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    scored = windows * (context - 1)
    return {"perplexity": math.exp(total / scored), "tokens": scored, "windows": windows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("ids", type=pathlib.Path)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    print(json.dumps(score(load(a.directory), [int(i) for i in a.ids.read_text().split()], a.context)))


if __name__ == "__main__":
    main()
