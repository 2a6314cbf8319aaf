"""Section 4 of chain.md: compact targets, and how they move."""

ROOTS = [int(word, 16) for word in """
    b504f333f9de6484 9837f0518db8a96f 8b95c1e3ea8bd6e7 85aac367cc487b15
    82cd8698ac2ba1d7 8164d1f3bc030773 80b1ed4fd999ab6c 8058d7d2d5e5f6b1
    802c6436d0e04f51 8016302f17467628 800b179c82028fd1 80058baf7fee3b5d
    8002c5d00fdcfcb7 800162e61bed4a49 8000b17292f702a4 800058b92abbae02""".split()]
LARGEST = 2**256 - 1


def is_compact(compact):
    return 3 <= compact >> 24 <= 32 and compact & 0xFFFFFF >= 0x10000


def expand(compact):
    return (compact & 0xFFFFFF) << 8 * ((compact >> 24) - 3)


def to_compact(number):
    if number < 65536:
        return 0x03010000
    size = (number.bit_length() + 7) // 8
    return size << 24 | number >> 8 * (size - 3)


def meets(digest, target):
    return int.from_bytes(digest, "big") <= target


def power_of_two(fraction):
    """floor(2^(fraction / 65536) * 2^32) by the table."""
    p = 2**63
    for i, root in enumerate(ROOTS):
        if fraction >> (15 - i) & 1:
            p = p * root >> 63
    return p >> 31


def next_target(network, parent, grandparent):
    """The target of the block after `parent`; `grandparent` is None where the parent is genesis."""
    if grandparent is None:
        return network.first_target
    spacing = network.spacing_ms
    dt = min(parent.time_ms - grandparent.time_ms, 10 * spacing)
    e = 65536 * (dt - spacing) // network.halflife_ms
    e = max(-512 * 65536, min(512 * 65536, e))
    number = (parent.target & 0xFFFFFF) * power_of_two(e % 65536)
    shift = 8 * ((parent.target >> 24) - 3) + (e >> 16) - 32
    number = number << shift if shift >= 0 else number >> -shift
    return to_compact(min(number, LARGEST, expand(network.pow_limit)))
