#!/usr/bin/env python3
"""Graft's evaluation against lm-evaluation-harness and transformers, question by question.

usage: scripts/peers/eval_parity.py MODEL [--subjects 12] [--items 6] [--shots 5] [--cmmlu-subjects 10] [--own 40] [--gsm8k 20]
                                          [--wikitext 4] [--out FOLDER] [--peers-only]

Asks a model the same questions three ways: `graft eval`, lm-evaluation-harness's own Hugging Face model, and transformers by itself, one
text at a time without padding (the first question of each subject, four of the own). Questions: the first ITEMS of SUBJECTS
subjects of MMLU and of
CMMLU with SHOTS examples; OWN of a task of one's own with whole answers to choose from; the first GSM8K of GSM8K with five examples,
whose prompts lm-evaluation-harness makes and transformers goes on with, greedily; the first WIKITEXT articles of WikiText-2, whole. lm-evaluation-harness gets its own task files with
nothing changed but where the data is: the files of the folder shared as JSON lines. All in float32 on the CPU, nothing is downloaded.
A MODEL that graft quantize wrote is dequantised for the others by benchmarks/inference/pytorch_perplexity.py.

Prints a table in Markdown; ends with 1 if a log-likelihood differs by more than 1e-3 (of an article by 1e-6 of itself), if a question is scored otherwise but for those
whose two likeliest choices are closer than 1e-3 (these are listed), or if a written answer differs. --peers-only prints what the others
say as JSON lines and does not run Graft; a test compares with that.
"""

import argparse
import csv
import json
import logging
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("GRAFT_SHARED", ROOT.parent / "shared"))
ALLOWED = 1e-3
OF_A_TEXT = 1e-6

OWN = """task: own
output_type: multiple_choice
description: "Answer the question.\\n\\n"
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: choices
doc_to_target: answer
num_fewshot: 2
metric_list:
  - metric: acc
  - metric: acc_norm
"""


def records(file):
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def spread(names, count):
    """So many of the names, evenly spread over them."""
    count = min(count, len(names))
    return [names[i * len(names) // count] for i in range(count)]


def write_lines(file, docs):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs), encoding="utf-8")
    return str(file)


def articles(file, count):
    """The first pages of WikiText's raw text, cut as EleutherAI's wikitext_document_level cuts them."""
    pages, lines = [], []
    for line in file.read_text(encoding="utf-8").split("\n"):
        heading = line.replace("= = =", "===").replace("= =", "==").strip()
        if heading.startswith("= ") and heading.endswith(" ="):
            pages.append("\n".join(lines))
            lines = []
        lines.append(line)
    return [{"page": page} for page in [*pages, "\n".join(lines)] if page.strip()][:count]


def mmlu(row):
    return {"question": row["question"], "choices": [row[f"choice{i}"] for i in range(4)], "answer": int(row["answer"])}


