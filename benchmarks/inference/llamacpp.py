"""llama.cpp through its C API, as the package llama-cpp-python binds it; run it with a Python that has that package.

usage: llamacpp.py bench MODEL.gguf [--prompt 512] [--generate 128] [--batch 1] [--unified]
                         [--threads 2] [--runs 3]
       llamacpp.py first MODEL.gguf --ids 1,2,3 [--threads 2]
       llamacpp.py perplexity MODEL.gguf --ids FILE [--context 1024] [--threads 2]

bench counts as llama-bench does: no tokenising, no sampling, prefill and decode each from an empty context, the first run thrown
away; logits are computed for the last token of a sequence only. --batch decodes so many sequences in each step, each with
a cache of its own, or with --unified all in one.
first prints the greedy token after the prompt and ends: for timing a cold start. perplexity reads token ids between blanks and scores
them in windows as benchmarks/inference/perplexity says. Each prints one line of JSON.
"""

import argparse
import ctypes
import json
import statistics
import sys
import time

started = time.perf_counter()
import llama_cpp as lc  # noqa: E402

imported = time.perf_counter() - started


@lc.llama_log_callback
def quiet(level, text, data):
    pass


class Context:
    """A model and a context for so many sequences of so many tokens."""

    def __init__(self, path, tokens, threads, sequences=1, unified=False):
        lc.llama_log_set(quiet, ctypes.c_void_p(0))
        lc.llama_backend_init()
        how = lc.llama_model_default_params()
        how.n_gpu_layers = 0
        self.model = lc.llama_model_load_from_file(path.encode(), how)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        how = lc.llama_context_default_params()
        length = -(-tokens // 256) * 256  # what llama.cpp rounds a sequence's cache up to
        how.n_ctx, how.n_batch, how.n_ubatch, how.n_seq_max = length * sequences, max(tokens, sequences), 512, sequences
        how.kv_unified = unified
        how.n_threads = how.n_threads_batch = threads
        self.pointer = lc.llama_init_from_model(self.model, how)
        if not self.pointer:
            raise SystemExit(f"llama.cpp cannot make a context for {path}")
        self.vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))
        self.batch = lc.llama_batch_init(max(tokens, sequences), 0, 1)

    def clear(self):
        lc.llama_memory_clear(lc.llama_get_memory(self.pointer), True)

    def step(self, entries):
        """One llama_decode of (id, position, sequence, whether its logits are wanted)."""
        self.batch.n_tokens = len(entries)
        for i, (token, position, sequence, logits) in enumerate(entries):
            self.batch.token[i], self.batch.pos[i], self.batch.logits[i] = token, position, logits
            self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
        if lc.llama_decode(self.pointer, self.batch):
            raise SystemExit("llama_decode failed")

    def logits(self, row):
        """Those of entry `row` of the last step, as a view that the next step overwrites."""
        import numpy

        pointer = lc.llama_get_logits_ith(self.pointer, row)
        return numpy.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (self.vocab,))


def bench(a):
    context = Context(a.model, max(a.prompt, a.generate), a.threads, a.batch, a.unified)
    ids = [(1000 + i * 7919) % context.vocab for i in range(max(a.prompt, a.generate))]
    prompt = [(ids[i], i, 0, i == a.prompt - 1) for i in range(a.prompt)]
    prefill, decode = [], []
    for run in range(a.runs + 1):
        context.clear()
        begun = time.perf_counter()
        if prompt:
            context.step(prompt)
        middle = time.perf_counter()
        context.clear()
        emptied = time.perf_counter()
        for i in range(a.generate):
            context.step([(ids[(i + s) % len(ids)], i, s, True) for s in range(a.batch)])
        ended = time.perf_counter()
        if run:
            prefill.append(a.prompt / (middle - begun))
            decode.append(a.batch * a.generate / (ended - emptied))
    return {"prefill_tokens_per_second": round(statistics.median(prefill), 2),
            "decode_tokens_per_second": round(statistics.median(decode), 2),
            "bytes": lc.llama_model_size(context.model)}


def first(a):
    ids = [int(i) for i in a.ids.split(",")]
    context = Context(a.model, len(ids) + 1, a.threads)
    context.step([(token, i, 0, i == len(ids) - 1) for i, token in enumerate(ids)])
    token = int(context.logits(len(ids) - 1).argmax())
    return {"token": token, "import_seconds": round(imported, 3)}


def perplexity(a):
    import numpy

    with open(a.ids) as file:
        ids = [int(i) for i in file.read().split()]
    context = Context(a.model, a.context, a.threads)
    windows, total, part = len(ids) // a.context, 0.0, 256
    for window in range(windows):
        context.clear()
        own = ids[window * a.context:(window + 1) * a.context]
        for start in range(0, a.context, part):
            tokens = own[start:start + part]
            context.step([(token, start + i, 0, True) for i, token in enumerate(tokens)])
            scored = min(len(tokens), a.context - 1 - start)
            rows = numpy.stack([context.logits(i) for i in range(scored)])
            largest = rows.max(axis=1)
            sums = numpy.exp(rows - largest[:, None]).sum(axis=1, dtype=numpy.float64)
            right = rows[numpy.arange(scored), own[start + 1:start + 1 + scored]]
            total += float((largest.astype(numpy.float64) + numpy.log(sums) - right).sum())
        print(f"llama.cpp: window {window + 1} of {windows}", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    scored = windows * (a.context - 1)
    return {"perplexity": float(numpy.exp(total / scored)), "tokens": scored, "windows": windows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for verb in (bench, first, perplexity):
        own = verbs.add_parser(verb.__name__)
        own.set_defaults(verb=verb)
        own.add_argument("model")
        own.add_argument("--threads", type=int, default=2)
        if verb is bench:
            own.add_argument("--prompt", type=int, default=512)
            own.add_argument("--generate", type=int, default=128)
            own.add_argument("--batch", type=int, default=1)
            own.add_argument("--unified", action="store_true")
            own.add_argument("--runs", type=int, default=3)
        else:
            own.add_argument("--ids", required=True)
        if verb is perplexity:
            own.add_argument("--context", type=int, default=1024)
    a = parser.parse_args()
    print(json.dumps(a.verb(a)), flush=True)


if __name__ == "__main__":
    main()
