"""Networks of real `cairn node` processes over loopback, for tools/check-kill and tools/check-attacks."""
import atexit
import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAIRN = Path(os.environ.get("CAIRN", ROOT / "build" / "cairn"))
TEXTS = {"judge": "mark1:1-mark8:1", "report": "luke1:1-luke8:1", "train": "gen1:1-gen10:1"}


def leave_the_network():
    """From here on this process and those that it starts have a network of their own, with loopback alone: nodes dial
    what strangers tell them, and none of that may leave this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_user, new_net = 0x10000000, 0x40000000
    if libc.unshare(new_net if os.geteuid() == 0 else new_user | new_net) != 0:
        sys.exit(f"no network namespace can be made here: {os.strerror(ctypes.get_errno())}")
    up_and_running = 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", up_and_running))  # SIOCSIFFLAGS


def write_texts(folder):
    for name, verses in TEXTS.items():
        text = subprocess.run(["bible", "-f", verses], capture_output=True, text=True, check=True).stdout
        (folder / f"{name}.txt").write_text(text)


def run(*arguments, user=None, check=True):
    """The standard output of a `cairn` command; with check=False also of one that fails."""
    done = subprocess.run([str(CAIRN), *map(str, arguments)], capture_output=True, text=True, **as_user(user))
    if check and done.returncode != 0:
        raise Failure(f"cairn {' '.join(map(str, arguments))} failed: {done.stderr.strip()}")
    return done.stdout


def run_json(*arguments, user=None):
    return json.loads(run(*arguments, "--json", user=user))


def as_user(user):
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


class Failure(Exception):
    """What was to be shown does not hold."""


class Network:
    """A folder with the network's files, and its network.json."""

    def __init__(self, work, **changes):
        self.work = work
        write_texts(work)
        create = ["network", "create", "--judge", work / "judge.txt", "--report", work / "report.txt"]
        run(*create, "--dir", work / "draft", "--config", "tiny")
        definition = json.loads((work / "draft/network.json").read_text()) | changes
        (work / "config.json").write_text(json.dumps(definition))
        run(*create, "--dir", work / "network", "--config", work / "config.json")
        self.file = work / "network/network.json"
        self.definition = json.loads(self.file.read_text())


class LiveNode:
    """One `cairn node`, which may be started and killed many times."""

    def __init__(self, network, name, folder=None, user=None, options=()):
        self.network, self.name, self.user, self.options = network, name, user, options
        self.folder = Path(folder or network.work / name)
        self.log = network.work / f"{name}.log"
        self.process = None
        self.log.touch()
        atexit.register(self.kill)  # whatever happens, nothing stays behind

    def make_wallet(self):
        made = run_json("wallet", "create", "--dir", self.folder, "--no-password", user=self.user)
        self.address, self.key = made["address"], made["key"]

    def start(self, connect=(), wait=True, launcher=()):
        (self.folder / "api.json").unlink(missing_ok=True)
        self.log_start = self.log.stat().st_size
        command = [*launcher, str(CAIRN), "node", "--dir", str(self.folder), "--network", str(self.network.file),
                   "--api", "127.0.0.1:0", "--nice", "0", *map(str, self.options)]
        for address in connect:
            command += ["--connect", address]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **as_user(self.user))
        self.started_at = time.monotonic()
        if wait:
            self.status()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise Failure(f"{self.name} ended with {self.process.returncode}: {self.said()[-300:]}")

    def said(self):
        """What it has logged since its latest start."""
        with open(self.log, errors="replace") as log:
            log.seek(self.log_start)
            return log.read()

    def ask(self, path, timeout_s=10):
        api = json.loads((self.folder / "api.json").read_text())["address"]
        with urllib.request.urlopen(f"http://{api}{path}", timeout=timeout_s) as answer:
            return json.load(answer)

    def status(self, patience_s=300):
        """Its status, once its chain is read."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if not self.is_running():
                raise Failure(f"{self.name} ended by itself: {self.said()[-500:]}")
            try:
                status = self.ask("/v1/cairn/status")
                if status["state"] == "running":
                    return status
                time.sleep(0.05)
            except (OSError, ValueError, KeyError):
                time.sleep(0.1)
        raise Failure(f"{self.name} does not answer")

    def wait_for(self, what, condition, patience_s=300):
        end = time.monotonic() + patience_s
        while not condition():
            if not self.is_running():
                raise Failure(f"{self.name} ended by itself: {self.said()[-500:]}")
            if time.monotonic() > end:
                raise Failure(f"{self.name}: {what} did not happen in {patience_s} s; it says {self.said()[-500:]}")
            time.sleep(0.1)

    def rows(self, question, *values):
        """What its database has, read beside it or when it is gone."""
        database = sqlite3.connect(f"file:{self.folder}/chain.sqlite?mode=ro", uri=True, timeout=20)
        try:
            return database.execute(question, values).fetchall()
        finally:
            database.close()

    def mined(self):
        """The blocks that it said it mined: the first digits of their hashes, and their heights."""
        with open(self.log, errors="replace") as log:
            return [(short, int(height)) for short, height in
                    re.findall(r"mined block ([0-9a-f]+) at height (\d+)", log.read())]


def fail(message, replay):
    print(f"FAILED: {message}\nreplay: {replay}", file=sys.stderr, flush=True)
    sys.exit(1)