def prepare(a, work):
    """The data as JSON lines, and lm-evaluation-harness's tasks over it: name → (task, subject, examples, configuration)."""
    import lm_eval.tasks
    import yaml

    home = pathlib.Path(lm_eval.tasks.__file__).parent

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))

    def config(folder, template, name):
        read = lambda file: yaml.load((home / folder / file).read_text(encoding="utf-8"), Loader)
        merged = {**(read(template) if template else {}), **read(name)}
        for key in ("include", "tag", "group", "task_alias", "dataset_name"):
            merged.pop(key, None)
        return merged

    def placed(config, test, fewshot=None):
        data = {"test": test, **({"fewshot": fewshot} if fewshot else {})}
        config.update(dataset_path="json", dataset_kwargs={"data_files": data}, test_split="test")
        config.pop("training_split", None)
        config.pop("validation_split", None)
        if fewshot:
            config["fewshot_split"] = "fewshot"
            if isinstance(config.get("fewshot_config"), dict):
                config["fewshot_config"]["split"] = "fewshot"
        return config

    tasks = {}
    folder = SHARED / "data/eval"
    names = sorted(f.name.removesuffix("_test.csv") for f in (folder / "mmlu/test").glob("*.csv"))
    for subject in spread(names, a.subjects):
        split = {s: write_lines(work / f"data/mmlu/{subject}-{s}.jsonl", map(mmlu, records(folder / f"mmlu/{s}/{subject}_{s}.csv")))
                 for s in ("test", "dev")}
        made = placed(config("mmlu/default", "_default_template_yaml", f"mmlu_{subject}.yaml"), split["test"], split["dev"])
        tasks[f"mmlu_{subject}"] = ("mmlu", subject, a.shots, made)
    names = sorted(f.name.removesuffix(".csv") for f in (folder / "cmmlu/test").glob("*.csv"))
    for subject in spread(names, a.cmmlu_subjects):
        split = {s: write_lines(work / f"data/cmmlu/{subject}-{s}.jsonl", records(folder / f"cmmlu/{s}/{subject}.csv"))
                 for s in ("test", "dev")}
        made = placed(config("cmmlu", "_default_template_yaml", f"cmmlu_{subject}.yaml"), split["test"], split["dev"])
        tasks[f"cmmlu_{subject}"] = ("cmmlu", subject, a.shots, made)
    if a.own:
        questions = [mmlu(records(f)[0]) for f in spread(sorted((folder / "mmlu/test").glob("*.csv")), a.own)]
        examples = [mmlu(row) for row in records(folder / "mmlu/dev/sociology_dev.csv")]
        made = placed(yaml.load(OWN, Loader), write_lines(work / "data/own.jsonl", questions), write_lines(work / "data/own-dev.jsonl", examples))
        made["fewshot_config"] = {"sampler": "first_n", "split": "fewshot"}
        tasks["own"] = ("own", "", 2, made)
        (work / "own.yaml").write_text(OWN + "fewshot_config: {sampler: first_n}\n"
                                       "dataset: {format: jsonl, test: data/own.jsonl, fewshot: data/own-dev.jsonl}\n", encoding="utf-8")
    if a.gsm8k:
        made = placed(config("gsm8k", None, "gsm8k.yaml"), str(folder / "gsm8k/test.jsonl"), str(folder / "gsm8k/train-64.jsonl"))
        tasks["gsm8k"] = ("gsm8k", "", 5, made)
    if a.wikitext:
        from lm_eval.tasks.wikitext import preprocess_wikitext

        made = placed(config("wikitext", None, "wikitext.yaml"),
                      write_lines(work / "data/wikitext.jsonl", articles(SHARED / "data/text/wikitext2-valid.txt", a.wikitext)))
        made.update(doc_to_target=preprocess_wikitext.wikitext_detokenizer, process_results=preprocess_wikitext.process_results)
        tasks["wikitext"] = ("wikitext", "", 0, made)
    return tasks


def limit(a, task):
    return {"own": a.own, "gsm8k": a.gsm8k, "wikitext": a.wikitext}.get(task, a.items)


def first(responses):
    """The number that lists of lists hold."""
    while isinstance(responses, (list, tuple)):
        responses = responses[0]
    return float(responses)


def harness(a, tasks, lm):
    """What lm-evaluation-harness says of each question that is not to be written: rows; and its results by task's name."""
    import lm_eval

    rows, results = [], {}
    for name, (task, subject, shots, config) in tasks.items():
        if task == "gsm8k":
            continue
        got = lm_eval.simple_evaluate(model=lm, tasks=[{**config, "task": name}], num_fewshot=shots, limit=limit(a, task),
                                      bootstrap_iters=1, log_samples=True, verbosity="ERROR")
        results[name] = got["results"][name]
        for sample in got["samples"][name]:
            if task == "wikitext":
                rows.append({"name": name, "task": task, "doc": sample["doc_id"], "rolled": first(sample["resps"])})
                continue
            row = {"name": name, "task": task, "doc": sample["doc_id"],
                   "arguments": [sample["arguments"][i][:2] for i in range(len(sample["arguments"]))],
                   "harness": [float(r[0][0]) for r in sample["resps"]], "greedy": [str(r[0][1]) == "True" for r in sample["resps"]]}
            rows.append({**row, **{m: sample[m] for m in ("acc", "acc_norm") if m in sample}})
    return rows, results


