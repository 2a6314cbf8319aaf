"""A server behind one home router computes layers for a client behind another, neither of whom the other can dial,
through a relay that both dialled; the bits are those of one process."""
import json
import signal
import sys

from namespaces.chain import text
from namespaces.world import CAIRN, World, run, wait

RELAY = "11.1.0.1:8500"


class Server:
    """A `cairn node --serve`."""

    def __init__(self, host, work, layers, model, options):
        self.host, self.log_file = host, work / f"{host.name}.log"
        self.process = host.start([CAIRN, "node", "--serve", layers, "--model", model, "--json", *options],
                                  open(self.log_file, "w"))

    def said(self, field):
        """The first object it printed that has the field."""
        if self.process.poll() is not None:
            sys.exit(f"{self.host.name} ended by itself:\n{self.log_file.read_text()}")
        for line in self.log_file.read_text().splitlines():
            if line.startswith("{") and field in (found := json.loads(line)):
                return found
        return None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def check(work):
    world = World()
    relay = world.public("relay", "11.1.0.1")
    router = world.router("router", "11.3.0.1", "192.168.1")
    home, home2 = world.behind(router, "home", 2), world.behind(router, "home2", 3)
    client = world.behind(world.router("router2", "11.5.0.1", "192.168.7"), "client", 2)
    model = work / "model.cairn"
    run(CAIRN, "train", "--text", text(work, "genesis", "gen1:1-gen20:18"), "--out", model, "--layers", 4, "--steps", 3,
        "--dim", 32, "--heads", 2, "--context", 64, "--threads", 1)
    ask = ["generate", "--model", model, "--prompt", "In the beginning", "--steps", 40, "--seed", 7, "--json"]
    local = json.loads(client.run(CAIRN, *ask).splitlines()[-1])
    middle = Server(relay, work, "0-2", model, ["--listen", "0.0.0.0:8500", "--relay", "4"])
    wait("the relay listens", 30, lambda: middle.said("key"))
    hidden = Server(home, work, "2-4", model, ["--through", RELAY])
    answer = wait("the relay takes the offer", 30, lambda: hidden.said("passes_on"))
    whole = Server(home2, work, "auto", model, ["--through", RELAY])
    answer2 = wait("the relay takes the other offer", 30, lambda: whole.said("passes_on"))
    print(f"home serves layers 2-4 through the relay, as {answer['address'][:8]}...@{answer['address'].split('@')[1]}")
    refused = client.run("sh", "-c", "curl -s -m 3 telnet://11.3.0.1:8500 </dev/null; echo $?").strip()
    print(f"the client cannot dial home's router: curl ends with {refused}")
    if refused == "0":
        sys.exit("home can be dialled: the check checks nothing")
    routes = {"relay, then home": ["--server", RELAY, "--server", answer["address"]],
              "all layers at home": ["--server", answer2["address"]]}
    for name, servers in routes.items():
        there = json.loads(client.run(CAIRN, *ask, *servers).splitlines()[-1])
        same = there["digest"] == local["digest"]
        print(f"{name}: digest {there['digest'][:16]}, alone {local['digest'][:16]}: same {same}")
        if not same:
            sys.exit("the bits differ")
    for server in (hidden, whole, middle):
        server.stop()
