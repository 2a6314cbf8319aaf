// Proves that the hashes are the published ones (NIST's vectors where present, FIPS examples
// always), that pieces and copies give the same hash as the whole, and that tags separate.
#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/test_data.h"

namespace cairn::crypto {
namespace {

TEST(Hash, KnownValues) {
    EXPECT_EQ(to_hex(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256d(as_bytes("hello"))),
              "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
    std::uint8_t out[32];
    shake128({}, out);
    EXPECT_EQ(to_hex(ByteView(out)),
              "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
}

TEST(Hash, NistVectors) {
    int checked = 0;
    for (const char* name : {"vectors/SHA256ShortMsg.rsp", "vectors/SHA256LongMsg.rsp"}) {
        std::istringstream lines(read_test_data(name));
        std::string line;
        std::size_t bits = 0;
        Bytes message;
        while (std::getline(lines, line)) {
            if (!line.empty() && line.back() == '\r') line.pop_back();
            if (line.starts_with("Len = ")) bits = std::stoul(line.substr(6));
            if (line.starts_with("Msg = ")) message = from_hex(line.substr(6)).value();
            if (!line.starts_with("MD = ")) continue;
            message.resize(bits / 8);
            EXPECT_EQ(to_hex(sha256(message)), line.substr(5)) << name << " Len " << bits;
            ++checked;
        }
    }
    if (checked == 0) GTEST_SKIP() << "no vectors: set CAIRN_TEST_DATA";
    EXPECT_GE(checked, 100);
}

TEST(Hash, PiecesAndCopiesEqualTheWhole) {
    Sha256 hasher;
    hasher.update(as_bytes("the quick "));
    Sha256 copy = hasher;
    copy.update(as_bytes("brown fox"));
    EXPECT_EQ(copy.finish(), sha256(as_bytes("the quick brown fox")));
    EXPECT_EQ(hasher.finish(), sha256(as_bytes("the quick ")));
    EXPECT_EQ(hasher.finish(), sha256({})) << "finish() starts anew";
    Sha256 moved = std::move(hasher);
    hasher = copy;
    EXPECT_EQ(moved.update(as_bytes("abc")).finish(), sha256(as_bytes("abc")));
}

TEST(Hash, TagsSeparate) {
    const Hash256 tag = sha256(as_bytes("cairn/x"));
    Bytes joined(tag.bytes.begin(), tag.bytes.end());
    joined.insert(joined.end(), tag.bytes.begin(), tag.bytes.end());
    joined.push_back('m');
    EXPECT_EQ(tagged_hash("cairn/x", as_bytes("m")), sha256(joined));
    EXPECT_NE(tagged_hash("cairn/x", as_bytes("m")), tagged_hash("cairn/y", as_bytes("m")));
    const TaggedHasher hasher("cairn/x");
    EXPECT_EQ(hasher(as_bytes("m")), sha256(joined));
    EXPECT_EQ(hasher(as_bytes("ab"), as_bytes("c")), hasher(as_bytes("abc")));
}

TEST(Hash, ShakeOutputsExtendEachOther) {
    std::uint8_t brief[10];
    std::uint8_t extended[500];
    shake128(as_bytes("coin"), brief);
    shake128(as_bytes("coin"), extended);
    EXPECT_EQ(Bytes(brief, brief + 10), Bytes(extended, extended + 10));
}

}  // namespace
}  // namespace cairn::crypto
