"""Makes blocks that break one rule: sealed again (body root, state root, work), so that the rule itself is reached.

Each @forgery (forge_blocks.py, forge_elements.py) takes a Forge and a block, may change the block, and returns it (it
is then sealed), bytes (taken as they are) or None (not possible here). Its name is what a remark in the file says.
"""
import copy
import random

from . import pay, rules, schnorr, targets, winner
from .encoding import Refused
from .network import is_first_of_round, one_winner, round_of
from .objects import Commitment, Contribution, Output, Payment

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
        while not targets.meets(header.work_hash(self.chain.network.work), targets.expand(header.target)):
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
        usual = winner.WORTH if one_winner(self.chain.network) else 0
        worths = [self.worths.get(c.commitment_id, usual) for c in block.contributions]
        amounts = pay.expected(self.chain, block, changes, pay.parts(self.chain, worths, changes.weights))
        block.coinbase.outputs = [Output(amount, 0, key) for key, amount in amounts.items()]
        block.header.state_root = rules.root_after(rules.after(self.chain, block, changes, worths))
        return block

    def own_coins(self, mature=True):
        chain = self.chain
        old = chain.height + 1 - chain.network.coinbase_maturity
        return [(point, coin) for point, coin in sorted(chain.coins.items())
                if coin.output.kind == 0 and coin.output.key == self.key and (not coin.minted or coin.height <= old) == mature]

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
        start = self.chain.hash if self.chain.round_start == bytes(32) else self.chain.round_start
        made = Commitment(round_number, start, schnorr.public_key(secret), payload_commitment, 0, b"")
        most = min(targets.LARGEST, self.chain.stamp_factor * targets.expand(target))
        while targets.meets(made.stamp(network), most) != share:
            made.nonce += 1
            if made.nonce > 10**6:
                return None
        made.signature = schnorr.sign(secret, made.message(network.genesis_id))
        return made

    def own_commitment(self, block, secret=None, later=0, share=True):
        network, height = self.chain.network, self.chain.height + 1
        target = block.header.target if is_first_of_round(network, height) else self.chain.round_target
        if network.member_keys and schnorr.public_key(secret or self.secret) not in network.member_keys:
            return None
        if height % network.round_length == 0:
            target = block.header.target
        return self.commitment(secret or self.secret, bytes(32), round_of(network, height) + later, target, share)

    def own_win(self, payload, secret=None, previous=None):
        """A contribution as a block of this key's carries it, where round_length is 1."""
        secret = secret or self.secret
        made = winner.block_commitment(self.chain, schnorr.public_key(secret), payload)
        made.start = previous or made.start
        contribution = Contribution(made.id(), payload, b"")
        contribution.signature = schnorr.sign(secret, contribution.message(self.chain.network.genesis_id))
        return contribution

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


def forged(forge, block, function):
    """The forged block's bytes, or None."""
    made = function(forge, copy.deepcopy(block))
    if made is None or isinstance(made, bytes):
        return made
    try:
        return forge.mined(made)
    except (OverflowError, ValueError):
        return None  # a number that no field can hold
