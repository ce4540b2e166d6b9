"""Loads a Skywork-MoE directory in transformers through Graft's Python files and compares it with golden values.

usage: check_modeling.py DIR GOLDEN_JSON [MODELING_DIR]

DIR's config.json either has an auto_map (graft upcycle --with-modeling), or MODELING_DIR holds the two Python files.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM


def main(directory, golden, modeling=None):
    with tempfile.TemporaryDirectory() as work:
        target = pathlib.Path(work, "model")
        shutil.copytree(directory, target)
        for file in target.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        target.chmod(0o755)
        config = json.loads((target / "config.json").read_text())
        if modeling:
            for file in pathlib.Path(modeling).glob("*_skywork_moe.py"):
                shutil.copy(file, target)
            config["auto_map"] = {"AutoConfig": "configuration_skywork_moe.SkyworkMoeConfig",
                                  "AutoModelForCausalLM": "modeling_skywork_moe.SkyworkForCausalLM"}
            (target / "config.json").write_text(json.dumps(config))
        model = AutoModelForCausalLM.from_pretrained(target, trust_remote_code=True, dtype=torch.float32).eval()
        worst = 0.0
        for case in json.loads(pathlib.Path(golden).read_text())["cases"]:
            ids = torch.tensor([case["ids"]])
            with torch.no_grad():
                logits = model(ids).logits[0]
                for position, row in case["logits"].items():
                    worst = max(worst, (logits[int(position)] - torch.tensor(row)).abs().max().item())
                text = model.generate(ids, max_new_tokens=32, min_new_tokens=32, do_sample=False, pad_token_id=0)
            if text[0, ids.shape[1]:].tolist() != case["greedy_32"]:
                sys.exit(f"greedy continuation of {case['ids']} differs")
        print(json.dumps({"model": type(model).__name__, "largest_difference": worst}))
        if worst > 1e-3:
            sys.exit(f"logits differ by {worst}")


if __name__ == "__main__":
    main(*sys.argv[1:])
