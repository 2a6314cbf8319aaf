"""Turns a file of good blocks into one with forged blocks between them, for the comparison of two judges."""
import collections
import json
import sys
from math import isqrt

from . import codec, forge_blocks, forge_channels, forge_elements, forge_winners, network, rules, schnorr, state  # noqa: F401
from .blockfile import entries
from .encoding import sha256, tagged, u32
from .forge import ALL, Forge, forged
from .objects import Block, Coinbase, Commitment, Contribution


def write(path, secret, each, seed, network_path):
    """Prints the good blocks, after each parent `each` forged ones to try, and at last own blocks: rounds of bad payloads,
    blocks at odd times, and blocks at an upgrade that is not known."""
    definition = network.load(network_path)
    forge = Forge(secret, seed)
    forge.chain = rules.genesis(definition)
    listed = list(entries(path))
    forge.worths = dict(content for _, kind, content in listed if kind == "worth")
    for name, worth in forge.worths.items():
        print("worth", name.hex(), worth)
    last, uses = None, collections.Counter()
    for _, kind, data in listed:
        if kind != "block":
            continue
        last = Block.decode(data)
        for name, made in some_forged(forge, last, each, uses):
            print("#", name)
            print("try", made.hex())
        print("block", data.hex())
        spent = [(point, forge.chain.coins[point]) for payment in last.payments for point in payment.inputs]
        forge.gone = (forge.gone + spent)[-20:]
        forge.chain = rules.connect(rules.judge(forge.chain, data, forge.worths))
    if not definition.members:
        last = Block.decode(forge_channels.write(forge, last.encode(), next_block, append))
        tried = bad_wins if network.one_winner(definition) else bad_round
        tried(forge, [d for _, kind, d in listed if kind == "block"])
        wild_times(forge, last.encode())
        unknown_upgrade(forge, last.encode())


def some_forged(forge, block, each, uses):
    """`each` forged blocks, of those kinds first that were possible least often so far."""
    found = []
    for function in sorted(ALL, key=lambda f: (uses[f], forge.random.random())):
        if len(found) == each:
            break
        made = forged(forge, block, function)
        if made is not None:
            uses[function] += 1
            found.append((function.__name__, made))
    return found


def next_block(forge, previous, commitments=(), contributions=()):
    """An own block on the tip, in order but for what a rule says of its elements."""
    chain = forge.chain
    height = chain.height + 1
    header = Block.decode(previous).header
    header.previous = chain.hash
    grandparent = chain.headers[-2] if height > 1 else None
    header.target = rules.targets.next_target(chain.network, chain.headers[-1], grandparent)
    header.time_ms = chain.headers[-1].time_ms + 1
    steps = (13, 0) if contributions and not network.one_winner(chain.network) else (0, 0)
    block = Block(header, Coinbase(height, forge.key, [], *steps), [], sorted(commitments, key=lambda c: c.id()),
                  sorted(contributions, key=lambda c: c.id()))
    return block


def append(forge, block):
    data = forge.mined(forge.settled(block))
    judged = rules.judge(forge.chain, data, forge.worths)
    print("block", data.hex())
    forge.chain = rules.connect(judged)
    return data


def bad_payloads(chain, good, norm, random):
    """Name to payload: each breaks one line of section 5, or lies about the bounds of C5."""
    network_codec, mean = chain.network.codec, state.mean_norm(chain.network, chain.merges)
    count = codec.TILE if network_codec.kind == "dense" else codec.TILE >> network_codec.log2_ratio
    size = 4 + count * network_codec.bits // 8
    scale = int.from_bytes(good[:4], "little")
    tiles = [good[i:i + size] for i in range(0, len(good), size)]

    def scaled(factor):
        return b"".join(u32(int(int.from_bytes(tile[:4], "little") * factor)) + tile[4:] for tile in tiles)

    return {
        "a copy": good,
        "a tile too many": good + tiles[0],
        "a byte too few": good[:-1],
        "nothing": b"",
        "a scale too large": u32(2**30) + good[4:],
        "bits under scale 0": bytes(4) + b"\x01" + good[5:],
        "only zeros under a scale": u32(max(scale, 1)) + bytes(size - 4) + good[size:],
        "a value without an opposite": good[:4] + b"\x88\x80" + good[6:],
        "zeros alone": bytes(len(good)),
        "too small": scaled(0.01),
        "too large": scaled(40),
        "a little too small": scaled(mean / norm / 4 * 0.985),
        "hardly large enough": scaled(mean / norm / 4 * 1.015),
        "hardly small enough": scaled(mean / norm * 2 * 0.985),
        "a little too large": scaled(mean / norm * 2 * 1.015),
        "noise": random.randbytes(len(good)),
    }


