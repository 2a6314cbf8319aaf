"""Section 7 and 8 of chain.md: the rules C1 to C8, as far as they need no floating-point arithmetic."""
import time
from dataclasses import dataclass, field
from math import isqrt
from operator import mul

from . import codec, likeness, pay, schnorr, state, targets, winner
from .encoding import Refused, divide_rounding, tagged
from .network import is_first_of_round, is_known, one_winner, round_of, versions_at
from .objects import CHANNEL, CLOSE, HEADER_BYTES, KEY, PLAIN, Block, Coinbase, Header, OutPoint, voucher


class Undecided(Exception):
    """Not wrong, but nothing that can be said now."""


@dataclass
class Changes:
    """What a valid block does to the state."""
    spent: list = field(default_factory=list)
    fees: int = 0
    accepted: list = field(default_factory=list)
    deltas: list = field(default_factory=list)
    norms: list = field(default_factory=list)
    scaled: list = field(default_factory=list)  # deltas at the mean norm
    weights: list = field(default_factory=list)
    merged: list = None


def need(good, rule, why):
    if not good:
        raise Refused(rule, why)


def genesis(network):
    """The chain that has only its genesis block."""
    chain = state.Chain(network, stamp_factor=network.share_factor)
    chain.theta = state.first_parameters(network)
    chain.theta_root = state.model_root(chain.theta)
    body_root = Block(None, Coinbase(0, bytes(32))).body_root()
    chain.headers.append(Header(*versions_at(network, 0), network.genesis_id, body_root, root_after(chain), network.genesis_time_ms,
                                network.first_target, 0))
    chain.hash = chain.headers[0].hash()
    return chain


def check_header(chain, header, now_ms):
    network, headers = chain.network, chain.headers
    height = chain.height + 1
    need(header.previous == chain.hash, "C1", "previous is not the parent's hash")
    versions = versions_at(network, height)
    named = (header.numerics_version, header.rules_version)
    newer = named[0] > versions[0] or named[1] > versions[1]
    need(newer or named == versions, "C1", f"versions {named} instead of {versions}")
    target = targets.next_target(network, headers[-1], headers[-2] if height > 1 else None)
    need(header.target == target, "C1", f"target {header.target:#x} instead of {target:#x}")
    parent = headers[-1].time_ms
    need(header.time_ms > parent, "C1", f"time {header.time_ms} is not later than the parent's {parent}")
    need(header.time_ms < 2**62, "C1", "the time is beyond 2^62")
    need(targets.meets(header.work_hash(network.work), targets.expand(target)), "C1", "the hash does not meet the target")
    if header.time_ms > now_ms + max(2000, 2 * network.spacing_ms):
        raise Undecided("the time is ahead of this machine's clock")
    if newer:
        raise Undecided(f"versions {named}, where the definition names {versions}")
    if not is_known(versions):
        raise Undecided(f"versions {versions} are not known here")


def check_body(chain, block, size):
    network, height = chain.network, chain.height + 1
    need(block.body_root() == block.header.body_root, "C2", "the body is not the header's")
    need(size <= network.max_block_bytes, "C2", f"{size} bytes")
    need(len(block.payments) <= network.max_payments, "C2", f"{len(block.payments)} payments")
    need(len(block.commitments) <= network.max_commitments, "C2", f"{len(block.commitments)} commitments")
    need(len(block.contributions) <= network.max_contributions, "C2", f"{len(block.contributions)} contributions")
    largest = max((len(c.payload) for c in block.contributions), default=0)
    need(largest <= network.max_payload_bytes, "C2", f"a payload of {largest} bytes")
    if height % network.round_length == 0:
        need(not block.commitments, "C2", "commitments at a merge height")
    else:
        need(not block.contributions, "C2", "contributions where nothing is merged")
    steps = (block.coinbase.outer_step, block.coinbase.public_step)
    if block.contributions and not one_winner(network):
        need(1 <= steps[0] <= 15 and steps[1] <= 24, "C2", f"steps {steps} do not exist")
    else:
        need(steps == (0, 0), "C2", "steps where none is taken")
    need(block.coinbase.height == height, "C2", f"the coinbase is of height {block.coinbase.height}")
    need(not network.member_keys or block.coinbase.miner in network.member_keys, "C2", "the miner is no member")


