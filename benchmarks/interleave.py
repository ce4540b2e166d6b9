#!/usr/bin/env python3
"""Times two programs in turns on the same machine, so that what else runs there strikes both alike.

usage: benchmarks/interleave.py [--rounds 9] [--steps 4] [--warm 4] OURS THEIRS

OURS and THEIRS are command lines of programs that stay alive and speak one protocol: when ready, one line of JSON that
says what they are; for each line `go N` that they read, N steps and one line of JSON with "seconds" (of the N together)
and "loss" (of the last); at the end of the input they end. A program that waits uses no processor.

Who goes first changes from round to round. Prints one line of JSON.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess


class Side:
    """One of the two programs."""

    def __init__(self, command, environment=None):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.about = self._line()

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{shlex.join(map(str, self.command))} ended with exit code {self.process.wait()}")
        return json.loads(line)

    def _processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def go(self, steps):
        """What the program answers, and the processor time that all its threads took."""
        begun = self._processor_seconds()
        self.process.stdin.write(f"go {steps}\n")
        self.process.stdin.flush()
        done = self._line()
        return dict(done, processor_seconds=self._processor_seconds() - begun)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def interleave(sides, rounds, steps, warm):
    """Runs them; then what each side answered, round by round, the warming up first."""
    answers = [[side.go(warm)] for side in sides]
    for round_ in range(rounds):
        order = range(len(sides)) if round_ % 2 == 0 else reversed(range(len(sides)))
        for i in order:
            answers[i].append(sides[i].go(steps))
    return answers


def compare(answers, steps):
    """Of what interleave returned: for each side the median seconds a step and the first and last loss; how many times
    as long the second side takes as the first, by the medians, round by round and in processor time."""
    seconds, processor = ([[answer[key] / steps for answer in side[1:]] for side in answers]
                          for key in ("seconds", "processor_seconds"))
    medians = [statistics.median(s) for s in seconds]
    return dict(median_seconds=medians, ratio=medians[1] / medians[0],
                ratios=sorted(b / a for a, b in zip(*seconds, strict=True)),
                processor_ratio=sum(processor[1]) / sum(processor[0]) if sum(processor[0]) else None,
                losses=[[side[0]["loss"], side[-1]["loss"]] for side in answers])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--warm", type=int, default=4)
    parser.add_argument("ours", type=shlex.split)
    parser.add_argument("theirs", type=shlex.split)
    a = parser.parse_args()
    sides = [Side(a.ours), Side(a.theirs)]
    try:
        answers = interleave(sides, a.rounds, a.steps, a.warm)
        print(json.dumps(dict(about=[side.about for side in sides], **compare(answers, a.steps))))
    finally:
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
