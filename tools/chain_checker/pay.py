"""Section 8 of chain.md: what a block's coinbase gives. Worths need the judge's arithmetic and come from outside."""
from . import state
from .encoding import Refused
from .network import round_of


def median(worths):
    """Weighted by the worths themselves: those at least as large bring half of the sum; 0 of none."""
    so_far = 0
    for worth in sorted(worths, reverse=True):
        so_far += worth
        if 2 * so_far >= sum(worths):
            return worth
    return 0


def parts(chain, worths):
    """Pairs (part, reference) of a full unit that each of these worths earns."""
    before = [merge.median for merge in chain.merges[-state.MEDIAN_ROUNDS:]]
    floor = sum(before) // (4 * len(before)) if before else 0
    reference = max(median(worths), floor)
    return [(reference if worth >= reference else max(0, 2 * worth - reference), reference) for worth in worths]


def expected(chain, block, changes, shares, earning=None):
    """Key to amount; shares are pairs (part, reference), by which a full unit is cut down. `earning` contributions
    (those with a part) share the units."""
    network, height = chain.network, chain.height + 1
    amounts = {block.coinbase.miner: changes.fees}
    count = earning or sum(part > 0 for part, _ in shares)
    halvings = round_of(network, height) // network.halving_rounds
    unit = network.subsidy_unit >> halvings if halvings < 64 else 0
    earners = {entry.commitment.key for entry, (part, _) in zip(changes.accepted, shares) if part > 0}
    for entry, (part, reference) in zip(changes.accepted, shares):
        if part == 0:
            continue
        earned = unit * min(count, network.paid_contributions) * part // (reference * count)
        carriers = earned * network.carry_share >> 16
        key = entry.commitment.key
        amounts[key] = amounts.get(key, 0) + earned - carriers
        for miner in (entry.carrier, block.coinbase.miner):
            if miner in earners:
                amounts[miner] = amounts.get(miner, 0) + carriers // 2
    return {key: amount for key, amount in sorted(amounts.items()) if amount > 0}


def check_coinbase(chain, block, changes, worths):
    given = {output.key: output.amount for output in block.coinbase.outputs}
    if worths is not None:
        exact = expected(chain, block, changes, parts(chain, worths))
        if given != exact:
            raise Refused("C8", "the coinbase gives other amounts than section 8")
        return
    # Nobody can earn more than a unit, and a few that earn it share no more units than they are.
    most = expected(chain, block, changes, [(1, 1)] * len(changes.accepted), earning=1)
    for key, amount in given.items():
        if amount > most.get(key, 0):
            raise Refused("C8", f"the coinbase gives {key.hex()[:12]} more than a full reward")
    if given.get(block.coinbase.miner, 0) < changes.fees:
        raise Refused("C8", "the coinbase keeps fees from the miner")
