"""Three nodes, one of them behind a home router, mine, train and pay; the router's line is cut until there are two
branches; joined again they agree, and the payment made on the branch that lost is there. A fourth joins late."""
import subprocess
import sys
import time

from namespaces.world import Node, World, run, wait, CAIRN

COIN = 10**8
FEE = 1000  # in the smallest unit
CUT_S = 75  # links that are silent for 60 s end, so none of those from before the cut is left


def text(work, name, books):
    file = work / f"{name}.txt"
    file.write_text(subprocess.run(["bible", "-f", books], capture_output=True, text=True, check=True).stdout)
    return file


def make_network(work):
    run(CAIRN, "network", "create", "--dir", work / "network", "--config", "tiny", "--judge",
        text(work, "judge", "mark1:1-mark16:20"), "--report", text(work, "report", "luke1:1-luke24:53"))
    return work / "network" / "network.json"


def make_wallet(work, host):
    run(CAIRN, "wallet", "create", "--dir", work / host.name, "--no-password", "--json")


def show(nodes, said):
    for node, status in zip(nodes, said):
        print(f"  {node.host.name:8} height {status['height']:4}  tip {status['tip'][:12]}  "
              f"state root {status['state_root'][:12]}")


def agreed(nodes):
    """What the nodes say of themselves, if all have the same tip and state."""
    said = [node.status() for node in nodes]
    return said if len({(status["tip"], status["state_root"]) for status in said}) == 1 else None


def block(node, height):
    return node.cairn("chain", "block", height)


def coins(node):
    return node.cairn("wallet", "balance", "--no-password")["spendable"]


def pay(sender, receiver, amount):
    to = receiver.cairn("wallet", "address", "--no-password")["address"]
    return sender.cairn("wallet", "send", "--no-password", "--to", to, "--amount", amount, "--fee", "0.00001")["payment"]


def height_of(payment, node):
    """Where a payment to or from the node's wallet stands on its chain."""
    history = node.cairn("wallet", "history", "--no-password")["history"]
    return next((entry["height"] for entry in history if entry["payment"] == payment), None)


def check(work):
    world = World()
    network = make_network(work)
    hosts = [world.public("alpha", "11.1.0.1"), world.public("beta", "11.2.0.1")]
    router = world.router("router", "11.3.0.1", "192.168.1")
    hosts.append(world.behind(router, "home", 2))
    for host in hosts:
        make_wallet(work, host)
    mine = ["--mine", "--wallet", "--no-password", "--hash-rate", "20000"]
    alpha = Node(hosts[0], work, network, mine + ["--train", text(work, "isaiah", "isa1:1-isa66:24")])
    beta = Node(hosts[1], work, network, mine + ["--connect", "11.1.0.1:8333"])
    # The home's wallet gets what it is paid only, none of what a branch that loses mints.
    home = Node(hosts[2], work, network, ["--mine", "--hash-rate", "20000", "--connect", "11.1.0.1:8333", "--connect",
                                          "11.2.0.1:8333", "--train", text(work, "genesis", "gen1:1-gen50:26")])
    nodes = [alpha, beta, home]
    wait("all three link", 60, lambda: all(len(n.status()["peers"]) == 2 for n in nodes))
    assert all(peer["outbound"] for peer in home.status()["peers"])
    print(f"linked: home ({hosts[2].address}) dialled both through its router ({router.address}); nobody can dial it")
    wait("alpha has coins", 120, lambda: coins(alpha) > 5 * COIN + FEE)
    pay(alpha, home, 5)
    wait("the first payment arrives at home", 60, lambda: coins(home) == 5 * COIN)
    print("alpha paid 5 coins to home")

    World.cut(router)
    fork = min(node.status()["height"] for node in nodes)
    start = time.monotonic()
    print(f"the router's line is cut at height {fork}")
    time.sleep(5)
    payment = pay(home, beta, 2)
    wait("home's branch has its payment", 60, lambda: height_of(payment, home))
    print(f"home pays 2 coins to beta, in its own block {height_of(payment, home)}")
    time.sleep(max(0, CUT_S - (time.monotonic() - start)))
    before = [node.status() for node in nodes]
    if before[2]["peers"]:
        sys.exit("home still has peers: the cut did not cut")
    print(f"after {CUT_S} s:")
    show(nodes, before)
    apart = fork + 20
    if block(alpha, apart)["hash"] == block(home, apart)["hash"]:
        sys.exit(f"there are no two branches at height {apart}")
    World.mend(router)
    start = time.monotonic()
    said = wait("all three agree", 180, lambda: agreed(nodes))
    print(f"joined again; all agree after {time.monotonic() - start:.0f} s:")
    show(nodes, said)
    turned = [node.host.name for node, old in zip(nodes, before)
              if node.status()["reorganisations_since_start"] > old["reorganisations_since_start"]]
    print(f"reorganised: {' '.join(turned)}")
    if len({block(node, apart)["hash"] for node in nodes}) != 1 or not turned:
        sys.exit("they do not follow one branch")

    late = Node(world.public("delta", "11.4.0.1"), work, network, ["--connect", "11.2.0.1:8333"])
    start = time.monotonic()
    nodes.append(late)
    said = wait("the newcomer agrees", 180, lambda: agreed(nodes))
    print(f"a fourth agrees {time.monotonic() - start:.0f} s after its start:")
    show(nodes, said)
    at = wait("the payment of the cut is there", 60, lambda: height_of(payment, beta))
    for node in nodes:
        if payment not in [entry["id"] for entry in block(node, at)["payments"]]:
            sys.exit(f"{node.host.name} has no payment {payment} at height {at}")
    merges = late.cairn("chain", "info")
    print(f"home's payment stands in block {at} of all four; "
          f"{merges['merge_blocks']} merge blocks, report loss {merges['report_loss']}")
    for node in nodes:
        node.stop()
