"""Makes blocks that break one rule: sealed again (body root, state root, work), so that the rule itself is reached.

Each function below takes a Forge and a block, may change the block, and returns it (it is then sealed), bytes (taken
as they are) or None (not possible here). Their names are what a remark in the file says.
"""
import copy
import random

from . import pay, rules, schnorr, state, targets
from .encoding import Refused, u32
from .network import round_of
from .objects import HEADER_BYTES, Block, Commitment, OutPoint, Output, Payment

ALL = []


def forgery(function):
    ALL.append(function)
    return function


class Forge:
    """What a forger knows: the chain so far, a secret key that owns some coins, and chance."""

    def __init__(self, secret, seed):
        self.secret = secret
        self.key = schnorr.public_key(secret)
        self.random = random.Random(seed)
        self.gone = []  # coins that were spent
        self.worths = {}
        self.chain = None

    def mined(self, block, keep_body_root=False):
        """The block with the right body root and enough work."""
        header = block.header
        if not keep_body_root:
            header.body_root = block.body_root()
        header.nonce = self.random.getrandbits(63)
        while not targets.meets(header.hash(), targets.expand(header.target)):
            header.nonce += 1
        return block.encode()

    def settled(self, block):
        """Coinbase and state root as they must be; the block as it is where an earlier rule fails."""
        changes = rules.Changes()
        try:
            rules.check_payments(self.chain, block, changes)
            rules.check_contributions(self.chain, block, changes)
        except Refused:
            return block
        worths = [self.worths.get(c.commitment_id, 0) for c in block.contributions]
        reference = state.mean_worth(self.chain.network, self.chain.merges)
        amounts = pay.expected(self.chain, block, changes, [(worth, reference) for worth in worths])
        block.coinbase.outputs = [Output(amount, 0, key) for key, amount in amounts.items()]
        block.header.state_root = rules.root_after(rules.after(self.chain, block, changes, worths))
        return block

    def own_coins(self, mature=True):
        chain = self.chain
        old = chain.height + 1 - chain.network.coinbase_maturity
        return [(point, coin) for point, coin in sorted(chain.coins.items())
                if coin.output.key == self.key and (not coin.minted or coin.height <= old) == mature]

    def payment(self, points, spent, outputs, genesis_id=None):
        payment = Payment(points, outputs, [])
        message = payment.message(genesis_id or self.chain.network.genesis_id, spent)
        payment.signatures = [schnorr.sign(self.secret, message) for _ in points]
        return payment

    def own_payment(self, mature=True, more=0, **changes):
        coins = self.own_coins(mature)
        if not coins:
            return None
        point, coin = self.random.choice(coins) if mature else min(coins, key=lambda pair: pair[1].height)
        return self.payment([point], [coin.output], [Output(coin.output.amount + more, 0, self.key)], **changes)

    def commitment(self, secret, payload_commitment, round_number, target, share=True):
        network = self.chain.network
        made = Commitment(round_number, schnorr.public_key(secret), payload_commitment, 0, b"")
        most = min(targets.LARGEST, network.share_factor * targets.expand(target))
        while targets.meets(made.stamp(network.genesis_id), most) != share:
            made.nonce += 1
            if made.nonce > 10**6:
                return None
        made.signature = schnorr.sign(secret, made.message(network.genesis_id))
        return made

    def own_commitment(self, block, secret=None, later=0, share=True):
        network, height = self.chain.network, self.chain.height + 1
        target = block.header.target if height % network.round_length == 1 else self.chain.round_target
        if network.member_keys and schnorr.public_key(secret or self.secret) not in network.member_keys:
            return None
        if height % network.round_length == 0:
            target = block.header.target
        return self.commitment(secret or self.secret, bytes(32), round_of(network, height) + later, target, share)

    def flipped(self, data, start=0):
        at = self.random.randrange(start, len(data))
        return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1:]


def add(elements, more):
    """More elements in the canonical order; None if one could not be made."""
    if None in more:
        return False
    elements += more
    elements.sort(key=lambda element: element.id())
    return True


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
    while targets.meets(block.header.hash(), targets.expand(block.header.target)):
        block.header.nonce += 1
        if block.header.nonce % 5000 == 0:
            return None
    return block.encode()


