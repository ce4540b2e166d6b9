"""What lm-evaluation-harness's own functions make of texts.

    eval_text.py CASES.json

CASES.json is a list of {"text", "solution"}; for each, a JSON line says what the filters of gsm8k, the answers of
minerva_math and hendrycks_math and their equality give.

    eval_text.py --math-prompts MATH.jsonl N

prints the prompts of the first N problems as minerva_math500 asks them.
"""

import itertools
import json
import sys
import types

# minerva_math imports these for its symbolic equality, which is not used here.
for name in ("antlr4", "math_verify"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        stub = types.ModuleType(name)
        stub.parse = stub.verify = None
        sys.modules[name] = stub
import importlib.metadata as metadata

if "antlr4" in sys.modules and not hasattr(sys.modules["antlr4"], "__file__"):
    real = metadata.version
    metadata.version = lambda package: "4.11" if package.startswith("antlr4") else real(package)

from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import RegexFilter
from lm_eval.tasks.hendrycks_math import utils as hendrycks
from lm_eval.tasks.minerva_math import utils as minerva

STRICT = RegexFilter(regex_pattern=r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = RegexFilter(regex_pattern=r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
IGNORED = [",", "\\$", "(?s).*#### ", "\\.$"]


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except (AssertionError, IndexError, TypeError):
        return None


def exact(prediction, reference):
    match = exact_match_hf_evaluate([prediction], [reference], regexes_to_ignore=IGNORED, ignore_case=True)
    return bool(match["exact_match"])


def boxed(text):
    return attempt(lambda: hendrycks.remove_boxed(hendrycks.last_boxed_only_string(text)))


def math_prompts(path, count):
    shots = "".join(
        minerva.doc_to_text(sample) + " " + sample["solution"] + "\n\n" for sample in minerva.list_fewshot_samples()
    )
    with open(path, encoding="utf-8") as file:
        for line in itertools.islice(file, count):
            print(json.dumps(shots + minerva.doc_to_text(json.loads(line))))


def main():
    if sys.argv[1] == "--math-prompts":
        math_prompts(sys.argv[2], int(sys.argv[3]))
        return
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        text, solution = case["text"], case["solution"]
        strict = STRICT.apply([[text]], [{}])[0][0]
        flexible = FLEXIBLE.apply([[text]], [{}])[0][0]
        print(json.dumps({
            "strict": strict,
            "flexible": flexible,
            "strict_match": exact(strict, solution),
            "flexible_match": exact(flexible, solution),
            "exact_match": exact(text, solution),
            "boxed": boxed(text),
            "hendrycks": bool(hendrycks.is_equiv(text, solution)),
            "minerva_answer": minerva.get_unnormalized_answer(text),
            "minerva": minerva.normalize_final_answer(text),
        }))


if __name__ == "__main__":
    main()
