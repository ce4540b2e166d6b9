"""How benchmarks/inference starts each engine and what it asks of them."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = pathlib.Path(os.environ.get("GRAFT_SHARED", ROOT.parent / "shared"))
WORK = ROOT / "target/inference"
GRAFT = ROOT / "graft"
# A Python that has torch and transformers: scripts/peers/setup makes it.
TORCH_PYTHON = os.environ.get("GRAFT_PYTHON", str(ROOT / ".venv/bin/python"))
# A Python that has llama_cpp: the script peer-llamacpp makes it.
LLAMACPP_PYTHON = str(pathlib.Path(os.environ.get("PEERS", pathlib.Path.home() / ".cache/graft-peers")) / "llamacpp/bin/python")
TEXT = SHARED / "data/text/wikitext2-valid.txt"


def say(line):
    print(line, file=sys.stderr, flush=True)


def read(command, **how):
    """The last line that the command prints, as JSON."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, **how)
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}: {' '.join(map(str, command))}")
    lines = done.stdout.strip()
    try:
        return json.loads(lines)
    except json.JSONDecodeError:
        return json.loads(lines.splitlines()[-1])


def time_first_output(command):
    """Seconds from the start of the process to its first byte of output and to its end, and its peak resident set in bytes."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, bufsize=0)
    output = process.stdout.read(1)
    first = time.perf_counter() - begun
    output += process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not output:
        raise SystemExit(f"exit code {process.returncode}, {len(output)} bytes of output: {' '.join(map(str, command))}")
    return {"first_seconds": first, "seconds": time.perf_counter() - begun, "peak_rss": usage.ru_maxrss * 1024,
            "output": output.decode(errors="replace")}


class Others:
    """While it is entered: the share of the machine's processor time that went to other work than that of our processes."""

    def __enter__(self):
        self._before = self._seconds()
        return self

    def __exit__(self, *_):
        busy, own, all_ = (after - before for before, after in zip(self._before, self._seconds(), strict=True))
        self.share = max(0.0, (busy - own) / all_) if all_ else 0.0

    @staticmethod
    def _seconds():
        ticks = [int(t) for t in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle, times = ticks[3] + ticks[4], os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK"), own, sum(ticks) / os.sysconf("SC_CLK_TCK")


def torch(*arguments):
    if not os.access(TORCH_PYTHON, os.X_OK):
        raise SystemExit(f"{TORCH_PYTHON} is not there: run scripts/peers/setup, or set GRAFT_PYTHON to a Python that has torch and transformers")
    return [TORCH_PYTHON, *arguments]


def llamacpp(*arguments):
    if not os.access(LLAMACPP_PYTHON, os.X_OK):
        raise SystemExit(f"{LLAMACPP_PYTHON} is not there: run {SHARED / 'bin/peer-llamacpp'} once, which compiles llama.cpp for this machine")
    return [LLAMACPP_PYTHON, HERE / "llamacpp.py", *arguments]


def jlama(*arguments, kernels="panama"):
    """Kernels: `panama`, the Vector API, or `native`, its C library, which it prefers where it is on the class path and whose
    bfloat16 product gives wrong logits on some processors: see the perplexity."""
    folder = WORK / "jlama"
    home = subprocess.run([ROOT / "bin/find-jdk"], check=True, capture_output=True, text=True).stdout.strip()
    if not (folder / "JlamaPeer.class").exists():
        say("fetching Jlama")
        part = folder.with_name("jlama.part")
        shutil.rmtree(part, ignore_errors=True)
        environment = dict(os.environ, JAVA_HOME=home)
        subprocess.run(["mvn", "-B", "-q", "-ntp", "-f", HERE / "jlama/pom.xml", "dependency:copy-dependencies",
                        f"-DoutputDirectory={part}"], check=True, env=environment, stdout=sys.stderr)
        subprocess.run([f"{home}/bin/javac", "-cp", f"{part}/*", "-d", part, HERE / "jlama/JlamaPeer.java"], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return [f"{home}/bin/java", "--add-modules", "jdk.incubator.vector", "--enable-preview", "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow", f"-Djlama.force_panama_tensor_operations={str(kernels == 'panama').lower()}",
            "-cp", f"{folder}:{folder}/*", "JlamaPeer", *arguments]


def beginning(text, characters):
    """A file with the first so many characters of the text, cut behind a line; the text itself if 0 is asked for."""
    if not pathlib.Path(text).is_file():
        raise SystemExit(f"{text} is not there: set GRAFT_SHARED, or give another text with --text")
    if not characters:
        return pathlib.Path(text)
    whole = pathlib.Path(text).read_text(encoding="utf-8")
    part = whole[:characters]
    part = part[:part.rfind("\n") + 1] or part
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"text-{hashlib.sha256(part.encode()).hexdigest()[:12]}.txt"
    file.write_text(part, encoding="utf-8")
    return file


def ids_of(directory, text):
    """A file with the token ids of the whole text, without what the tokenizer would put around it."""
    directory, text = pathlib.Path(directory), pathlib.Path(text)
    key = hashlib.sha256((directory / "tokenizer.json").read_bytes() + text.read_bytes()).hexdigest()[:12]
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"ids-{key}.txt"
    if not file.exists():
        code = ("import sys, pathlib, tokenizers; t = tokenizers.Tokenizer.from_file(sys.argv[1]); t.no_padding(); t.no_truncation(); "
                "print(*t.encode(pathlib.Path(sys.argv[2]).read_text(encoding='utf-8'), add_special_tokens=False).ids)")
        with file.with_suffix(".part").open("w") as out:
            subprocess.run(torch("-c", code, directory / "tokenizer.json", text), check=True, stdout=out)
        file.with_suffix(".part").rename(file)
    return file


def size(path):
    """What changes when a model is made anew."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [[file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def perplexity(engine, path, tokenizer, text, context, threads):
    """What the engine gives for the model, from target/inference/perplexity.json if it is there. The ids come from the tokenizer's
    directory."""
    kept = WORK / "perplexity.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    ids = ids_of(tokenizer, text)
    path = pathlib.Path(path).resolve()
    key = json.dumps([engine, str(path), size(path), ids.name, context] + ([commit()] if engine == "graft" else []))
    if key not in known:
        say(f"perplexity of {path.name} by {engine}")
        known[key] = read({
            "pytorch": lambda: torch(HERE / "pytorch_perplexity.py", path, ids, "--context", context, "--threads", threads),
            "llama.cpp": lambda: llamacpp("perplexity", path, "--ids", ids, "--context", context, "--threads", threads),
            "graft": lambda: [GRAFT, "perplexity", path, "--text", text, "--context", context, "--json"],
            "jlama": lambda: jlama("perplexity", path, threads, ids, context),
            "jlama native": lambda: jlama("perplexity", path, threads, ids, context, kernels="native"),
        }[engine]())
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1))
        part.rename(kept)
    return known[key]


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", "").split()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "neither AVX2 nor AVX-512"
    return f"{fields.get('model name', 'unknown processor')}, {vectors}, {os.cpu_count()} processors"


def commit():
    """Of this project; with -dirty if a file that git knows was changed."""
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