def bad_round(forge, blocks):
    """Own commitments to bad payloads, each tried alone in the round's merge block."""
    definition, length = forge.chain.network, forge.chain.network.round_length
    last = blocks[-1]
    merges = [Block.decode(data).contributions for data in blocks]
    good = [contributions[0].payload for contributions in merges if contributions]
    if not good:
        return
    delta = codec.decode(definition, Commitment(0, b"", forge.key, b"", 0, b""), good[-1])
    norm = isqrt(sum(entry * entry for tile in delta for entry in tile))
    payloads = list(bad_payloads(forge.chain, good[-1], norm, forge.random).items())
    while payloads:
        while forge.chain.height % length != 0:
            last = append(forge, next_block(forge, last))
        taken, payloads = payloads[:definition.max_commitments], payloads[definition.max_commitments:]
        block = next_block(forge, last)
        made = []
        for name, payload in taken:
            secret = int.from_bytes(sha256(name.encode()), "big") >> 8
            promised = tagged("cairn/payload-commitment", schnorr.public_key(secret) + payload)
            round_number = forge.chain.height // length
            made.append((name, secret, payload, forge.commitment(secret, promised, round_number, block.header.target)))
        last = append(forge, next_block(forge, last, [commitment for *_, commitment in made]))
        while (forge.chain.height + 1) % length != 0:
            last = append(forge, next_block(forge, last))
        for name, secret, payload, commitment in made:
            contribution = Contribution(commitment.id(), payload, b"")
            contribution.signature = schnorr.sign(secret, contribution.message(definition.genesis_id))
            print("# payload:", name)
            print("try", forge.mined(forge.settled(next_block(forge, last, [], [contribution]))).hex())
        last = append(forge, next_block(forge, last))


def bad_wins(forge, blocks):
    """Own blocks that carry bad payloads."""
    good = [Block.decode(data).contributions for data in blocks]
    good = [contributions[0].payload for contributions in good if contributions]
    if not good:
        return
    round_number = network.round_of(forge.chain.network, forge.chain.height + 1)
    delta = codec.decode(forge.chain.network, Commitment(round_number, b"", forge.key, b"", 0, b""), good[-1])
    norm = isqrt(sum(entry * entry for tile in delta for entry in tile))
    for name, payload in bad_payloads(forge.chain, good[-1], norm, forge.random).items():
        print("# payload:", name)
        block = next_block(forge, blocks[-1], [], [forge.own_win(payload)])
        print("try", forge.mined(forge.settled(block)).hex())


def wild_times(forge, last):
    """Own blocks whose times creep and leap as far as C1 allows, so that targets do too."""
    spacing = forge.chain.network.spacing_ms
    for _ in range(20):
        parent = forge.chain.headers[-1].time_ms
        block = next_block(forge, last)
        block.header.time_ms = parent + forge.random.choice([1, 1 + forge.random.randrange(15 * spacing)])
        try:
            last = append(forge, block)
        except rules.Undecided:
            return  # the clock of this machine has been reached


def unknown_upgrade(forge, last):
    """Blocks on the tip as if the network had decided on an upgrade right there, which is not known here: blocks that
    follow it, and that do not. The list of upgrades is not part of the genesis id, so network.json can get it now."""
    chain, (numerics, rules_version) = forge.chain, network.KNOWN
    upgrade = {"height": chain.height + 1, "rules_version": rules_version + 1}
    chain.network.upgrades = [*chain.network.upgrades, upgrade]
    print(f"put into the upgrades of network.json: {json.dumps(upgrade)}", file=sys.stderr)
    for versions in ((numerics, rules_version + 1), (numerics, rules_version), (numerics, rules_version + 2),
                     (numerics + 1, rules_version)):
        block = next_block(forge, last)
        block.header.numerics_version, block.header.rules_version = versions
        print("# at an upgrade that is not known:", *versions)
        print("try", forge.mined(forge.settled(block)).hex())
