// Sums of keys: the arithmetic of hierarchical wallets (BIP32). Adding the same number to a secret
// key and to its public key gives a matching pair again, so new public keys can be derived from a
// public key alone. Public keys are points of 33 bytes here, since a sum depends on the sign that
// the 32-byte form leaves out.
#pragma once

#include "crypto/keys.h"

namespace cairn::crypto {

/// 02 or 03 for the sign of y, then x.
using Point = FixedBytes<33>;

Point point_of(const SecretKey& secret);
bool is_valid(const Point& point);
/// The name that the rest of the program knows the key by: x alone.
PublicKey x_only(const Point& point);

/// secret + tweak. kInvalid if the tweak is no number below the group order, or the sum is zero
/// (each has a chance of 2^-127 for a hash).
Result<SecretKey> add_tweak(const SecretKey& secret, const Hash256& tweak);
/// point + tweak * G; as above.
Result<Point> add_tweak(const Point& point, const Hash256& tweak);

}  // namespace cairn::crypto
