#!/usr/bin/env python3
"""Holds a run's TensorBoard files against its events.jsonl, through TensorBoard's own loader.

    scripts/peers/setup
    .venv/bin/python scripts/peers/check_tensorboard.py RUN_DIR [TENSORBOARD_DIR]

RUN_DIR holds events.jsonl; the event files are looked for in TENSORBOARD_DIR, by default RUN_DIR/tensorboard.
Prints how many scalars agree to 32-bit float accuracy and exits 1 at the first that does not, or where there is none.
"""

import json
import math
import pathlib
import sys

import numpy
from tensorboard.backend.event_processing import event_accumulator


def expected(events_file):
    """{tag: {step: value}} as the JSON lines have it; a later line of a step wins."""
    tags = {}

    def put(tag, step, value):
        tags.setdefault(tag, {})[step] = float(value)

    for line in events_file.read_text().splitlines():
        event = json.loads(line)
        step = event.get("step")
        if event["event"] == "step":
            put("loss/train", step, event["loss"])
            put("loss/auxiliary", step, event["aux_loss"])
            put("loss/z", step, event["z_loss"])
            put("optimizer/lr", step, event["lr"])
            put("optimizer/grad_norm", step, event["grad_norm"])
            put("throughput/tokens_per_second", step, event["tokens_per_second"])
            put("throughput/mfu", step, event["mfu"])
            put("memory/resident_bytes", step, event["memory_bytes"])
            for layer in event["layers"]:
                name = f"layer_{layer['layer']:02d}"
                put(f"drop_rate/{name}", step, layer["drop_rate"])
                put(f"alpha/{name}", step, layer["alpha"])
                put(f"max1_over_max2/{name}", step, layer["max1_over_max2"])
                put(f"max2_over_max3/{name}", step, layer["max2_over_max3"])
                put(f"gate_entropy/{name}", step, layer["entropy"])
        elif event["event"] == "validation":
            put("loss/validation", step, event["loss"])
        elif event["event"] == "similarity":
            for i, value in enumerate(event["layers"]):
                put(f"expert_similarity/layer_{i:02d}", step, value)
    return tags


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    run = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else run / "tensorboard"
    if not folder.is_dir():
        sys.exit(f"{folder} is not a folder")
    loaded = event_accumulator.EventAccumulator(str(folder), size_guidance={event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0})
    loaded.Reload()
    names = loaded.Tags()
    checked = 0
    want = expected(run / "events.jsonl")
    if set(names["scalars"]) | set(names["tensors"]) != set(want):
        sys.exit(f"tags differ: {sorted((set(names['scalars']) | set(names['tensors'])) ^ set(want))}")
    for tag, series in want.items():
        if tag in names["scalars"]:
            got = {e.step: e.value for e in loaded.Scalars(tag)}
        else:
            got = {e.step: e.tensor_proto.float_val[0] for e in loaded.Tensors(tag)}
        if set(got) != set(series):
            sys.exit(f"{tag}: steps differ, e.g. {sorted(set(got) ^ set(series))[:5]}")
        for step, value in series.items():
            if numpy.float32(value) != numpy.float32(got[step]) and not (math.isnan(value) and math.isnan(got[step])):
                sys.exit(f"{tag} at step {step}: events.jsonl has {value}, TensorBoard {got[step]}")
            checked += 1
    if checked == 0:
        sys.exit(f"{folder} holds no scalar")
    print(f"{checked} scalars of {len(want)} tags agree")


if __name__ == "__main__":
    main()
