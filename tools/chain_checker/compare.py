"""Holds this checker's verdicts against those of `cairn chain check`."""
import collections
import json
import os
import subprocess
import sys


def theirs(path, folder, now_ms):
    cairn = os.environ.get("CAIRN", "build/cairn")
    command = [cairn, "chain", "check", path, "--dir", folder, "--json", "--threads", "1"]
    if now_ms is not None:
        command += ["--now-ms", str(now_ms)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    if answer.returncode not in (0, 1):
        raise ValueError(f"cairn chain check: {answer.stderr}")
    reports = [json.loads(line) for line in answer.stdout.splitlines()]
    return {report["line"]: report for report in reports if "line" in report}


def names_of(path):
    """Line to the remark before it."""
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    return {number + 1: lines[number - 1][2:] for number in range(1, len(lines)) if lines[number - 1].startswith("# ")}


def compare(ours, path, folder, now_ms=None):
    """Prints every difference and a count; returns how many verdicts, or rules named for them, differ. `ours` are
    reports by line. Where this checker cannot see that C7 is broken it may go on and name C8."""
    other, names = theirs(path, folder, now_ms), names_of(path)
    if set(ours) != set(other):
        print(f"one judged {len(ours)} blocks, the other {len(other)}")
        return 1
    counts, rules, kinds = collections.Counter(), collections.Counter(), {}
    for line, mine in sorted(ours.items()):
        their = other[line]
        rule = their.get("rule", "-")
        name = names.get(line, "a block of the chain")
        kinds.setdefault(name, collections.Counter())[(mine.get("rule", mine["verdict"]))] += 1
        if mine["verdict"] == their["verdict"]:
            counts[mine["verdict"]] += 1
            if mine["verdict"] == "invalid":
                same = mine["rule"] == rule or (mine["rule"] == "C8" and rule == "C7")
                rules["by the same rule" if same else "BY ANOTHER RULE"] += 1
                if not same:
                    print(f"line {line}, {name}: {mine['rule']} ({mine['why']}) or {rule} ({their['why']})")
        elif mine["verdict"] == "valid" and mine["state"] != "checked" and rule in ("C7", "C8"):
            counts["left to the model's arithmetic"] += 1
        else:
            counts["DIFFERENT"] += 1
            print(f"line {line}, {name}: here {mine}, there {their}", file=sys.stderr)
    print(", ".join(f"{count} {what}" for what, count in sorted((counts + rules).items())))
    for name, found in sorted(kinds.items()):
        print(f"  {name}: " + ", ".join(f"{rule} {count}" for rule, count in sorted(found.items())))
    return counts["DIFFERENT"] + rules["BY ANOTHER RULE"]
