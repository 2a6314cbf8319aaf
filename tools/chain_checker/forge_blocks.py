"""Forged bytes, headers and coinbases."""
from . import schnorr, targets
from .encoding import Refused, u32
from .forge import forgery
from .objects import HEADER_BYTES, Block, Output


# Bytes.

@forgery
def a_bit_flipped(forge, block):
    return forge.flipped(block.encode())


@forgery
def cut_short(forge, block):
    data = block.encode()
    return data[:forge.random.randrange(len(data))]


@forgery
def bytes_left_over(forge, block):
    return block.encode() + bytes(forge.random.randrange(1, 5))


@forgery
def a_bit_of_the_body_flipped(forge, block):
    return forge.flipped(block.encode(), HEADER_BYTES)


@forgery
def a_bit_of_the_body_flipped_and_sealed(forge, block):
    try:
        return Block.decode(forge.flipped(block.encode(), HEADER_BYTES))
    except Refused:
        return None


@forgery
def a_count_changed(forge, block):
    data = block.encode()
    at = len(data) - 4 - 12 * forge.random.randrange(2)
    return data[:at] + u32(forge.random.choice([1, 2, 2**16 + 1, 2**32 - 1])) + data[at + 4:]


# Headers.

@forgery
def nothing_but_the_nonce(forge, block):
    return block


@forgery
def too_little_work(forge, block):
    work = forge.chain.network.work
    while targets.meets(block.header.work_hash(work), targets.expand(block.header.target)):
        block.header.nonce += 1
        if block.header.nonce % 5000 == 0:
            return None
    return block.encode()


@forgery
def the_work_of_another_function(forge, block):
    """A nonce that costs nothing to find, where a slow one is asked for."""
    target, work = targets.expand(block.header.target), forge.chain.network.work
    if work == "sha256d":
        return None
    block.header.body_root = block.body_root()
    while not targets.meets(block.header.hash(), target) or targets.meets(block.header.work_hash(work), target):
        block.header.nonce += 1
    return block.encode()


@forgery
def another_version(forge, block):
    block.header.numerics_version += forge.random.choice([1, -1])
    return block


@forgery
def another_version_of_the_rules(forge, block):
    block.header.rules_version += forge.random.choice([1, -1])
    return block


@forgery
def versions_of_which_one_is_newer(forge, block):
    block.header.numerics_version += 1
    block.header.rules_version -= 1
    return block


@forgery
def another_parent(forge, block):
    block.header.previous = forge.flipped(block.header.previous)
    return block


@forgery
def an_older_parent(forge, block):
    block.header.previous = forge.chain.headers[-1].previous
    return block


@forgery
def another_target(forge, block):
    block.header.target += forge.random.choice([1, -1, 2**24])
    if not targets.is_compact(block.header.target) or block.header.target >> 24 < 0x1E:
        return None
    return block


@forgery
def another_state_root(forge, block):
    block.header.state_root = forge.flipped(block.header.state_root)
    return block


@forgery
def another_body_root(forge, block):
    block.header.body_root = forge.flipped(block.header.body_root)
    return forge.mined(block, keep_body_root=True)


@forgery
def another_time(forge, block):
    parent = forge.chain.headers[-1].time_ms
    block.header.time_ms = forge.random.choice([parent, parent - 1, 0, 2**62 - 1, 2**64 - 1])
    return block


@forgery
def the_earliest_time(forge, block):
    block.header.time_ms = forge.chain.headers[-1].time_ms + 1
    return block


@forgery
def a_time_beyond_every_calendar(forge, block):
    block.header.time_ms = 2**62
    return block


# Coinbases.

@forgery
def another_coinbase_height(forge, block):
    block.coinbase.height += forge.random.choice([1, -1])
    return block


@forgery
def another_miner(forge, block):
    block.coinbase.miner = forge.key
    return block


@forgery
def another_miner_settled(forge, block):
    block.coinbase.miner = schnorr.public_key(forge.random.randrange(2, 10))
    return forge.settled(block)


@forgery
def a_coin_from_nothing(forge, block):
    block.coinbase.outputs = [Output(forge.random.choice([1, 10**8]), 0, forge.key)]
    return block


@forgery
def an_amount_of_nothing(forge, block):
    block.coinbase.outputs = [Output(0, 0, forge.key)]
    return block


@forgery
def an_amount_too_large(forge, block):
    block.coinbase.outputs = [Output(2**62, 0, forge.key)]
    return block


@forgery
def another_amount_minted(forge, block):
    if not block.coinbase.outputs:
        return None
    at = forge.random.randrange(len(block.coinbase.outputs))
    old = block.coinbase.outputs[at]
    block.coinbase.outputs[at] = Output(old.amount + forge.random.choice([1, -1]), 0, old.key)
    return block


@forgery
def less_minted(forge, block):
    if not block.coinbase.outputs:
        return None
    block.coinbase.outputs.pop()
    return block


@forgery
def outputs_in_another_order(forge, block):
    if len(block.coinbase.outputs) < 2:
        return None
    block.coinbase.outputs.reverse()
    return block


@forgery
def an_output_of_another_kind(forge, block):
    block.coinbase.outputs = [forge.random.choice([Output(1, 1, forge.key, forge.key, 9), Output(1, 2, forge.key)])]
    return block


@forgery
def other_steps(forge, block):
    block.coinbase.outer_step = forge.random.choice([0, 16, 255]) if block.contributions else 13
    return block


@forgery
def a_public_step_beyond_the_grid(forge, block):
    block.coinbase.public_step = 25 if block.contributions else 1
    return block
