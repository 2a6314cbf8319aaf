"""C6 of chain.md, from "u_i" on: how much each contribution of a merge counts. Python's floats are IEEE doubles, so these
are the rule's own numbers."""
from itertools import chain as joined
from math import floor, sqrt
from operator import mul

from . import codec
from .encoding import sha256, u64

FOLDS = 2**16
STEPS = 17


def signs(judge_seed, count):
    found = []
    for block in range(-(-count // 256)):
        bits = int.from_bytes(sha256(b"fold" + judge_seed + u64(block)), "little")
        found += [-1 if bits >> i & 1 else 1 for i in range(256)]
    return found[:count]


def fold(judge_seed_signs, delta):
    entries = list(map(mul, judge_seed_signs, joined.from_iterable(delta)))
    sums = [sum(entries[k::FOLDS]) for k in range(min(FOLDS, len(entries)))]
    most = max(map(abs, sums))
    if most == 0:
        return sums
    return [abs(s) * 32767 // most * (1 if s > 0 else -1) for s in sums]


def kept(spec):
    """c of C6: the cosine of two payloads of one update, over 2^16, where nothing is padding."""
    ratio = 2**spec.log2_ratio if spec.kind != "dense" else 1
    n = 4096 // ratio
    if spec.kind == "gaussian":
        return 65536 * n // (n + 4097)
    if spec.kind in ("ams", "count-sketch", "sparse-1", "sparse-2"):
        return 65536 * n // (n + 4095)
    return (41721 if spec.bits == 1 else 65536) // ratio


def payload_cosine(network, delta):
    c = kept(network.codec)
    energies = [sum(map(mul, tile, tile)) for tile in delta]
    if sum(energies) == 0:
        return c
    lengths = [max(1024, length) for length in codec.tile_lengths(network.architecture)]
    own = sum(e * 4096 * c // (4096 * c + (65536 - c) * n) for e, n in zip(energies, lengths))
    return max(1, 65536 * own // sum(energies))


def likenesses(network, judge_seed, deltas):
    of_seed = signs(judge_seed, sum(map(len, deltas[0])))
    folds = [fold(of_seed, delta) for delta in deltas]
    cosines = [float(payload_cosine(network, delta)) for delta in deltas]
    squares = [float(sum(map(mul, f, f))) for f in folds]
    rows = [[1.0] * len(deltas) for _ in deltas]
    for i in range(len(deltas)):
        for j in range(i):
            product = sum(map(mul, folds[i], folds[j]))
            likeness = 0.0
            if product > 0:
                likeness = min(1.0, product / sqrt(squares[i] * squares[j]) * 65536.0 / sqrt(cosines[i] * cosines[j]) * 1.05)
            rows[i][j] = rows[j][i] = likeness
    return rows


def weights(network, judge_seed, deltas):
    """u_i, over 2^16, of deltas at the mean norm."""
    if not deltas:
        return []
    rows = likenesses(network, judge_seed, deltas)
    found = [1.0] * len(deltas)
    for _ in range(STEPS):
        around = []
        for row in rows:
            total = 0.0
            for likeness, weight in zip(row, found):
                total += likeness * likeness * weight
            around.append(total)
        found = [weight / total for weight, total in zip(found, around)]
    return [min(65536, max(1024, floor(weight * 65536.0))) for weight in found]
