"""The side of NAT-PMP (RFC 6886) that a home router plays, with leases of a few seconds, so that a test sees them
renewed. The kernel forgets a port whose lease ended.   fake_router.py OUTSIDE_ADDRESS LEASE_S"""
import socket
import struct
import subprocess
import sys

RULES = """
table ip ports {
    map given { type inet_service : ipv4_addr . inet_service; flags timeout; }
    chain in { type nat hook prerouting priority dstnat; iifname "wan" dnat ip to tcp dport map @given; }
}
"""


def nft(text, check=True):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=check)


def main():
    outside, lease = sys.argv[1], int(sys.argv[2])
    nft(RULES)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 5351))
    while True:
        data, sender = server.recvfrom(64)
        if len(data) == 2 and data[1] == 0:
            server.sendto(struct.pack(">BBHI", 0, 128, 0, 1) + socket.inet_aton(outside), sender)
        if len(data) != 12 or data[1] != 2:
            continue
        private, public, lifetime = struct.unpack(">HHI", data[4:])
        granted = min(lifetime, lease)
        old = f"delete element ip ports given {{ {private} }}\n"
        nft(old, check=False)
        if granted:
            nft(f"add element ip ports given {{ {private} timeout {granted}s : {sender[0]} . {private} }}\n")
        print(f"{'given' if granted else 'taken back'} {private} for {granted} s, asked for {lifetime} s", flush=True)
        server.sendto(struct.pack(">BBHIHHI", 0, 130, 0, 1, private, private if granted else 0, granted), sender)


main()
