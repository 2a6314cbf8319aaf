"""Section 8 of chain.md: what a block's coinbase gives. Worths need the judge's arithmetic and come from outside."""
from . import state
from .encoding import Refused
from .network import round_of


def median(worths, weights):
    """Each counts worth times weight: those worth at least as much bring half of the sum; 0 of none."""
    so_far, counts = 0, [worth * weight for worth, weight in zip(worths, weights)]
    for worth, count in sorted(zip(worths, counts), reverse=True):
        so_far += count
        if 2 * so_far >= sum(counts):
            return worth
    return 0


def parts(chain, worths, weights):
    """Pairs (part, reference) of a full unit that each of these worths earns, counted whole."""
    before = [merge.median for merge in chain.merges[-state.MEDIAN_ROUNDS:]]
    floor = sum(before) // (4 * len(before)) if before else 0
    reference = max(median(worths, weights), floor)
    return [(reference if worth >= reference else max(0, 2 * worth - reference), reference) for worth in worths]


def expected(chain, block, changes, shares, earning=None):
    """Key to amount; shares are pairs (part, reference), by which a full unit is cut down. `earning` is the weight of all
    that have a part, who share the units."""
    network, height = chain.network, chain.height + 1
    amounts = {block.coinbase.miner: changes.fees}
    if earning is None:
        earning = sum(weight for weight, (part, _) in zip(changes.weights, shares) if part > 0)
    halvings = round_of(network, height) // network.halving_rounds
    unit = network.subsidy_unit >> halvings if halvings < 64 else 0
    earners = {entry.commitment.key for entry, (part, _) in zip(changes.accepted, shares) if part > 0}
    for entry, weight, (part, reference) in zip(changes.accepted, changes.weights, shares):
        if part == 0:
            continue
        paid = network.paid_contributions
        earned = unit * part // reference * weight * paid // max(earning, 2**16 * paid)
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
        exact = expected(chain, block, changes, parts(chain, worths, changes.weights))
        if given != exact:
            raise Refused("C8", "the coinbase gives other amounts than section 8")
        return
    # Nobody can earn more of a unit than he counts.
    most = expected(chain, block, changes, [(1, 1)] * len(changes.accepted), earning=0)
    for key, amount in given.items():
        if amount > most.get(key, 0):
            raise Refused("C8", f"the coinbase gives {key.hex()[:12]} more than a full reward")
    if given.get(block.coinbase.miner, 0) < changes.fees:
        raise Refused("C8", "the coinbase keeps fees from the miner")
