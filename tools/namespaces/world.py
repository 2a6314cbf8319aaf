"""A small internet of network namespaces: hosts on one wire, home routers that masquerade what is behind them.

Everything lives in namespaces that `enter` makes for this run alone, and the kernel takes them down, processes
included, when the program ends, however it ends.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CAIRN = Path(os.environ.get("CAIRN", ROOT / "build" / "cairn"))
INSIDE = "CAIRN_CHECK_NAMESPACES_INSIDE"

# What a home router does: it lets out whatever comes from its own network under its own address, and lets in answers,
# and what it was asked to let in (dnat).
HOME_ROUTER = """
table ip home {
    chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
    chain through { type filter hook forward priority filter; policy drop;
        iifname "lan" accept; ct state established,related accept; ct status dnat accept; }
    chain to_itself { type filter hook input priority filter; policy drop;
        iifname { "lan", "lo" } accept; ct state established,related accept; }
}
"""


def skip(reason):
    print(f"check-namespaces: skipped: {reason}")
    sys.exit(0)


def enter():
    """Runs this program anew inside namespaces of its own, as their first process; returns only there."""
    if os.environ.get(INSIDE):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        os.makedirs("/run/netns")
        return
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables"), ("curl", "curl")):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            skip(f"there is no `{tool}` here (Debian: apt-get install {package})")
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command[1:1] = ["--user", "--map-root-user"]
    possible = subprocess.run(command + ["sh", "-c", "ip link add probe type bridge && nft add table ip probe"],
                              capture_output=True, text=True)
    if possible.returncode != 0:
        skip("this user may not make network namespaces here; run it as root, not in a container that forbids it "
             f"({possible.stderr.strip().splitlines()[-1:]})")
    # However this process ends, unshare is killed, thus its first process, and thus all others in the namespaces.
    child = subprocess.Popen(command + [sys.executable, "-u", *sys.argv], env={**os.environ, INSIDE: "1"},
                             preexec_fn=die_with_parent)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.kill())
    sys.exit(child.wait())


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(*command, check=True):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def wait(what, seconds, ready, pause=0.25):
    """The first true thing that `ready` returns; the program ends if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := ready():
            return result
        time.sleep(pause)
    sys.exit(f"check-namespaces: after {seconds} s still not: {what}")


class Host:
    """A namespace with a name."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command, check=True):
        return run("ip", "netns", "exec", self.name, *command, check=check)

    def start(self, command, log):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, command)], stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)


class World:
    def __init__(self):
        self.wires = 0
        self.wire("internet")

    @staticmethod
    def wire(name):
        run("ip", "link", "add", name, "type", "bridge")
        run("ip", "link", "set", name, "up")

    def plug(self, wire, host, interface, address):
        """Connects the host to the wire. Returns the name of the cable's other end."""
        self.wires += 1
        cable = f"cable{self.wires}"
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", interface, "netns", host.name)
        run("ip", "link", "set", cable, "master", wire, "up")
        host.run("ip", "address", "add", address, "dev", interface)
        host.run("ip", "link", "set", interface, "up")
        return cable

    def public(self, name, address):
        """A host that everybody can reach at `address`."""
        host = Host(name)
        host.address = address
        host.cable = self.plug("internet", host, "eth0", address + "/8")
        return host

    def router(self, name, address, lan):
        """A home router: `address` outside, masquerading for a network of its own, LAN.0/24."""
        router = Host(name)
        router.address, router.lan = address, lan
        router.cable = self.plug("internet", router, "wan", address + "/8")
        self.wire("lan" + name)
        self.plug("lan" + name, router, "lan", lan + ".1/24")
        router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=HOME_ROUTER, text=True, check=True)
        return router

    def behind(self, router, name, number):
        """A host behind the router, which nobody outside can dial."""
        host = Host(name)
        host.address = f"{router.lan}.{number}"
        host.cable = self.plug("lan" + router.name, host, "eth0", host.address + "/24")
        host.run("ip", "route", "add", "default", "via", router.lan + ".1")
        return host

    @staticmethod
    def cut(host):
        run("ip", "link", "set", host.cable, "down")

    @staticmethod
    def mend(host):
        run("ip", "link", "set", host.cable, "up")


class Node:
    """A `cairn node` of a network on a host; `tag` tells the logs of its runs apart."""

    def __init__(self, host, work, network, options=(), tag=""):
        self.host, self.folder = host, work / host.name
        self.log_file = work / f"{host.name}{tag}.log"
        (self.folder / "api.json").unlink(missing_ok=True)
        command = [CAIRN, "node", "--dir", self.folder, "--network", network, "--listen", "0.0.0.0:8333", *options]
        self.process = host.start(command, open(self.log_file, "a"))
        wait(f"{host.name} answers", 60, self.status)

    def status(self):
        if self.process.poll() is not None:
            sys.exit(f"{self.host.name} ended by itself:\n{self.log()}")
        try:
            address = json.loads((self.folder / "api.json").read_text())["address"]
            return json.loads(self.host.run("curl", "-sf", "-m", "10", f"http://{address}/v1/cairn/status", check=False))
        except (OSError, ValueError, KeyError):
            return None

    def cairn(self, *arguments):
        """A command about this node's folder, run beside it."""
        return json.loads(self.host.run(CAIRN, *arguments, "--dir", self.folder, "--json"))

    def log(self):
        return self.log_file.read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
