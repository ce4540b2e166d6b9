#!/usr/bin/env python3
"""Training throughput of `graft train` against eager PyTorch: same shapes, batch, dtype and threads, interleaved.

usage: benchmarks/train/compare.py [--python .venv/bin/python] [--rounds 5] [--steps 12] [--threads 2] [--sizes 10M,100M]

Each round runs one process of either side; the first steps of a process are left out. Prints a Markdown table.
"""

import argparse
import json
import pathlib
import random
import statistics
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH, LENGTH, WARM = 4, 256, 3
SIZES = {
    "10M": dict(vocab_size=4096, hidden_size=256, intermediate_size=320, num_hidden_layers=4, num_attention_heads=8,
                num_key_value_heads=4, num_experts=[8], num_experts_per_tok=2),
    "100M": dict(vocab_size=16384, hidden_size=512, intermediate_size=832, num_hidden_layers=8,
                 num_attention_heads=8, num_key_value_heads=4, num_experts=[8], num_experts_per_tok=2),
}


def dataset(prefix, vocab, tokens):
    """Random tokens as Megatron's indexed dataset: what is timed does not depend on them."""
    generator = random.Random(1)
    with open(f"{prefix}.bin", "wb") as file:
        file.write(struct.pack(f"<{tokens}H", *(generator.randrange(vocab) for _ in range(tokens))))
    with open(f"{prefix}.idx", "wb") as file:
        file.write(b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 1, 2) + struct.pack("<iqqq", tokens, 0, 0, 1))


def graft(work, size, shape, steps, threads, round_):
    out = work / f"{size}-{round_}"
    recipe = work / f"{size}.yaml"
    spec = dict(shape, tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=LENGTH)
    recipe.write_text(json.dumps(dict(
        spec=spec, data=dict(train=[dict(tokens=str(work / size))]), sequence_length=LENGTH, global_batch_size=BATCH,
        micro_batch_size=BATCH, steps=steps, threads=threads, tensorboard=False, similarity_every=0,
        optimizer=dict(lr=3e-4, schedule="constant", warmup_steps=0),
        routing=dict(balance=dict(kind="fixed", alpha=0.01)), checkpoint=dict(every=0), out="OUT")))
    subprocess.run([ROOT / "graft", "train", recipe, f"out={out}"], check=True, capture_output=True, text=True)
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    subprocess.run(["rm", "-r", out], check=True)
    return [e["seconds"] for e in events if e["event"] == "step"], events[0]["model"]["parameters"]


def eager(python, shape, steps, threads):
    script = pathlib.Path(__file__).with_name("eager_moe.py")
    done = subprocess.run([python, script, json.dumps(shape), str(steps), str(threads), str(BATCH), str(LENGTH)],
                          check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["parameters"], result["torch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(ROOT / ".venv/bin/python"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", default="10M,100M")
    a = parser.parse_args()
    print("| model | parameters | Graft tokens/s | PyTorch tokens/s | ratio of medians | ratio per round |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for size in a.sizes.split(","):
            shape = SIZES[size]
            dataset(work / size, shape["vocab_size"], 200_000)
            ours, theirs, ratios = [], [], []
            for round_ in range(a.rounds):
                g, count = graft(work, size, shape, a.steps, a.threads, round_)
                e, peer_count, version = eager(a.python, shape, a.steps, a.threads)
                assert count == peer_count, f"the models differ: {count} and {peer_count} parameters"
                ours += g[WARM:]
                theirs += e[WARM:]
                ratios.append(statistics.median(e[WARM:]) / statistics.median(g[WARM:]))
            rate = [BATCH * LENGTH / statistics.median(s) for s in (ours, theirs)]
            print(f"| {size} | {count:,} | {rate[0]:,.0f} | {rate[1]:,.0f} (torch {version}) | {rate[0] / rate[1]:.2f} | "
                  + " ".join(f"{r:.2f}" for r in sorted(ratios)) + " |", flush=True)


if __name__ == "__main__":
    main()
