"""Two machines serve a network's own model together, one of them behind a home router; a third that has nothing, behind a
router of its own, writes with it by one address. The text is that of the whole model."""
import json
import sys

from namespaces.chain import make_network, make_wallet, text
from namespaces.world import CAIRN, Node, World, run, wait

PEERS, LAYERS = "11.1.0.1:8333", "11.1.0.1:8500"
ASK = ["generate", "--prompt", "In the beginning", "--steps", 40, "--seed", 7, "--json"]


def written(host, *options):
    """What `generate` says on this host."""
    return json.loads(host.run(CAIRN, *ASK, *options).splitlines()[-1])


def dials(host, address):
    """Whether the host gets through to a node there."""
    return host.run("timeout", 3, "bash", "-c", f"exec 3<>/dev/tcp/{address}/8333 && echo yes", check=False).strip() == "yes"


def check(work):
    world = World()
    network = make_network(work)
    first = world.public("first", "11.1.0.1")
    home = world.behind(world.router("router", "11.3.0.1", "192.168.1"), "home", 2)
    stranger = world.behind(world.router("router2", "11.5.0.1", "192.168.7"), "stranger", 2)
    make_wallet(work, first)
    one = Node(first, work, network, ["--mine", "--wallet", "--no-password", "--hash-rate", "20000", "--train",
                                      text(work, "isaiah", "isa1:1-isa66:24"), "--serve", "0-1", "--serve-listen",
                                      "0.0.0.0:8500", "--serve-address", LAYERS, "--relay", "8"])
    two = Node(home, work, network, ["--connect", PEERS, "--serve", "1-2", "--through", LAYERS])

    def servers():
        known = one.cairn("servers")["servers"]
        return known if len(known) == 2 and any("@" in server["address"] for server in known) else None

    for server in wait("the network knows both servers", 120, servers):
        print(f"  layers {server['layers'][0]}-{server['layers'][1]} at {server['address'].split('@')[-1]}"
              f"{' through a relay' if '@' in server['address'] else ''}")
    if dials(stranger, "11.3.0.1") or not dials(stranger, "11.1.0.1"):
        sys.exit("home can be dialled, or the first cannot: the check checks nothing")
    wait("there is a merge block", 120, lambda: one.status()["height"] > 8)
    there = written(stranger, "--servers-of", PEERS, "--cache", work / "cache")
    height = there["network"]["height"]
    model = work / "model.cairn"
    run(CAIRN, "model", "export", "--dir", work / first.name, "--at", height, "--out", model)
    alone = written(first, "--model", model)
    print(f"the stranger fetched {there['network']['bytes_fetched']} of {there['network']['bytes_model']} bytes and wrote "
          f"with the model of height {height} over {len(there['hops'])} servers: digest {there['digest'][:16]}, "
          f"the whole model's {alone['digest'][:16]}")
    if there["digest"] != alone["digest"]:
        sys.exit("the bits differ")
    for node in (two, one):
        node.stop()
