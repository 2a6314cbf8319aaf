// Proves that a book of audits comes back from its file as it was, refuses what it did not write,
// stays bounded, and never forgets a conviction.
#include "trust/audit_book.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hash.h"

namespace cairn::trust {
namespace {

constexpr std::uint64_t kNow = std::uint64_t{1'800'000'000} * 1000;

crypto::PublicKey key(std::uint32_t number) {
    crypto::PublicKey result;
    for (int i = 0; i < 4; ++i)
        result.bytes[static_cast<std::size_t>(i)] =
            static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return result;
}

ServerPage page(std::uint32_t first, std::uint32_t end) {
    ServerPage result;
    result.address = "127.0.0.1:1";
    result.first_layer = first;
    result.end_layer = end;
    return result;
}

struct BookTest : ::testing::Test {
    AuditBook book;
    TrustRules rules;

    void enter(std::uint32_t server, Finding finding, const std::string& sentence = "s",
               std::uint64_t at = kNow) {
        book.enter(key(server), page(0, server), finding, sentence, at, rules);
    }
};

TEST_F(BookTest, ComesBackAsItWas) {
    enter(3, Finding::kRight);
    enter(3, Finding::kUnanswered, "no answer within 30 s");
    enter(7, Finding::kConvicted, "row 3 differs");
    const AuditBook again = AuditBook::decode(book.encode()).value();
    EXPECT_EQ(again.pages(), book.pages());
    EXPECT_EQ(again.find(key(3))->audits, 2U);
    EXPECT_EQ(again.find(key(3))->last, "no answer within 30 s");
    EXPECT_EQ(again.standing(key(7), kNow, rules).status, ServerStatus::kConvicted);
    EXPECT_EQ(again.standing(key(9), kNow, rules).status, ServerStatus::kProbation);
}

TEST_F(BookTest, RefusesWhatItDidNotWrite) {
    enter(3, Finding::kRight);
    enter(4, Finding::kRight);
    const Bytes good = book.encode();
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes bad = good;
        bad[i] ^= 1;
        EXPECT_FALSE(AuditBook::decode(bad).ok()) << i;
        EXPECT_FALSE(AuditBook::decode(ByteView(good).first(i)).ok()) << i;
    }
    // With the right sum, but counts that are no numbers.
    Bytes bad(good.begin(), good.end() - 32);
    const std::size_t right = 8 + 4 + 4 + 32 + 4 + 11 + 32 + 8;
    for (std::size_t i = 0; i < 8; ++i) bad[right + i] = 0xFF;
    const Hash256 sum = crypto::sha256(bad);
    bad.insert(bad.end(), sum.bytes.begin(), sum.bytes.end());
    EXPECT_NE(AuditBook::decode(bad).error().message.find("number from 0 on"), std::string::npos);
}

TEST_F(BookTest, AConvictionOutlivesGoodBehaviour) {
    enter(3, Finding::kConvicted, "row 3 differs");
    for (int i = 0; i < 100; ++i) enter(3, Finding::kRight);
    const Standing standing = book.standing(key(3), kNow, rules);
    EXPECT_EQ(standing.status, ServerStatus::kConvicted);
    EXPECT_EQ(standing.why, "row 3 differs");
}

TEST_F(BookTest, StaysBoundedAndDropsConvictedLast) {
    enter(1, Finding::kConvicted, "it lied", kNow - 5);
    for (std::uint32_t i = 2; i < AuditBook::kMaxServers + 50; ++i)
        enter(i, Finding::kRight, std::string(5000, 'x'), kNow + i);
    EXPECT_EQ(book.pages().size(), AuditBook::kMaxServers);
    EXPECT_NE(book.find(key(1)), nullptr);
    EXPECT_EQ(book.find(key(2)), nullptr);
    EXPECT_LE(book.encode().size(), AuditBook::kMaxFileBytes);
}

TEST_F(BookTest, KeysThatAreMadeToBeConvictedDoNotPushOutWhatOthersHaveShown) {
    enter(1, Finding::kRight, "right", kNow);
    for (std::uint32_t i = 2; i < 2 * AuditBook::kMaxServers; ++i)
        enter(i, Finding::kConvicted, "it lied", kNow + i);
    EXPECT_EQ(book.pages().size(), AuditBook::kMaxServers);
    EXPECT_NE(book.find(key(1)), nullptr);
}

TEST_F(BookTest, TheMostLayersAreThoseOfTheSameModel) {
    rules = {.theta = 0.3, .policy = WeightPolicy::kPaper};
    for (int i = 0; i < 100; ++i) {
        enter(1, Finding::kRight);
        enter(5, Finding::kRight);
    }
    EXPECT_EQ(book.standing(key(1), kNow, rules).status, ServerStatus::kDeactivated);
    ServerPage other = page(0, 1);
    other.model.bytes[0] = 1;
    for (int i = 0; i < 100; ++i) book.enter(key(9), other, Finding::kRight, "s", kNow, rules);
    EXPECT_EQ(book.standing(key(9), kNow, rules).status, ServerStatus::kActive);
}

TEST_F(BookTest, SeveralProgramsKeepOneFile) {
    const std::string path = ::testing::TempDir() + "shared-audits-" + std::to_string(::getpid());
    const auto audits = [&](std::uint8_t first) {
        for (std::uint8_t i = 0; i < 25; ++i) {
            const auto done = AuditBook::change(path, [&](AuditBook& there) {
                there.enter(key(static_cast<std::uint8_t>(first + i)), page(0, 1), Finding::kRight,
                            "s", kNow, rules);
            });
            EXPECT_TRUE(done.ok());
        }
    };
    std::thread one(audits, 1), two(audits, 101);
    one.join();
    two.join();
    EXPECT_EQ(AuditBook::read(path).value().pages().size(), 50U);
    ::unlink(path.c_str());
    ::unlink((path + ".lock").c_str());
}

TEST_F(BookTest, IsKeptInAFile) {
    const std::string path = ::testing::TempDir() + "audits-" + std::to_string(::getpid());
    EXPECT_TRUE(AuditBook::read(path).value().pages().empty());
    enter(3, Finding::kRight);
    ASSERT_TRUE(book.write(path).ok());
    EXPECT_EQ(AuditBook::read(path).value().pages(), book.pages());
    ASSERT_TRUE(write_file(path, as_bytes("nonsense")).ok());
    EXPECT_NE(AuditBook::read(path).error().message.find(path), std::string::npos);
    ::unlink(path.c_str());
}

}  // namespace
}  // namespace cairn::trust