@forgery
def another_version(forge, block):
    block.header.version += forge.random.choice([1, -1])
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
    times = sorted(header.time_ms for header in forge.chain.headers[-11:])
    median = times[len(times) // 2]
    block.header.time_ms = forge.random.choice([median, median + 1, median - 1, 0, 2**62, 2**62 - 1, 2**64 - 1])
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
    block.coinbase.outputs = [Output(forge.random.choice([1, 10**8, 2**62, 0]), 0, forge.key)]
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
    block.coinbase.outputs = [Output(1, forge.random.choice([1, 2, 255]), forge.key)]
    return block


# Payments.

@forgery
def a_good_payment(forge, block):
    return forge.settled(block) if add(block.payments, [forge.own_payment(more=-1)]) else None


@forgery
def a_payment_whose_fee_is_lost(forge, block):
    return block if add(block.payments, [forge.own_payment(more=-1)]) else None


@forgery
def a_payment_of_too_much(forge, block):
    return block if add(block.payments, [forge.own_payment(more=1)]) else None


@forgery
def a_coin_spent_too_early(forge, block):
    return block if add(block.payments, [forge.own_payment(mature=False)]) else None


@forgery
def a_coin_that_is_just_mature(forge, block):
    edge = forge.chain.height + 1 - forge.chain.network.coinbase_maturity
    coins = [(point, coin) for point, coin in forge.own_coins() if coin.minted and coin.height == edge]
    if not coins:
        return None
    point, coin = coins[0]
    made = forge.payment([point], [coin.output], [coin.output])
    return forge.settled(block) if add(block.payments, [made]) else None


@forgery
def a_coin_spent_twice(forge, block):
    coins = forge.own_coins()
    if not coins or coins[0][1].output.amount < 9:
        return None
    point, coin = coins[0]
    twice = [forge.payment([point], [coin.output], [Output(amount, 0, forge.key)]) for amount in (1, 2)]
    return block if add(block.payments, twice) else None


@forgery
def a_coin_spent_before(forge, block):
    owned = [(point, coin) for point, coin in forge.gone if coin.output.key == forge.key] or forge.gone
    if not owned:
        return None
    point, coin = forge.random.choice(owned)
    return block if add(block.payments, [forge.payment([point], [coin.output], [coin.output])]) else None


@forgery
def a_coin_that_never_was(forge, block):
    output = Output(5, 0, forge.key)
    made = forge.payment([OutPoint(forge.random.randbytes(32), 0)], [output], [output])
    return block if add(block.payments, [made]) else None


@forgery
def what_the_same_block_makes(forge, block):
    first = forge.own_payment()
    if first is None:
        return None
    second = forge.payment([OutPoint(first.id(), 0)], first.outputs, first.outputs)
    return block if add(block.payments, [first, second]) else None


@forgery
def a_payment_for_another_network(forge, block):
    return block if add(block.payments, [forge.own_payment(genesis_id=bytes(32))]) else None


@forgery
def a_coin_of_somebody_else(forge, block):
    others = [(p, c) for p, c in sorted(forge.chain.coins.items()) if c.output.key != forge.key and not c.minted]
    if not others:
        return None
    point, coin = others[0]
    return block if add(block.payments, [forge.payment([point], [coin.output], [coin.output])]) else None


@forgery
def inputs_in_another_order(forge, block):
    coins = forge.own_coins()[:2]
    if len(coins) < 2:
        return None
    points = [point for point, _ in reversed(coins)]
    spent = [coin.output for _, coin in reversed(coins)]
    return block if add(block.payments, [forge.payment(points, spent, [Output(1, 0, forge.key)])]) else None


@forgery
def many_inputs(forge, block):
    coins = forge.own_coins()
    if len(coins) < 2:
        return None
    points, spent = [p for p, _ in coins], [c.output for _, c in coins]
    made = forge.payment(points, spent, [Output(sum(s.amount for s in spent), 0, forge.key)])
    return forge.settled(block) if add(block.payments, [made]) else None


@forgery
def a_bad_number_of_outputs(forge, block):
    made = forge.own_payment()
    if made is None:
        return None
    outputs = [Output(1, 0, forge.key)] * forge.random.choice([0, 3])
    return block if add(block.payments, [Payment(made.inputs, outputs, made.signatures)]) else None


@forgery
def too_many_payments(forge, block):
    coins = forge.own_coins()
    most = forge.chain.network.max_payments
    if len(coins) <= most:
        return None
    made = [forge.payment([p], [c.output], [c.output]) for p, c in coins[:most + 1]]
    return block if add(block.payments, made) else None


@forgery
def as_many_payments_as_allowed(forge, block):
    coins = forge.own_coins()
    free = forge.chain.network.max_payments - len(block.payments)
    if len(coins) < free:
        return None
    made = [forge.payment([p], [c.output], [c.output]) for p, c in coins[:free]]
    return forge.settled(block) if add(block.payments, made) else None


@forgery
def elements_in_another_order(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if len(elements) > 1]
    if not lists:
        return None
    lists[0].reverse()
    return block


@forgery
def an_element_twice(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if elements]
    if not lists:
        return None
    lists[0].append(lists[0][-1])
    return block


@forgery
def an_element_less(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if elements]
    if not lists:
        return None
    lists[0].pop()
    return block


@forgery
def an_element_less_settled(forge, block):
    return forge.settled(block) if an_element_less(forge, block) else None


@forgery
def a_signature_changed(forge, block):
    if block.payments:
        block.payments[0].signatures[0] = forge.flipped(block.payments[0].signatures[0])
    elif block.commitments or block.contributions:
        element = (block.commitments or block.contributions)[0]
        element.signature = forge.flipped(element.signature)
    else:
        return None
    return block


# Commitments and contributions.

@forgery
def a_good_commitment(forge, block):
    return forge.settled(block) if add(block.commitments, [forge.own_commitment(block)]) else None


@forgery
def a_commitment_for_another_round(forge, block):
    made = forge.own_commitment(block, later=forge.random.choice([1, 2]))
    return block if add(block.commitments, [made]) else None


@forgery
def two_commitments_of_one_key(forge, block):
    made = [forge.own_commitment(block, secret=8), forge.own_commitment(block, secret=8)]
    if None in made:
        return None
    made[1] = forge.commitment(8, bytes([1] * 32), made[1].round, block.header.target)
    return block if add(block.commitments, made) else None


@forgery
def a_second_commitment_of_a_key(forge, block):
    if not forge.chain.open:
        return None
    old = next(iter(forge.chain.open.values())).commitment
    made = copy.copy(old)
    made.nonce += forge.random.getrandbits(40)
    return block if add(block.commitments, [made]) else None


@forgery
def a_stamp_without_work(forge, block):
    return block if add(block.commitments, [forge.own_commitment(block, share=False)]) else None


@forgery
def too_many_commitments(forge, block):
    most = forge.chain.network.max_commitments
    if most > 9:
        return None
    made = [forge.own_commitment(block, secret=20 + i) for i in range(most + 1)]
    return block if add(block.commitments, made) else None


@forgery
def as_many_commitments_as_allowed(forge, block):
    free = forge.chain.network.max_commitments - len(block.commitments)
    if free > 9:
        return None
    made = [forge.own_commitment(block, secret=20 + i) for i in range(free)]
    return forge.settled(block) if add(block.commitments, made) else None


@forgery
def another_payload(forge, block):
    if not block.contributions:
        return None
    block.contributions[0].payload = forge.flipped(block.contributions[0].payload)
    return block


@forgery
def a_contribution_of_nobody(forge, block):
    if not block.contributions:
        return None
    block.contributions[0].commitment_id = forge.random.randbytes(32)
    block.contributions.sort(key=lambda element: element.id())
    return block


def forged(forge, block, function):
    """The forged block's bytes, or None."""
    made = function(forge, copy.deepcopy(block))
    if made is None or isinstance(made, bytes):
        return made
    try:
        return forge.mined(made)
    except (OverflowError, ValueError):
        return None  # a number that no field can hold