def prompts(a, tasks):
    """What lm-evaluation-harness has a model go on with."""
    from lm_eval.api.task import ConfigurableTask

    rows = []
    for name, (task, subject, shots, config) in tasks.items():
        if task == "gsm8k":
            made = ConfigurableTask(config={**config, "task": name})
            made.set_config("num_fewshot", shots)
            made.set_fewshot_seed(seed=1234)
            made.build_all_requests(limit=limit(a, task))
            for instance in made.instances:
                rows.append({"name": name, "task": task, "doc": instance.doc_id, "prompt": instance.args[0], "until": instance.args[1]["until"]})
    return rows


def alone(model, tokenizer, arguments):
    """Log-likelihoods of continuations by transformers itself; contexts that differ in nothing are computed once."""
    import torch

    found, known = [], {}
    for context, continuation in arguments:
        before, whole = tokenizer(context.rstrip())["input_ids"], tokenizer(context + continuation)["input_ids"]
        ids = tuple(whole[:-1])
        if ids not in known:
            with torch.no_grad():
                known[ids] = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
        found.append(sum(known[ids][i - 1, whole[i]].item() for i in range(len(before), len(whole))))
    return found


def write(model, tokenizer, rows):
    """What transformers writes, greedily and all together, each cut at the first string that ends an answer."""
    import torch

    tokenizer.padding_side = "left"
    ids = tokenizer([row["prompt"] for row in rows], return_tensors="pt", padding=True)
    with torch.no_grad():
        out = model.generate(**ids, max_new_tokens=256, do_sample=False)
    for row, tokens in zip(rows, out[:, ids["input_ids"].shape[1]:]):
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        for stop in row["until"]:
            text = text.split(stop)[0]
        row["text"] = text


def load(directory):
    """The model in float32 by transformers; quantised weights are dequantised without Graft."""
    import torch
    import transformers

    if "quantization_config" in json.loads((pathlib.Path(directory) / "config.json").read_text()):
        sys.path.insert(0, str(ROOT / "benchmarks/inference"))
        import pytorch_perplexity

        return pytorch_perplexity.load(pathlib.Path(directory))
    return transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


def peers(a, work):
    import torch
    import transformers
    from lm_eval.models.huggingface import HFLM

    logging.disable(logging.WARNING)
    torch.set_num_threads(2)
    tasks = prepare(a, work)
    model = load(a.model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.model)
    rows, results = harness(a, tasks, HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8, device="cpu"))
    for row in rows:
        if "arguments" in row and (row["doc"] == 0 or row["task"] == "own" and row["doc"] < 4):
            row["transformers"] = alone(model, tokenizer, row["arguments"])
    texts = prompts(a, tasks)
    if texts:
        write(model, tokenizer, texts)
    return tasks, rows + texts, results


def graft(a, work, tasks):
    """What Graft says: (task's name, doc) → line; and its results by task's name."""
    lines, results = {}, {}
    for number, (shots, chosen) in enumerate((
            (a.shots, [n for n, (t, *_) in tasks.items() if t in ("mmlu", "cmmlu")]),
            (2, [str(work / "own.yaml")] if "own" in tasks else []),
            (5, ["gsm8k"] if "gsm8k" in tasks else []),
            (0, ["wikitext"] if "wikitext" in tasks else []))):
        if not chosen:
            continue
        out = work / f"graft-{number}.json"
        items = out.with_suffix(".items.jsonl")
        items.unlink(missing_ok=True)
        subprocess.run([ROOT / "graft", "eval", a.model, "--tasks", ",".join(chosen), "--data", SHARED / "data/eval", "--shots", str(shots),
                        "--limit", str(limit(a, pathlib.Path(chosen[0]).stem)), "--out", out], check=True, stdout=subprocess.DEVNULL)
        for line in map(json.loads, items.read_text(encoding="utf-8").splitlines()):
            lines[line["task"], line["doc"]] = line
        results.update({r["task"]: r for r in json.loads(out.read_text())["results"]})
    return lines, results


def apart(ours, theirs):
    """The greatest difference; 0 of nothing."""
    return max((abs(x - y) for x, y in zip(ours, theirs, strict=True)), default=0)


