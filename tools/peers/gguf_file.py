"""Reading GGUF files with numpy, independently of Cairn and of llama.cpp: header, tensors, and what
the blocks of quantised tensors stand for, written from the format's description.
"""
import struct

import numpy as np

ALIGNMENT = 32
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# number: (name, values in a block, bytes of a block)
TYPES = {0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2), 2: ("Q4_0", 32, 18), 8: ("Q8_0", 32, 34),
         3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
         12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210)}


class File:
    """keys: name to value; tensors: name to (type's name, shape from the outermost, raw bytes)."""

    def __init__(self, path):
        self.data = np.memmap(path, dtype=np.uint8, mode="r")
        self.at = 0
        magic, version, tensors, keys = self.take("<4sIQQ")
        assert magic == b"GGUF" and version in (2, 3), path
        self.keys = {self.string(): self.value(self.take("<I")[0]) for _ in range(keys)}
        infos = []
        for _ in range(tensors):
            name = self.string()
            extents = self.take(f"<{self.take('<I')[0]}Q")
            infos.append((name, extents[::-1], *self.take("<IQ")))
        alignment = self.keys.get("general.alignment", ALIGNMENT)
        start = -(-self.at // alignment) * alignment
        self.tensors = {}
        for name, shape, kind, offset in infos:
            type_name, group, size = TYPES[kind]
            count = int(np.prod(shape)) // group * size
            self.tensors[name] = (type_name, shape, self.data[start + offset:start + offset + count])

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def string(self):
        length, = self.take("<Q")
        self.at += length
        return bytes(self.data[self.at - length:self.at]).decode("utf-8", "replace")

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            element, count = self.take("<IQ")
            if element == 8:
                return [self.string() for _ in range(count)]
            return list(self.take(f"<{count}{SCALARS[element]}"))
        return self.take("<" + SCALARS[kind])[0]


def half(columns):
    return np.ascontiguousarray(columns).view("<f2").astype(np.float32)


def scales_and_minima(packed):
    """Eight six-bit pairs in twelve bytes: four plain, then four spread over the high bits of those."""
    low, high = packed[:, 0:4], packed[:, 4:8]
    rest = packed[:, 8:12]
    scales = np.concatenate([low & 63, (rest & 15) | (low >> 6 << 4)], axis=1)
    minima = np.concatenate([high & 63, (rest >> 4) | (high >> 6 << 4)], axis=1)
    return scales.astype(np.float32), minima.astype(np.float32)


def values(type_name, raw):
    """The floats of raw blocks: the exact value, rounded once."""
    name, group, size = next(entry for entry in TYPES.values() if entry[0] == type_name)
    if name == "F32":
        return raw.view("<f4")
    if name == "F16":
        return raw.view("<f2").astype(np.float32)
    if name == "BF16":
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    b = raw.reshape(-1, size)
    if name == "Q8_0":
        return (half(b[:, 0:2]) * b[:, 2:].view(np.int8).astype(np.float32)).reshape(-1)
    if group == 32:
        q = np.concatenate([b[:, -16:] & 15, b[:, -16:] >> 4], axis=1).astype(np.float64)
        if name in ("Q5_0", "Q5_1"):
            q += np.unpackbits(b[:, -20:-16], axis=1, bitorder="little").astype(np.float64) * 16
        if name in ("Q4_1", "Q5_1"):
            return (half(b[:, 0:2]).astype(np.float64) * q + half(b[:, 2:4])).astype(np.float32).reshape(-1)
        return (half(b[:, 0:2]) * (q - (8 if name == "Q4_0" else 16))).astype(np.float32).reshape(-1)
    # In double precision every product below is exact; the difference is rounded to float once.
    if name == "Q6_K":
        low, high = b[:, 0:128].reshape(-1, 2, 64), b[:, 128:192].reshape(-1, 2, 32)
        nibbles = np.concatenate([low & 15, low >> 4], axis=2)  # [blocks, 2, 128]
        bits = np.concatenate([high >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
        q = (nibbles | bits << 4).astype(np.float64).reshape(-1, 16, 16) - 32
        scale = b[:, 192:208].view(np.int8).astype(np.float64)
        return (half(b[:, 208:210]).astype(np.float64)[:, :, None] * scale[:, :, None] * q).astype(np.float32).reshape(-1)
    scales, minima = scales_and_minima(b[:, 4:16])
    quants = b[:, size - 128:].reshape(-1, 4, 32)
    q = np.stack([quants & 15, quants >> 4], axis=2).reshape(-1, 8, 32)
    if name == "Q5_K":
        fifth = np.stack([b[:, 16:48] >> i & 1 for i in range(8)], axis=1)
        q = q | fifth << 4
    scale = (half(b[:, 0:2]).astype(np.float64) * scales)[:, :, None]
    minimum = (half(b[:, 2:4]).astype(np.float64) * minima)[:, :, None]
    return (scale * q - minimum).astype(np.float32).reshape(-1)
