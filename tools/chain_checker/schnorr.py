"""BIP340 Schnorr signatures over secp256k1: verification, and signing for those who make test blocks."""
from .encoding import tagged

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8, 1)
INFINITY = (0, 1, 0)


def double(a):
    """Jacobian coordinates: (X, Y, Z) stands for (X / Z^2, Y / Z^3)."""
    x, y, z = a
    if z == 0:
        return a
    square = y * y % P
    s = 4 * x * square % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * square * square) % P, 2 * y * z % P


def add(a, b):
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    az, bz = a[2] * a[2] % P, b[2] * b[2] % P
    u1, u2 = a[0] * bz % P, b[0] * az % P
    s1, s2 = a[1] * bz * b[2] % P, b[1] * az * a[2] % P
    if u1 == u2:
        return double(a) if s1 == s2 else INFINITY
    h, r = (u2 - u1) % P, (s2 - s1) % P
    h2 = h * h % P
    h3, v = h * h2 % P, u1 * h2 % P
    x = (r * r - h3 - 2 * v) % P
    return x, (r * (v - x) - s1 * h3) % P, h * a[2] * b[2] % P


def multiply(point, scalar):
    result = INFINITY
    for bit in bin(scalar)[2:]:
        result = double(result)
        if bit == "1":
            result = add(result, point)
    return result


def affine(point):
    inverse = pow(point[2], -1, P)
    return point[0] * inverse**2 % P, point[1] * inverse**3 % P


def lift(key):
    """The point with this x coordinate and even y, or None."""
    x = int.from_bytes(key, "big")
    if x >= P:
        return None
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return x, y if y % 2 == 0 else P - y, 1


def challenge(r, key, message):
    return int.from_bytes(tagged("BIP0340/challenge", r + key + message), "big") % N


def verify(key, message, signature):
    point = lift(key)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if point is None or r >= P or s >= N:
        return False
    e = challenge(signature[:32], key, message)
    result = add(multiply(G, s), multiply(point, (N - e) % N))
    if result[2] == 0:
        return False
    x, y = affine(result)
    return y % 2 == 0 and x == r


def public_key(secret):
    return affine(multiply(G, secret))[0].to_bytes(32, "big")


def sign(secret, message, odd=False):
    """With a nonce made from the secret and the message: for tests, where nobody attacks by timing or faults.

    `odd` takes the nonce whose point has an odd y, which nobody may accept."""
    x, y = affine(multiply(G, secret))
    secret = secret if y % 2 == 0 else N - secret
    key = x.to_bytes(32, "big")
    k = int.from_bytes(tagged("BIP0340/nonce", secret.to_bytes(32, "big") + key + message), "big") % N
    rx, ry = affine(multiply(G, k))
    k = k if (ry % 2 == 0) != odd else N - k
    r = rx.to_bytes(32, "big")
    return r + ((k + challenge(r, key, message) * secret) % N).to_bytes(32, "big")