def check_payments(chain, block, changes):
    network, height = chain.network, chain.height + 1
    seen = set()
    for payment in block.payments:
        for point in payment.inputs:
            need(point in chain.coins, "C3", f"coin {point.id.hex()[:12]}:{point.index} does not exist")
            need(point not in seen, "C3", f"coin {point.id.hex()[:12]}:{point.index} is spent twice")
            seen.add(point)
            coin = chain.coins[point]
            need(not coin.minted or height - coin.height >= network.coinbase_maturity, "C3", "a coin is not mature")
            if coin.output.kind == CHANNEL and payment.form == PLAIN:
                need(height >= coin.output.expiry, "C3", "a channel is taken back before its expiry")
        spent = [chain.coins[point].output for point in payment.inputs]
        left = sum(coin.amount for coin in spent) - sum(output.amount for output in payment.outputs)
        need(left >= 0, "C3", f"outputs are {-left} above inputs")
        message = payment.message(network.genesis_id, spent)
        if payment.form == CLOSE:
            check_close(network, height, payment, spent[0], message)
        else:
            good = all(schnorr.verify(coin.key, message, s) for coin, s in zip(spent, payment.signatures))
            need(good, "C3", "a payment's signature is wrong")
        changes.spent += payment.inputs
        changes.fees += left


def check_close(network, height, payment, channel, message):
    """The payee's part first, then the payer's rest, by a voucher over all but the rest."""
    need(channel.kind == CHANNEL, "C3", "a close of what is no channel")
    need(height < channel.expiry, "C3", "a close of an expired channel")
    keys = (channel.payee, channel.key)
    for output, key in zip(payment.outputs, keys):
        need(output.kind == KEY and output.key == key, "C3", "a close's output is not what it must be")
    amount = channel.amount - sum(output.amount for output in payment.outputs[1:])
    signed = voucher(network.genesis_id, payment.inputs[0], amount)
    need(schnorr.verify(channel.key, signed, payment.signatures[0]), "C3", "a close without a voucher")
    need(schnorr.verify(channel.payee, message, payment.signatures[1]), "C3", "a close without the payee")


def check_commitments(chain, block):
    network, height = chain.network, chain.height + 1
    first = is_first_of_round(network, height)
    round_target = block.header.target if first else chain.round_target
    start = chain.hash if first else chain.round_start
    share = min(targets.LARGEST, chain.stamp_factor * targets.expand(round_target))
    used = {entry.commitment.key for entry in chain.open.values()}
    for commitment in block.commitments:
        need(commitment.round == round_of(network, height), "C4", f"a commitment for round {commitment.round}")
        need(commitment.start == start, "C4", "a commitment of another round's start")
        need(not network.member_keys or commitment.key in network.member_keys, "C4", "a commitment by no member")
        need(commitment.key not in used, "C4", "two commitments by one key")
        used.add(commitment.key)
        good = schnorr.verify(commitment.key, commitment.message(network.genesis_id), commitment.signature)
        need(good, "C4", "a commitment's signature is wrong")
        need(targets.meets(commitment.stamp(network), share), "C4", "a stamp without its work")


def check_contributions(chain, block, changes):
    network = chain.network
    if one_winner(network):
        winner.check_contribution(chain, block, changes)
        return
    merged_before = {h for merge in chain.merges for h in merge.payload_hashes}
    mean = state.mean_norm(network, chain.merges)
    for contribution in block.contributions:
        entry = chain.open.get(contribution.commitment_id)
        need(entry is not None, "C5", "a contribution without an open commitment")
        commitment = entry.commitment
        promised = tagged("cairn/payload-commitment", commitment.key + contribution.payload)
        need(promised == commitment.payload_commitment, "C5", "a payload that was not promised")
        payload_hash = contribution.payload_hash()
        need(payload_hash not in merged_before, "C5", "a payload that was merged before")
        merged_before.add(payload_hash)
        good = schnorr.verify(commitment.key, contribution.message(network.genesis_id), contribution.signature)
        need(good, "C5", "a contribution's signature is wrong")
        delta = codec.decode(network, commitment, contribution.payload)
        norm = isqrt(sum(sum(map(mul, tile, tile)) for tile in delta))
        need(4 * norm >= mean, "C5", f"a norm of {norm} is below a quarter of the mean {mean}")
        need(norm <= 2 * mean, "C5", f"a norm of {norm} is above twice the mean {mean}")
        changes.accepted.append(entry)
        changes.deltas.append(delta)
        changes.norms.append(norm)
    changes.scaled = [at_mean_norm(delta, norm, mean) for delta, norm in zip(changes.deltas, changes.norms)]
    changes.weights = likeness.weights(network, chain.hash, changes.scaled)


