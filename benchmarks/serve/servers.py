"""The servers that benchmarks/serve compares: how each is started, asked and ended."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("GRAFT_SHARED", ROOT.parent / "shared"))
TEXT = SHARED / "data/text/wikitext2-valid.txt"
START_SECONDS = 120


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read().decode()


def post(url, body, timeout=120):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)


def graft(model, port, sequences, context, threads, cache="F32"):
    return [ROOT / "graft", "serve", model, "--port", port, "--max-sequences", sequences, "--max-context", context, "--threads", threads,
            "--kv-dtype", cache]


def llama(model, port, sequences, context, threads, flash_attention="auto"):
    binary = subprocess.run([ROOT / "scripts/peers/llama-server"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return [binary, "-m", model, "--host", "127.0.0.1", "--port", port, "-np", sequences, "-cb", "-c", sequences * context,
            "-t", threads, "-tb", threads, "-fa", flash_attention, "--no-webui"]


@contextlib.contextmanager
def running(command, port, log):
    """The base URL of a server that is ready; it is ended by SIGTERM, and by SIGKILL where that does not help."""
    with open(log, "w") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(START_SECONDS * 10):
            if process.poll() is not None:
                hint = "; this CPU offers an instruction that it does not have: try AMX=off" if process.returncode == -signal.SIGILL else ""
                sys.exit(f"the server ended with {process.returncode}; see {log}{hint}")
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                get(url + "/health")
                break
            time.sleep(0.1)
        else:
            sys.exit(f"the server was not ready within {START_SECONDS} s; see {log}")
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tokens(url, text):
    """Ids of a text, by Graft's /tokenize."""
    return post(url + "/tokenize", {"prompt": text, "add_special_tokens": False})["tokens"]
