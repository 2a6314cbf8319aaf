"""Prints the chain of a node's folder as a file of blocks."""
import json
import os
import subprocess
from pathlib import Path

from . import network, targets
from .encoding import Refused
from .objects import Block

FILE_HEADER = 52  # of a body file: a mark, a length and a checksum stand before the block


def read_blocks(folder):
    blocks = {}
    for path in (Path(folder) / "bodies").glob("*/*"):
        data = path.read_bytes()[FILE_HEADER:]
        try:
            block = Block.decode(data)
        except Refused:
            continue
        blocks[block.header.hash()] = (block, data)
    return blocks


def best_chain(blocks, genesis_hash):
    """The branch of most work, lowest first."""
    work = {genesis_hash: 0}

    def total(name):
        path = []
        while name not in work and name in blocks:
            path.append(name)
            name = blocks[name][0].header.previous
        if name not in work:
            return -1
        for step in reversed(path):
            header = blocks[step][0].header
            work[step] = work[header.previous] + 2**256 // (targets.expand(header.target) + 1)
        return work[path[0]] if path else work[name]

    tip = max(blocks, key=total, default=genesis_hash)
    chain = []
    while tip in blocks:
        chain.append(blocks[tip])
        tip = blocks[tip][0].header.previous
    return chain[::-1]


def worths(folder, height):
    cairn = os.environ.get("CAIRN", "build/cairn")
    command = [cairn, "explain", str(height), "--dir", str(folder), "--json"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    records = json.loads(answer).get("records", []) if answer else []
    return {record["commitment"]: record["worth"] for record in records if record.get("merged")}


def run(folder):
    from . import rules
    genesis = rules.genesis(network.load(Path(folder) / "network.json"))
    for block, data in best_chain(read_blocks(folder), genesis.hash):
        if block.contributions:
            for name, worth in worths(folder, block.coinbase.height).items():
                print("worth", name, worth)
        print("block", data.hex())
    return 0
