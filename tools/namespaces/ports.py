"""A node behind a home router asks for a port, renews it and gives it back; a peer outside dials in meanwhile. The
router is a stand-in with short leases, then miniupnpd, asked by NAT-PMP and by UPnP."""
import shutil
import subprocess
import sys
import time
from pathlib import Path

from namespaces.chain import make_network
from namespaces.world import Node, World, wait

HERE = Path(__file__).resolve().parent
LEASE_S = 8
OUTSIDE = "11.3.0.1"
MINIUPNPD = """
ext_ifname=wan
listening_ip=lan
enable_natpmp={natpmp}
enable_upnp={upnp}
port=0
secure_mode=yes
uuid=00000000-0000-4000-8000-000000000001
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 0.0.0.0/0 1024-65535
"""
MINIUPNPD_CHAINS = """
table inet filter {
    chain miniupnpd { }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }
    chain forward { type filter hook forward priority 0; jump miniupnpd; }
}
"""


def given(router):
    """The ports that the router passes on, as nftables shows them."""
    rules = router.run("nft", "list", "ruleset")
    return [line.strip() for line in rules.splitlines() if f"192.168.1.2" in line and "8333" in line]


def dialled_in(home):
    """Whether somebody from outside has a link that he dialled through the router."""
    return [peer for peer in home.status()["peers"] if not peer["outbound"]]


def line_of(node):
    return next((line for line in node.log().splitlines() if "through your router" in line), None)


def visit(world, work, network, router, asking, tag, renewals=None):
    """A node at home with a port from the router, and a stranger who dials it."""
    home = Node(world.hosts["home"], work, network, ["--connect", "11.1.0.1:8333", "--map-port", asking], tag)
    line = wait("the router gives a port", 30, lambda: line_of(home))
    print("  home says: " + line[line.index("peers can"):])
    if f"{OUTSIDE}:8333" not in line:
        sys.exit("that is not the router's address")
    ports = given(router)
    print(f"  the router has: {'; '.join(ports)}")
    if len(ports) != 1:
        sys.exit("the port for peers should be passed on, and no other")
    if renewals:
        start = time.monotonic()
        wait("three renewals", 60, lambda: renewals() >= 4)
        print(f"  renewed three times in {time.monotonic() - start:.0f} s, each lease {LEASE_S} s long")
    stranger = Node(world.hosts["delta"], work, network, ["--connect", f"{OUTSIDE}:8333"], tag)
    peer = wait("the stranger dials home", 60, lambda: dialled_in(home))[0]
    print(f"  a stranger dialled {OUTSIDE}:8333 and is linked with home, as {peer['address']}")
    stranger.stop()
    home.stop()
    wait("the port is given back", 10, lambda: not given(router))
    print("  home stopped, and the router passes nothing on any more")


def check(work):
    world = World()
    network = make_network(work)
    world.hosts = {"alpha": world.public("alpha", "11.1.0.1"), "delta": world.public("delta", "11.4.0.1")}
    router = world.router("router", OUTSIDE, "192.168.1")
    world.hosts["home"] = world.behind(router, "home", 2)
    alpha = Node(world.hosts["alpha"], work, network)

    print("without a port:")
    home = Node(world.hosts["home"], work, network, ["--connect", "11.1.0.1:8333"], "-0")
    line = wait("home says why", 30, lambda: next((l for l in home.log().splitlines() if "no router" in l), None))
    print("  home says: " + line[line.index("no router"):])
    home.stop()

    print("NAT-PMP with leases of a few seconds:")
    log = work / "fake_router.log"
    fake = router.start([sys.executable, HERE / "fake_router.py", OUTSIDE, LEASE_S], open(log, "a"))
    time.sleep(0.5)
    visit(world, work, network, router, "natpmp", "-1", lambda: log.read_text().count("given"))
    fake.kill()
    fake.wait()
    if "taken back 8333" not in log.read_text():
        sys.exit("home did not give the port back by itself")

    daemon = shutil.which("miniupnpd", path="/usr/sbin:/usr/bin")
    if not daemon:
        print("miniupnpd: skipped, it is not here (Debian: apt-get install miniupnpd-nftables)")
        alpha.stop()
        return
    router.run("nft", "delete", "table", "ip", "ports")
    subprocess.run(["ip", "netns", "exec", "router", "nft", "-f", "-"], input=MINIUPNPD_CHAINS, text=True, check=True)
    for asking, settings in (("natpmp", {"natpmp": "yes", "upnp": "no"}), ("upnp", {"natpmp": "no", "upnp": "yes"})):
        print(f"miniupnpd, asked by {asking}:")
        config = work / f"miniupnpd-{asking}.conf"
        config.write_text(MINIUPNPD.format(**settings))
        real = router.start([daemon, "-d", "-f", config, "-P", work / "miniupnpd.pid"],
                            open(work / f"miniupnpd-{asking}.log", "a"))
        time.sleep(1)
        visit(world, work, network, router, asking, "-" + asking)
        real.terminate()
        real.wait(10)
    alpha.stop()
