"""Training runs of several processes for the scripts in this folder: data, recipes, ranks, and what their events say."""

import json
import os
import pathlib
import random
import socket
import statistics
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFT = ROOT / "graft"


def environment(**variables):
    """Without a rank of its own, so that a rank is what it is told to be."""
    unset = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    return {k: v for k, v in os.environ.items() if k not in unset} | {"GRAFT_NO_BUILD": "1"} | variables


def build():
    subprocess.run([GRAFT, "--version"], check=True, stdout=subprocess.DEVNULL)


def dataset(prefix, vocab, tokens):
    """Random tokens as Megatron's indexed dataset: what is timed does not depend on them."""
    generator = random.Random(1)
    pathlib.Path(f"{prefix}.bin").write_bytes(
        struct.pack(f"<{tokens}H", *(generator.randrange(vocab) for _ in range(tokens))))
    pathlib.Path(f"{prefix}.idx").write_bytes(
        b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 1, 2) + struct.pack("<iqqq", tokens, 0, 0, 1))


def recipe(path, spec, **keys):
    """Writes a recipe that only trains: no checkpoints but the last, no samples."""
    tokens = path.parent / f"tokens-{spec['vocab_size']}"
    if not tokens.with_suffix(".bin").exists():
        dataset(tokens, spec["vocab_size"], 200_000)
    path.write_text(json.dumps(dict(
        spec=spec, data=dict(train=[dict(tokens=str(tokens))]), threads=1, tensorboard=False,
        optimizer=dict(lr=3e-4, schedule="constant", warmup_steps=0), checkpoint=dict(every=0), similarity_every=0,
        routing=dict(capacity_factor=1.25, balance=dict(kind="fixed", alpha=0.01)),
        out=str(path.with_suffix(""))) | keys))
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ranks(recipe_file, count, prefixes=None, host="127.0.0.1", local=None):
    """Starts graft train as so many ranks, each behind its prefix (taskset, ip netns exec), and waits for all."""
    port = free_port()
    started = []
    for rank in range(count):
        variables = environment(RANK=str(rank), WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(local or count),
                                MASTER_ADDR=host, MASTER_PORT=str(port))
        prefix = prefixes[rank] if prefixes else []
        started.append(subprocess.Popen([*prefix, GRAFT, "train", recipe_file], env=variables,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    try:
        said = [process.communicate()[1] for process in started]
    finally:
        for process in started:
            process.kill()
    for rank, process in enumerate(started):
        if process.returncode:
            raise SystemExit(f"rank {rank} ended with {process.returncode}: {said[rank].strip()}")


def events(recipe_file, kind):
    log = json.loads(recipe_file.read_text())["out"] + "/events.jsonl"
    lines = (json.loads(line) for line in pathlib.Path(log).read_text().splitlines())
    return [event for event in lines if event.get("event") == kind]


def step_seconds(recipe_file, warm):
    """Median seconds of the steps after the first few."""
    return statistics.median(event["seconds"] for event in events(recipe_file, "step")[warm:])
