"""Section 6 of chain.md: the model as integers, the coins, and the rules state."""
import hashlib
import struct
from dataclasses import dataclass, field
from math import isqrt

from .codec import TILE, philox, tensors
from .encoding import divide_rounding, list_of, merkle, sha256, tagged, u8, u32, u64

ONE = 2**24
MOST = 2**64 - 1
MEDIAN_ROUNDS = 4


def as_i32(values):
    return struct.pack(f"<{len(values)}i", *values)


def centred(a, b):
    return (a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16) - 131070


def first_parameters(network):
    """The genesis model as tiles."""
    layers = network.architecture.layers
    usual, smaller = 581180, isqrt(581180**2 // (2 * layers))
    tiles = []
    for number, (name, rows, columns) in enumerate(tensors(network.architecture)):
        if name == "norm":
            values = [ONE] * columns
        else:
            unit = smaller if name in ("wo", "w_down") else usual
            values = []
            for pair in range((rows * columns + 1) // 2):
                w = philox(network.weights_seed, number, pair)
                values += [divide_rounding(centred(w[0], w[1]) * unit, 2**16),
                           divide_rounding(centred(w[2], w[3]) * unit, 2**16)]
            values = values[:rows * columns]
        values += [0] * (-len(values) % TILE)
        tiles += [values[i:i + TILE] for i in range(0, len(values), TILE)]
    return tiles


def model_root(tiles):
    return merkle([tagged("cairn/theta-tile", as_i32(tile)) for tile in tiles])


class CoinsHash:
    """lthash: 1024 numbers modulo 2^16, the sum over all elements."""

    def __init__(self):
        self.sums = [0] * 1024

    def change(self, element, sign):
        words = struct.unpack("<1024H", hashlib.shake_128(element).digest(2048))
        self.sums = [(s + sign * w) & 0xFFFF for s, w in zip(self.sums, words)]

    def copy(self):
        result = CoinsHash()
        result.sums = self.sums
        return result

    def digest(self):
        return sha256(struct.pack("<1024H", *self.sums))


@dataclass(frozen=True)
class Coin:
    output: object
    height: int
    minted: bool

    def encode(self, point):
        return point.encode() + self.output.encode() + u32(self.height) + u8(self.minted)


@dataclass(frozen=True)
class Open:
    """A commitment that awaits its contribution."""
    commitment: object
    height: int
    carrier: bytes

    def encode(self):
        return self.commitment.encode() + u32(self.height) + self.carrier


@dataclass(frozen=True)
class Merged:
    """A round that merged something."""
    round: int
    norms: int
    median: int
    payload_hashes: list

    def encode(self):
        return u32(self.round) + u64(self.norms) + u64(self.median) + list_of(self.payload_hashes)


@dataclass
class Chain:
    """What the rules read of the state after the tip, and of the blocks before it."""
    network: object
    headers: list = field(default_factory=list)
    coins: dict = field(default_factory=dict)
    coins_hash: CoinsHash = field(default_factory=CoinsHash)
    round_target: int = 0
    round_start: bytes = bytes(32)
    stamp_factor: int = 0
    open: dict = field(default_factory=dict)
    merges: list = field(default_factory=list)
    theta: list = None
    theta_root: bytes = b""
    window: list = field(default_factory=list)
    worths_known: bool = True

    @property
    def height(self):
        return len(self.headers) - 1


def mean_norm(network, merges):
    counted = sum(len(merge.payload_hashes) for merge in merges)
    return (16 * network.norm_start + sum(merge.norms for merge in merges)) // (16 + counted)


def next_stamp_factor(network, factor, commitments):
    wanted = network.paid_contributions
    if commitments > wanted:
        return max(1, factor // 4, factor * wanted // commitments)
    return min(network.share_factor, factor + factor // 4 + 1)


def rules_root(chain):
    opened = chain.open
    r = (u32(chain.round_target) + chain.round_start + u32(chain.stamp_factor) + list_of([opened[key].encode() for key in sorted(opened)])
         + list_of([merge.encode() for merge in chain.merges]) + list_of([]))  # no places under rules version 1
    m = tagged("cairn/recent-merges", list_of(chain.window))
    return tagged("cairn/rules-root", m + r)


def delta_hash(tiles):
    return tagged("cairn/merged-delta", b"".join(as_i32(tile) for tile in tiles))


def state_root(theta_root, coins_hash, rules):
    return tagged("cairn/state-root", theta_root + coins_hash.digest() + rules)
