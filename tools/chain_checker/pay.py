"""Section 8 of chain.md: what a block's coinbase gives. Worths need the judge's arithmetic and come from outside."""
from . import state
from .encoding import Refused
from .network import round_of


def check_worths(chain, worths):
    """The end of C6, for worths that somebody else has computed."""
    least = max(1, state.mean_worth(chain.network, chain.merges) // 16)
    for worth in worths:
        if worth < least:
            raise Refused("C6", f"a worth of {worth} is below {least}")


def expected(chain, block, changes, shares):
    """Key to amount; shares are pairs (worth, reference), by which a full unit is cut down."""
    network, height = chain.network, chain.height + 1
    amounts = {block.coinbase.miner: changes.fees}
    count = len(shares)
    halvings = round_of(network, height) // network.halving_rounds
    unit = network.subsidy_unit >> halvings if halvings < 64 else 0
    contributors = {entry.commitment.key for entry in changes.accepted}
    for entry, (worth, reference) in zip(changes.accepted, shares):
        earned = unit * min(count, network.paid_contributions) * min(worth, reference) // (reference * count)
        carriers = earned * network.carry_share >> 16
        key = entry.commitment.key
        amounts[key] = amounts.get(key, 0) + earned - carriers
        for miner in (entry.carrier, block.coinbase.miner):
            if miner in contributors:
                amounts[miner] = amounts.get(miner, 0) + carriers // 2
    return {key: amount for key, amount in sorted(amounts.items()) if amount > 0}


def check_coinbase(chain, block, changes, worths):
    given = {output.key: output.amount for output in block.coinbase.outputs}
    if worths is not None:
        reference = state.mean_worth(chain.network, chain.merges)
        exact = expected(chain, block, changes, [(worth, reference) for worth in worths])
        if given != exact:
            raise Refused("C8", "the coinbase gives other amounts than section 8")
        return
    most = expected(chain, block, changes, [(1, 1)] * len(changes.accepted))
    for key, amount in given.items():
        if amount > most.get(key, 0):
            raise Refused("C8", f"the coinbase gives {key.hex()[:12]} more than a full reward")
    if given.get(block.coinbase.miner, 0) < changes.fees:
        raise Refused("C8", "the coinbase keeps fees from the miner")
