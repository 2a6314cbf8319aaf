"""Forged blocks of networks of one winner a block (round_length 1)."""
from . import schnorr
from .encoding import u32
from .forge import forgery
from .network import one_winner


def has_won(forge, block):
    return one_winner(forge.chain.network) and block.contributions


@forgery
def a_win_made_again_by_another_miner(forge, block):
    """Good, unless the payload's norm by the sketch of that key is out of bounds."""
    if not has_won(forge, block):
        return None
    block.coinbase.miner = forge.key
    block.contributions = [forge.own_win(block.contributions[0].payload)]
    return forge.settled(block)


@forgery
def a_win_of_another_miner(forge, block):
    if not has_won(forge, block) or block.coinbase.miner == forge.key:
        return None
    block.contributions = [forge.own_win(block.contributions[0].payload)]
    return block


@forgery
def a_win_signed_by_another_miner(forge, block):
    if not has_won(forge, block) or block.coinbase.miner == forge.key:
        return None
    contribution = block.contributions[0]
    contribution.signature = schnorr.sign(forge.secret, contribution.message(forge.chain.network.genesis_id))
    return block


@forgery
def a_stolen_win(forge, block):
    """Another name on what the block carries."""
    if not has_won(forge, block) or block.coinbase.miner == forge.key:
        return None
    block.coinbase.miner = forge.key
    return block


@forgery
def a_win_of_another_place(forge, block):
    if not has_won(forge, block):
        return None
    block.coinbase.miner = forge.key
    block.contributions = [forge.own_win(block.contributions[0].payload, previous=forge.random.randbytes(32))]
    return block


@forgery
def two_wins(forge, block):
    if not has_won(forge, block):
        return None
    block.coinbase.miner, payload = forge.key, block.contributions[0].payload
    other = u32(int.from_bytes(payload[:4], "little") + 1) + payload[4:]
    block.contributions = sorted([forge.own_win(payload), forge.own_win(other)], key=lambda c: c.id())
    return block


@forgery
def a_win_with_a_step(forge, block):
    if not has_won(forge, block):
        return None
    block.coinbase.outer_step = 13
    return block


@forgery
def a_win_that_was_merged_before(forge, block):
    last = getattr(forge, "last_won", None)
    if not has_won(forge, block):
        return None
    forge.last_won = block.contributions[0].payload
    if last is None:
        return None
    block.coinbase.miner = forge.key
    block.contributions = [forge.own_win(last)]
    return block
