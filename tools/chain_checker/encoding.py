"""Section 1 of chain.md: how values lie in bytes, and the hashes over them."""
import functools
import hashlib

from .argon2 import argon2id


class Refused(Exception):
    """A block breaks a rule: `rule` is its number in chain.md."""

    def __init__(self, rule, why):
        super().__init__(why)
        self.rule = rule
        self.why = why


class Reader:
    """Reads a strict encoding. Every refusal names the rule that the caller reads for."""

    def __init__(self, data, rule="C2"):
        self.data = data
        self.at = 0
        self.rule = rule

    def refuse(self, why):
        raise Refused(self.rule, f"{why} at byte {self.at}")

    def take(self, size):
        if len(self.data) - self.at < size:
            self.refuse("the input ends early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def u8(self):
        return self.number(1)

    def u16(self):
        return int.from_bytes(self.take(2), "little")

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def count(self, least, most, what):
        count = self.u32()
        if not least <= count <= most:
            self.refuse(f"{count} {what}, allowed are {least} to {most}")
        return count

    def end(self):
        if self.at != len(self.data):
            self.refuse(f"{len(self.data) - self.at} bytes are left over")


def u8(value):
    return value.to_bytes(1, "little")


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def list_of(encodings):
    return u32(len(encodings)) + b"".join(encodings)


def sha256(data):
    return hashlib.sha256(data).digest()


def sha256d(data):
    return sha256(sha256(data))


@functools.lru_cache(maxsize=4096)
def work_hash(work, data):
    """What must meet a target, by the network's work function."""
    return sha256d(data) if work == "sha256d" else argon2id(data, b"cairn/proof/work", 1, 1024)


TAGS = {}


def tagged(tag, data):
    """H(tag, x): BIP340's tagged hash."""
    if tag not in TAGS:
        TAGS[tag] = sha256(tag.encode()) * 2
    return sha256(TAGS[tag] + data)


def merkle(leaves):
    if not leaves:
        return tagged("cairn/empty", b"")
    level = [tagged("cairn/leaf", leaf) for leaf in leaves]
    while len(level) > 1:
        odd = level[len(level) & ~1:]
        pairs = zip(level[::2], level[1::2])
        level = [tagged("cairn/node", left + right) for left, right in pairs] + odd
    return level[0]


def ascending(values):
    return all(a < b for a, b in zip(values, values[1:]))


def divide_rounding(numerator, denominator):
    """The nearest integer, halves away from zero; the denominator is positive."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size