def choices(task, rows, lines):
    """One line of the table, and whether it holds; questions that are too close to call."""
    worst = [0, 0]
    sums = {m: [0, 0] for m in ("acc", "acc_norm") if m in rows[0]}
    differ, close, fine = 0, [], True
    for row in rows:
        line = lines[row["name"], row["doc"]]
        mine = [c["loglikelihood"] for c in line["choices"]]
        worst[0] = max(worst[0], apart(mine, row["harness"]))
        if "transformers" in row:
            worst[1] = max(worst[1], apart(mine, row["transformers"]))
        fine &= [c["greedy"] for c in line["choices"]] == row["greedy"]
        best = sorted(row["harness"], reverse=True)
        if best[0] - best[1] < ALLOWED:
            close.append(f"{row['name']} {row['doc']} ({best[0] - best[1]:.1e})")
        for metric, sum_ in sums.items():
            sum_[0] += line["metrics"][metric]
            sum_[1] += row[metric]
        if any(line["metrics"][m] != row[m] for m in sums):
            differ += 1
            fine &= best[0] - best[1] < ALLOWED
    fine &= max(worst) <= ALLOWED
    scores = ["{:.4f}, {:.4f}".format(*(v / len(rows) for v in sums[m])) if m in sums else "" for m in ("acc", "acc_norm")]
    alone_count = sum("transformers" in row for row in rows)
    print(f"| {task} | {len(rows)} | {worst[0]:.1e} | {worst[1]:.1e} ({alone_count}) | {scores[0]} | {scores[1]} | {differ} |")
    return fine, close


def compare(a, work):
    tasks, rows, results = peers(a, work)
    lines, ours = graft(a, work, tasks)
    fine, close = True, []
    print("| task | questions | log-likelihoods differ by at most: lm-eval | transformers (of questions) | acc: Graft, lm-eval"
          " | acc_norm: Graft, lm-eval | scored otherwise |\n|---|---|---|---|---|---|---|")
    for task in dict.fromkeys(row["task"] for row in rows if row["task"] not in ("gsm8k", "wikitext")):
        holds, near = choices(task, [row for row in rows if row["task"] == task], lines)
        fine &= holds
        close += near
    print(f"\nQuestions whose two likeliest choices are closer than {ALLOWED}: {', '.join(close) or 'none'}.")
    errors = [abs(estimate["stderr"] - results[name][f"{metric}_stderr,none"])
              for name in results if name != "wikitext"
              for metric, estimate in ours[name]["metrics"].items() if "stderr" in estimate]
    print(f"Standard errors, over {len(errors)} tasks and metrics, differ by at most {max(errors, default=0):.1e}.")
    texts = [row for row in rows if row["task"] == "gsm8k"]
    if texts:
        same = [lines["gsm8k", row["doc"]]["text"] == row["text"] for row in texts]
        print(f"GSM8K, greedy: {sum(same)} of {len(same)} answers are transformers', character by character.")
        fine &= all(same)
    texts = [row for row in rows if row["task"] == "wikitext"]
    if texts:
        differ = max(abs(lines["wikitext", row["doc"]]["rolled"]["loglikelihood"] / row["rolled"] - 1) for row in texts)
        perplexities = ours["wikitext"]["metrics"]["word_perplexity"]["value"], results["wikitext"]["word_perplexity,none"]
        print("WikiText, {} articles: log-likelihoods differ from lm-eval's by at most {:.1e} of themselves; word_perplexity {:.6f}, {:.6f}."
              .format(len(texts), differ, *perplexities))
        fine &= differ <= OF_A_TEXT
    return 0 if fine else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--items", type=int, default=6)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--cmmlu-subjects", type=int, default=10)
    parser.add_argument("--own", type=int, default=40)
    parser.add_argument("--gsm8k", type=int, default=20)
    parser.add_argument("--wikitext", type=int, default=4)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/eval-parity")
    parser.add_argument("--peers-only", action="store_true")
    a = parser.parse_args()
    a.model = str(pathlib.Path(a.model).resolve())
    # Threads that spin while they wait stall one another where something else runs too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false",
                      HF_DATASETS_CACHE=str(a.out.resolve() / "cache"))
    a.out.mkdir(parents=True, exist_ok=True)
    if a.peers_only:
        for row in peers(a, a.out)[1]:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    return compare(a, a.out)


if __name__ == "__main__":
    sys.exit(main())