def at_mean_norm(delta, norm, mean):
    weight = (mean << 16) // norm
    most = 2**31 - 1
    return [[max(-most, min(most, divide_rounding(d * weight, 2**16))) for d in tile] for tile in delta]


def merge(outer_step, deltas, weights):
    """C6's D, the merged delta."""
    factor = isqrt(2**(19 + outer_step))
    most = 2**31 - 1
    of_all = sum(weights)

    def entry(column):
        total = divide_rounding(sum(map(mul, weights, column)), 2**16)
        return max(-most, min(most, divide_rounding(factor * total, of_all)))
    return [[entry(column) if any(column) else 0 for column in zip(*tiles)] for tiles in zip(*deltas)]


def new_coins(chain, block):
    height = chain.height + 1
    coins = {}
    for payment in block.payments:
        name = payment.id()
        for index, output in enumerate(payment.outputs):
            coins[OutPoint(name, index)] = state.Coin(output, height, False)
    name = block.coinbase.id()
    for index, output in enumerate(block.coinbase.outputs):
        coins[OutPoint(name, index)] = state.Coin(output, height, True)
    return coins


def after(chain, block, changes, worths):
    """The chain with this block; its coins are changed last, for they are not copied."""
    network, height = chain.network, chain.height + 1
    result = state.Chain(network, chain.headers + [block.header], chain.coins, chain.coins_hash.copy(),
                         chain.round_target, chain.round_start, chain.stamp_factor, dict(chain.open), chain.merges, chain.theta, chain.theta_root, chain.window,
                         chain.worths_known)
    result.hash = block.header.hash()
    if is_first_of_round(network, height):
        result.round_target, result.round_start = block.header.target, block.header.previous
    for commitment in block.commitments:
        result.open[commitment.id()] = state.Open(commitment, height, block.coinbase.miner)
    if height % network.round_length == 0:
        result.stamp_factor = state.next_stamp_factor(network, chain.stamp_factor, len(chain.open))
        result.open, result.round_target, result.round_start = {}, 0, bytes(32)
        if block.contributions:
            close_round(result, block, changes, worths)
    result.made = new_coins(chain, block)
    for point in changes.spent:
        result.coins_hash.change(chain.coins[point].encode(point), -1)
    for point, coin in result.made.items():
        result.coins_hash.change(coin.encode(point), 1)
    result.spent = changes.spent
    return result


def close_round(result, block, changes, worths):
    network = result.network
    if one_winner(network):
        merged = changes.deltas[0]
    else:
        merged = merge(block.coinbase.outer_step, changes.scaled, changes.weights)
    most = 2**30
    result.theta = [[max(-most, min(most, p + d)) for p, d in zip(*tiles)] for tiles in zip(result.theta, merged)]
    result.theta_root = state.model_root(result.theta)
    hashes = sorted(contribution.payload_hash() for contribution in block.contributions)
    if worths is None:
        result.worths_known = False
    record = state.Merged(round_of(network, result.height), min(state.MOST, sum(changes.norms)),
                          pay.median(worths or [0] * len(changes.weights), changes.weights), hashes)
    result.merges = (result.merges + [record])[-network.window_rounds:]
    if network.novelty_rounds > 0:
        result.window = (result.window + [state.delta_hash(merged)])[-network.novelty_rounds:]


def root_after(chain):
    return state.state_root(chain.theta_root, chain.coins_hash, state.rules_root(chain))


def judge(chain, data, worths_by_commitment, now_ms=None):
    """The chain after the block that these bytes encode; raises Refused or Undecided."""
    need(len(data) >= HEADER_BYTES, "C2", "no whole header")
    block = Block.decode(data)
    check_header(chain, block.header, time.time() * 1000 if now_ms is None else now_ms)
    check_body(chain, block, len(data))
    changes = Changes()
    check_payments(chain, block, changes)
    check_commitments(chain, block)
    check_contributions(chain, block, changes)
    worths = [winner.WORTH if one_winner(chain.network) else worths_by_commitment.get(c.commitment_id)
              for c in block.contributions]
    if None in worths or not chain.worths_known:
        worths = None
    pay.check_coinbase(chain, block, changes, worths)
    result = after(chain, block, changes, worths)
    if result.worths_known:
        need(root_after(result) == block.header.state_root, "C8", "the state root is another")
    return result


def connect(result):
    """Makes the judged block the tip."""
    for point in result.spent:
        del result.coins[point]
    result.coins.update(result.made)
    return result
