// A secret as words that people can write down without a mistake (BIP39): 12 to 24 English words,
// the last of which carries a checksum; from them and an optional passphrase follows the 64-byte
// seed of a tree of keys (extended_key.h).
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "crypto/stretch.h"

namespace cairn::wallet {

/// 128 bits of randomness: guessing them is as hard as computing a secret key from its public key.
inline constexpr std::size_t kDefaultWords = 12;

/// 12, 15, 18, 21 or 24.
bool is_word_count(std::size_t count);

/// New random bytes for `words` words; CHECKs the count.
crypto::SecretBytes new_entropy(std::size_t words, Random& random);
/// CHECKs that `entropy` has a length that words can carry (16, 20, 24, 28 or 32 bytes).
std::string words_of(ByteView entropy);
/// The words with their numbers, four a line, each line ending with a line end: to be copied by
/// hand, and read again by entropy_of().
std::string on_paper(std::string_view words);
/// The bytes that words stand for, in any letter case, with any space between and with or without
/// their numbers ("1 legal", "1. legal", "1)legal"). kInvalid names a
/// word that is not in the list, with its position and the nearest word that is; or it tells of a
/// wrong number of words or a wrong checksum.
Result<crypto::SecretBytes> entropy_of(std::string_view words);

/// BIP39's seed. The text may be of any language and is brought to Unicode's form NFKD first, so
/// that the same words typed on another machine give the same keys. kInvalid for what is not UTF-8.
Result<crypto::SecretBytes> seed_of(std::string_view words, std::string_view passphrase);

}  // namespace cairn::wallet
