"""Section 5 of chain.md: from a payload to a delta, and the layout of parameters in tiles (section 6)."""
from operator import add, sub

from .encoding import Refused, divide_rounding, tagged, u32

TILE = 4096
MASK = 2**32 - 1
SWAPPED = [(i & 63) << 6 | i >> 6 for i in range(TILE)]


def philox(key, stream, index):
    """Philox4x32-10 (N9): four words."""
    k0, k1 = key & MASK, key >> 32
    c0, c1, c2, c3 = index & MASK, index >> 32, stream & MASK, stream >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def tensors(architecture):
    """Rows and columns of each tensor, norms as (0, columns), in the order of section 6, with a name."""
    a = architecture
    kv = a.kv_heads * (a.dim // a.heads)
    result = [("embedding", a.vocab, a.dim)]
    for _ in range(a.layers):
        result += [("norm", 0, a.dim), ("wq", a.dim, a.dim), ("wk", kv, a.dim), ("wv", kv, a.dim), ("wo", a.dim, a.dim),
                   ("norm", 0, a.dim), ("w_gate", a.hidden_dim, a.dim), ("w_up", a.hidden_dim, a.dim),
                   ("w_down", a.dim, a.hidden_dim)]
    result.append(("norm", 0, a.dim))
    if not a.tied_head:
        result.append(("head", a.vocab, a.dim))
    return result


def tile_lengths(architecture):
    """For each tile how many of its entries belong to a parameter; the rest is padding."""
    result = []
    for _, rows, columns in tensors(architecture):
        left = max(rows, 1) * columns
        while left > 0:
            result.append(min(left, TILE))
            left -= TILE
    return result


def walsh(values):
    """The Walsh-Hadamard transform in natural order: each pass takes the lowest bit of the index and makes it the
    highest, so that after twelve all stand where they stood."""
    for _ in range(TILE.bit_length() - 1):
        even, odd = values[::2], values[1::2]
        values = list(map(add, even, odd)) + list(map(sub, even, odd))
    return values


def words_from(key, stream, tile, first, count):
    """`count` words of a tile, from block `first` on."""
    return [w for b in range(-(-count // 4)) for w in philox(key, stream, (tile << 32) + first + b)][:count]


def kept_rows(key, stream, tile, count, first):
    rows = list(range(TILE))
    for j in range(count):
        if j % 4 == 0:
            words = philox(key, stream, (tile << 32) + first + j // 4)
        other = j + (words[j % 4] * (TILE - j) >> 32)
        rows[j], rows[other] = rows[other], rows[j]
    return rows[:count]


def signs_from(key, stream, tile, first):
    words = words_from(key, stream, tile, first, 128)
    return [-1 if bit == "1" else 1 for word in words for bit in format(word, "032b")[::-1]]


def clamped(value):
    return max(1 - 2**30, min(2**30 - 1, value))


def desketch(values, scale, key, stream, tile, rotations):
    x = [0] * TILE
    for row, value in zip(kept_rows(key, stream, tile, len(values), 32 * rotations), values):
        x[SWAPPED[row]] = value  # W[i][j] depends on i AND swap(j): the plain transform of the swapped columns
    x = walsh(x)
    divisor = len(values)
    if rotations == 2:
        turned = [value * sign for value, sign in zip(x, signs_from(key, stream, tile, 32))]
        x = walsh([turned[SWAPPED[i]] for i in range(TILE)])
        divisor *= 64
    rounded = {value: clamped(divide_rounding(value * scale, divisor)) for value in set(x)}
    return [rounded[value] * sign for value, sign in zip(x, signs_from(key, stream, tile, 0))]


def column_sums(values, kind, key, stream, tile):
    """Of each column of a sketch with few entries, times the values."""
    rows, each = len(values), 1 if kind == "count-sketch" else 4
    words = words_from(key, stream, tile, 0, TILE * each)
    sums = []
    for j in range(TILE):
        taken = []
        for e, word in enumerate(words[each * j:each * (j + 1)]):
            if kind == "count-sketch":
                row = word * rows >> 32
            elif kind == "sparse-2":
                row = e * (rows // 4) + (word * (rows // 4) >> 32)
            else:
                row = word * (rows - 3 + e) >> 32
                row = rows - 4 + e if row in taken else row
            taken.append(row)
        sums.append(sum(-values[r] if w & 1 else values[r] for r, w in zip(taken, words[each * j:])))
    return sums


def row_sums(values, kind, key, stream, tile):
    """The same of a sketch without zeros, row by row."""
    sums = [0] * TILE
    for i, value in enumerate(values):
        if value == 0:
            continue
        if kind == "ams":
            row = signs_from(key, stream, tile, 32 * i)
        else:
            row = [bin(word).count("1") - 16 for word in words_from(key, stream, tile, 1024 * i, TILE)]
        sums = [total + value * entry for total, entry in zip(sums, row)]
    return sums


def entries_of(codec, values, scale, key, stream, tile):
    """All 4096 entries of a tile whose scale is not 0."""
    kind = codec.kind
    if kind == "dense":
        return [value * scale for value in values]
    if kind in ("srht", "srht2"):
        return desketch(values, scale, key, stream, tile, 2 if kind == "srht2" else 1)
    if kind in ("ams", "gaussian"):
        sums, divisor = row_sums(values, kind, key, stream, tile), len(values) * (8 if kind == "gaussian" else 1)
    else:
        sums, divisor = column_sums(values, kind, key, stream, tile), 1 if kind == "count-sketch" else 4
    return [clamped(divide_rounding(total * scale, divisor)) for total in sums]


def read_values(data, bits, count):
    number = int.from_bytes(data, "little")
    if bits == 1:
        return [-1 if number >> i & 1 else 1 for i in range(count)]
    if bits == 4:
        words = [nibble for byte in data for nibble in (byte & 15, byte >> 4)]
    else:
        words = [int.from_bytes(data[i:i + bits // 8], "little") for i in range(0, len(data), bits // 8)]
    return [word - (1 << bits) if word >> (bits - 1) else word for word in words]


def tile_values(data, scale, bits, count):
    """The values of one tile, checked; None for a tile of zeros."""
    largest = 1 if bits == 1 else 2**(bits - 1) - 1
    if scale > (2**30 - 1) // largest:
        raise Refused("C5", f"the payload has a scale of {scale}")
    if scale == 0:
        if any(data):
            raise Refused("C5", "the payload has bits set under scale 0")
        return None
    values = read_values(data, bits, count)
    if bits > 1 and min(values) < -largest:
        raise Refused("C5", "the payload has a value without an opposite")
    if bits > 1 and not any(values):
        raise Refused("C5", "the payload has only zeros under a scale")
    return values


def decode(network, commitment, payload):
    """The delta as a list of tiles, each a list of 4096 integers."""
    codec = network.codec
    dense = codec.kind == "dense"
    count = TILE if dense else TILE >> codec.log2_ratio
    size = 4 + count * codec.bits // 8
    lengths = tile_lengths(network.architecture)
    if len(payload) != size * len(lengths):
        raise Refused("C5", f"the payload has {len(payload)} bytes, not {size * len(lengths)}")
    seed = tagged("cairn/codec-seed", network.genesis_id + u32(commitment.round) + commitment.key)
    key, stream = int.from_bytes(seed[:8], "little"), int.from_bytes(seed[8:16], "little")
    parts = [payload[i:i + size] for i in range(0, len(payload), size)]
    scales = [int.from_bytes(part[:4], "little") for part in parts]
    values = [tile_values(part[4:], scale, codec.bits, count) for part, scale in zip(parts, scales)]
    delta = []
    for tile, length in enumerate(lengths):
        if values[tile] is None:
            delta.append([0] * TILE)
            continue
        entries = entries_of(codec, values[tile], scales[tile], key, stream, tile)
        delta.append(entries[:length] + [0] * (TILE - length))
    return delta
