"""llama.cpp through its C API, for tests that compare Graft's GGUF files with it.

usage: llamacpp.py logits MODEL.gguf IDS.json OUT.json      IDS: [[1, 2], ...]; OUT: the logits at the last id of each
       llamacpp.py tokenize MODEL.gguf TEXTS.json OUT.json  OUT: the ids of each text, special tokens parsed, none added
       llamacpp.py quantize IN.gguf OUT.gguf TYPE           TYPE: as llama.cpp's LLAMA_FTYPE_MOSTLY_*, e.g. Q8_0

Keys and values are kept in float32 and attention is not fused, so that the two differ by little more than rounding.
"""
import ctypes
import json
import sys

import llama_cpp as lc
import numpy as np


@lc.llama_log_callback
def quiet(level, text, data):
    pass


def load(path, vocab_only=False):
    lc.llama_backend_init()
    params = lc.llama_model_default_params()
    params.n_gpu_layers = 0
    params.vocab_only = vocab_only
    model = lc.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise SystemExit(f"llama.cpp does not load {path}")
    return model


def logits(path, ids, out):
    model = load(path)
    rows = []
    for prompt in json.load(open(ids)):
        params = lc.llama_context_default_params()
        params.n_ctx = params.n_batch = len(prompt) + 8
        params.type_k = params.type_v = lc.GGML_TYPE_F32
        params.flash_attn_type = lc.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.n_threads = params.n_threads_batch = 1
        context = lc.llama_init_from_model(model, params)
        array = (lc.llama_token * len(prompt))(*prompt)
        if lc.llama_decode(context, lc.llama_batch_get_one(array, len(prompt))):
            raise SystemExit("llama_decode failed")
        vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
        pointer = ctypes.cast(lc.llama_get_logits(context), ctypes.POINTER(ctypes.c_float))
        rows.append([float(x) for x in np.ctypeslib.as_array(pointer, (vocab,))])
        lc.llama_free(context)
    json.dump(rows, open(out, "w"))


def tokenize(path, texts, out):
    vocab = lc.llama_model_get_vocab(load(path, vocab_only=True))
    rows = []
    for text in json.load(open(texts, encoding="utf-8")):
        data = text.encode()
        ids = (lc.llama_token * (len(data) + 8))()
        count = lc.llama_tokenize(vocab, data, len(data), ids, len(ids), False, True)
        if count < 0:
            raise SystemExit("llama_tokenize failed")
        rows.append(list(ids[:count]))
    json.dump(rows, open(out, "w"))


def quantize(source, out, kind):
    params = lc.llama_model_quantize_default_params()
    params.ftype = getattr(lc, "LLAMA_FTYPE_MOSTLY_" + kind)
    params.nthread = 1
    if lc.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(params)):
        raise SystemExit("quantize failed")


lc.llama_log_set(quiet, ctypes.c_void_p(0))
{"logits": logits, "tokenize": tokenize, "quantize": quantize}[sys.argv[1]](*sys.argv[2:])
