"""Own blocks behind a recorded chain: payment channels that are opened, closed and taken back, and what breaks a rule
of them tried on every block between."""
from . import schnorr
from .forge import Forge
from .objects import CHANNEL, CLOSE, KEY, OutPoint, Output, Payment, voucher

PAYEE = 8  # its secret
CAPACITY = 9000


class Channel:
    """A channel from the forger to PAYEE, and the payments about it."""

    def __init__(self, forge: Forge, expiry):
        self.forge = forge
        self.payee = schnorr.public_key(PAYEE)
        self.output = Output(CAPACITY, CHANNEL, forge.key, self.payee, expiry)
        point, coin = max(forge.own_coins(), key=lambda pair: pair[1].output.amount)
        change = Output(coin.output.amount - CAPACITY, KEY, forge.key)
        self.opening = forge.payment([point], [coin.output], [self.output, change])
        self.point = OutPoint(self.opening.id(), 0)

    def sign(self, payment, payee=PAYEE, payer=None, amount=None, genesis_id=None, point=None):
        genesis = self.forge.chain.network.genesis_id
        rest = sum(output.amount for output in payment.outputs[1:])
        signed = voucher(genesis_id or genesis, point or self.point, CAPACITY - rest if amount is None else amount)
        message = payment.message(genesis, [self.output])
        payment.signatures = [schnorr.sign(payer or self.forge.secret, signed), schnorr.sign(payee, message)]
        return payment

    def close(self, amount=700, fee=10, **changes):
        rest = [Output(CAPACITY - amount, KEY, self.forge.key)] if amount < CAPACITY else []
        return self.sign(Payment([self.point], [Output(amount - fee, KEY, self.payee)] + rest, [], CLOSE), **changes)

    def with_outputs(self, *outputs):
        return self.sign(Payment([self.point], list(outputs), [], CLOSE))

    def refund(self, secret=None, amount=CAPACITY - 5):
        made = Payment([self.point], [Output(amount, KEY, self.forge.key)], [])
        made.signatures = [schnorr.sign(secret or self.forge.secret,
                                        made.message(self.forge.chain.network.genesis_id, [self.output]))]
        return made


def attempts(channel, forge):
    """Name to payment. Which of them are good depends on the height alone."""
    payer, payee = forge.key, channel.payee
    part, rest = Output(690, KEY, payee), Output(CAPACITY - 700, KEY, payer)
    return {
        "a close": channel.close(),
        "a close with all of it": channel.close(CAPACITY),
        "a close without a fee": channel.close(fee=0),
        "a close that makes more than it spends": channel.close(fee=-1),
        "a close by the payer": channel.close(payee=forge.secret),
        "a close with a voucher by the payee": channel.close(payer=PAYEE),
        "a close with a voucher for less": channel.sign(channel.close(), amount=699),
        "a close with a voucher for more": channel.sign(channel.close(), amount=701),
        "a close with a voucher of another network": channel.close(genesis_id=bytes(32)),
        "a close with a voucher of another channel": channel.close(point=OutPoint(channel.point.id, 1)),
        "a close with outputs the other way round": channel.with_outputs(rest, part),
        "a close to the payee alone, twice": channel.with_outputs(part, Output(rest.amount, KEY, payee)),
        "a close to somebody else": channel.with_outputs(Output(690, KEY, payer), rest),
        "a close into another channel": channel.with_outputs(part, Output(rest.amount, CHANNEL, payer, payee, 9)),
        "a close whose payee gets a channel": channel.with_outputs(Output(690, CHANNEL, payee, payer, 9), rest),
        "a refund": channel.refund(),
        "a refund by the payee": channel.refund(PAYEE),
        "a refund of too much": channel.refund(amount=CAPACITY + 1),
    }


def odd_payments(channel, forge):
    """What is no payment, or closes no channel."""
    coins = [(point, coin) for point, coin in forge.own_coins() if coin.output.kind == KEY]
    if coins:
        point, coin = coins[0]
        yield "a close of a coin", Payment([point], [Output(1, KEY, forge.key)], channel.close().signatures, CLOSE)
        two = Payment(sorted([point, channel.point]), [Output(1, KEY, forge.key)], channel.close().signatures, CLOSE)
        yield "a close with two inputs", two
    yield "a form that does not exist", Payment([channel.point], [Output(1, KEY, forge.key)], [bytes(64)], 2)
    yield "a kind that does not exist", Payment([channel.point], [Output(1, 2, forge.key)], [bytes(64)])


def try_payments(forge, block_of, payments):
    for name, payment in payments:
        block = block_of()
        block.payments = [payment]
        print("# channel:", name)
        print("try", forge.mined(forge.settled(block)).hex())


def write(forge, last, next_block, append):
    """Two channels: one is closed in the last block in which it can be, one taken back in the first."""
    if not forge.own_coins():
        return last
    channels = []
    for _ in range(2):
        channel = Channel(forge, forge.chain.height + 6)
        block = next_block(forge, last)
        block.payments = [channel.opening]
        last = append(forge, block)
        channels.append(channel)
    first, second = channels
    while forge.chain.height < second.output.expiry:
        height = forge.chain.height + 1
        print("# channel: an expiry at height", first.output.expiry, "tried at", height)
        near = [channel for channel in channels if abs(height - channel.output.expiry) <= 1 and channel.point in forge.chain.coins]
        for channel in near:
            try_payments(forge, lambda: next_block(forge, last), attempts(channel, forge).items())
            try_payments(forge, lambda: next_block(forge, last), odd_payments(channel, forge))
        block = next_block(forge, last)
        if height == first.output.expiry - 1:
            both = next_block(forge, last)
            both.payments = sorted([first.close(), first.close(701)], key=lambda payment: payment.id())
            print("# channel: two closes in one block")
            print("try", forge.mined(both).hex())
            block.payments = [first.close()]
        if height == second.output.expiry:
            block.payments = [second.refund()]
        last = append(forge, block)
    return last
