"""Section 3 of chain.md: headers, payments, commitments, contributions, blocks."""
from dataclasses import dataclass, field, replace

from .encoding import Reader, ascending, list_of, merkle, sha256, sha256d, tagged, u8, u16, u32, u64, work_hash

HEADER_BYTES = 120
MOST_AMOUNT = 2**62 - 1
MOST_BLOCK_BYTES = 2**24
MOST_ELEMENTS = 65536
KEY, CHANNEL = 0, 1  # kinds of outputs
PLAIN, CLOSE = 0, 1  # forms of payments


@dataclass
class Header:
    numerics_version: int
    rules_version: int
    previous: bytes
    body_root: bytes
    state_root: bytes
    time_ms: int
    target: int
    nonce: int

    @staticmethod
    def read(r):
        return Header(r.u16(), r.u16(), r.take(32), r.take(32), r.take(32), r.u64(), r.u32(), r.u64())

    def encode(self):
        return (u16(self.numerics_version) + u16(self.rules_version) + self.previous + self.body_root + self.state_root
                + u64(self.time_ms)
                + u32(self.target) + u64(self.nonce))

    def hash(self):
        return sha256d(self.encode())

    def work_hash(self, work):
        return work_hash(work, self.encode())


@dataclass(frozen=True, order=True)
class OutPoint:
    id: bytes
    index: int

    @staticmethod
    def read(r):
        return OutPoint(r.take(32), r.u32())

    def encode(self):
        return self.id + u32(self.index)


@dataclass(frozen=True)
class Output:
    """Of a key, or a channel: then `key` is the payer's."""
    amount: int
    kind: int
    key: bytes
    payee: bytes = b""
    expiry: int = 0

    @staticmethod
    def read(r):
        amount, kind, key = r.u64(), r.u8(), r.take(32)
        if not 1 <= amount <= MOST_AMOUNT:
            r.refuse(f"an amount of {amount}")
        if kind not in (KEY, CHANNEL):
            r.refuse(f"an output of kind {kind}")
        return Output(amount, kind, key, r.take(32), r.u32()) if kind == CHANNEL else Output(amount, kind, key)

    def encode(self):
        return u64(self.amount) + u8(self.kind) + self.key + (self.payee + u32(self.expiry) if self.kind == CHANNEL else b"")


@dataclass
class Payment:
    inputs: list
    outputs: list
    signatures: list
    form: int = PLAIN

    @staticmethod
    def read(r):
        form = r.u8()
        if form not in (PLAIN, CLOSE):
            r.refuse(f"a payment of form {form}")
        inputs = [OutPoint.read(r) for _ in range(r.count(1, 1 if form == CLOSE else 256, "inputs"))]
        if not ascending(inputs):
            r.refuse("inputs do not ascend")
        outputs = [Output.read(r) for _ in range(r.count(1, 2, "outputs"))]
        return Payment(inputs, outputs, [r.take(64) for _ in range(2 if form == CLOSE else len(inputs))], form)

    def unsigned(self):
        return u8(self.form) + list_of([i.encode() for i in self.inputs]) + list_of([o.encode() for o in self.outputs])

    def encode(self):
        return self.unsigned() + b"".join(self.signatures)

    def id(self):
        return tagged("cairn/payment-id", self.unsigned())

    def leaf(self):
        return tagged("cairn/body-leaf", self.id() + tagged("cairn/witness", b"".join(self.signatures)))

    def message(self, genesis_id, spent):
        coins = b"".join(output.encode() for output in spent)
        return tagged("cairn/payment-signature", genesis_id + self.unsigned() + coins)


def voucher(genesis_id, channel, amount):
    """What a channel's payer signs."""
    return tagged("cairn/voucher", genesis_id + channel.encode() + u64(amount))


@dataclass
class Commitment:
    round: int
    start: bytes
    key: bytes
    payload_commitment: bytes
    nonce: int
    signature: bytes

    @staticmethod
    def read(r):
        return Commitment(r.u32(), r.take(32), r.take(32), r.take(32), r.u64(), r.take(64))

    def unsigned(self):
        return u32(self.round) + self.start + self.key + self.payload_commitment + u64(self.nonce)

    def encode(self):
        return self.unsigned() + self.signature

    def id(self):
        return tagged("cairn/commitment-id", self.unsigned())

    def leaf(self):
        return tagged("cairn/body-leaf", self.id() + sha256(self.signature))

    def stamp(self, network):
        return work_hash(network.work, network.genesis_id + self.unsigned())

    def message(self, genesis_id):
        return tagged("cairn/commitment-signature", genesis_id + self.unsigned())


@dataclass
class Contribution:
    commitment_id: bytes
    payload: bytes
    signature: bytes

    @staticmethod
    def read(r):
        return Contribution(r.take(32), r.take(r.count(0, 2**25, "bytes of payload")), r.take(64))

    def encode(self):
        return self.commitment_id + u32(len(self.payload)) + self.payload + self.signature

    def id(self):
        return self.commitment_id

    def payload_hash(self):
        return tagged("cairn/payload", self.payload)

    def leaf(self):
        return tagged("cairn/contribution-leaf", self.commitment_id + self.payload_hash() + self.signature)

    def message(self, genesis_id):
        return tagged("cairn/contribution-signature", genesis_id + self.commitment_id + self.payload_hash())


@dataclass
class Coinbase:
    height: int
    miner: bytes
    outputs: list = field(default_factory=list)
    outer_step: int = 0
    public_step: int = 0

    @staticmethod
    def read(r):
        coinbase = Coinbase(r.u32(), r.take(32), [Output.read(r) for _ in range(r.count(0, 8192, "coinbase outputs"))],
                            r.u8(), r.u8())
        if any(output.kind != KEY for output in coinbase.outputs):
            r.refuse("a coinbase with a channel")
        if not ascending([output.key for output in coinbase.outputs]):
            r.refuse("the coinbase's keys do not ascend")
        return coinbase

    def encode(self):
        return (u32(self.height) + self.miner + list_of([o.encode() for o in self.outputs]) + u8(self.outer_step)
                + u8(self.public_step))

    def id(self):
        return tagged("cairn/coinbase-id", self.encode())


def read_list(r, kind):
    elements = [kind.read(r) for _ in range(r.count(0, MOST_ELEMENTS, f"elements of {kind.__name__}"))]
    if not ascending([element.id() for element in elements]):
        r.refuse(f"the ids of {kind.__name__} do not ascend")
    return elements


@dataclass
class Block:
    header: Header
    coinbase: Coinbase
    payments: list = field(default_factory=list)
    commitments: list = field(default_factory=list)
    contributions: list = field(default_factory=list)

    @staticmethod
    def decode(data, rule="C2"):
        r = Reader(data, rule)
        if len(data) > MOST_BLOCK_BYTES:
            r.refuse(f"{len(data)} bytes, allowed are {MOST_BLOCK_BYTES}")
        block = Block(Header.read(r), Coinbase.read(r), read_list(r, Payment), read_list(r, Commitment),
                      read_list(r, Contribution))
        r.end()
        return block

    def encode(self):
        lists = (self.payments, self.commitments, self.contributions)
        return (self.header.encode() + self.coinbase.encode()
                + b"".join(list_of([element.encode() for element in elements]) for elements in lists))

    def body_root(self):
        lists = (self.payments, self.commitments, self.contributions)
        roots = [merkle([self.coinbase.id()])] + [merkle([e.leaf() for e in elements]) for elements in lists]
        return tagged("cairn/body-root", b"".join(roots))

    def with_header(self, **changes):
        return replace(self, header=replace(self.header, **changes))
