// Proves that whatever stands on a chain has a proof which checks, that no byte of such a proof can
// be changed without it proving nothing any more, and that a proof says how much work is behind it.
#include "crypto/hash.h"
#include "proof/check.h"
#include "proof/make.h"
#include "proof/test_stored_chain.h"
#include "proof/timestamp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace cairn::proof {
namespace {

using consensus::Person;

class InclusionTest : public testing::Test {
  protected:
    InclusionTest() {
        const auto coin = stored_.chain.earn(miner_);
        consensus::Candidates candidates;
        candidates.payments.push_back(stored_.chain.pay(miner_, coin, other_.key, 1000, 10));
        payment_ = chain::payment_id(*candidates.payments[0]);
        paid_at_ = stored_.chain.next_height();
        stored_.chain.mine(miner_, candidates);
        for (int i = 0; i < 5; ++i) stored_.chain.mine(miner_);
        // A commitment that nobody reveals.
        stored_.chain.mine_to_round(miner_);
        const chain::Commitment lost = stored_.chain.commit(other_, {1, 2, 3});
        lost_ = chain::commitment_id(lost);
        consensus::Candidates committed;
        committed.commitments.push_back(lost);
        stored_.chain.mine(miner_, committed);
        stored_.chain.mine(miner_);
        stored_.keep();
    }

    Inclusion made(const Place& place, std::uint32_t first = 0) {
        auto inclusion = make_inclusion(*stored_.store, stored_.chain.network,
                                        stored_.chain.ledger.genesis().header, place, first);
        EXPECT_TRUE(inclusion.ok()) << inclusion.error().message;
        return *std::move(inclusion);
    }
    Place place(const Hash256& id, std::optional<Kind> kind = std::nullopt) {
        auto found = find_place(*stored_.store, stored_.chain.network, id, kind);
        EXPECT_TRUE(found.ok()) << found.error().message;
        return found.ok() ? *found : Place{1, Kind::kBlock, id};
    }
    static chain::Block with(const StoredChain& stored, auto has) {
        for (const chain::Block& block : stored.chain.blocks)
            if (has(block)) return block;
        CHECK(false);
    }

    Person miner_{1}, other_{2};
    StoredChain stored_;
    Hash256 payment_, lost_;
    std::uint32_t paid_at_ = 0;
};

TEST_F(InclusionTest, EveryKindOfItemIsProved) {
    const chain::Block merge =
        with(stored_, [](const chain::Block& block) { return !block.contributions.empty(); });
    const chain::Block first =
        with(stored_, [](const chain::Block& block) { return !block.commitments.empty(); });
    const Hash256 contribution = merge.contributions[0].commitment_id;
    const std::vector<std::pair<Place, Kind>> all = {
        {place(payment_), Kind::kPayment},
        {place(chain::block_hash(merge.header)), Kind::kBlock},
        {place(chain::coinbase_id(merge.coinbase)), Kind::kCoinbase},
        {place(contribution), Kind::kContribution},
        {place(contribution, Kind::kCommitment), Kind::kCommitment},
        {place(lost_), Kind::kCommitment}};
    for (const auto& [where, kind] : all) {
        EXPECT_EQ(where.kind, kind);
        const Inclusion inclusion = made(where);
        const Bytes bytes = encode(inclusion);
        const auto again = decode_inclusion(bytes);
        ASSERT_TRUE(again.ok()) << again.error().message;
        EXPECT_EQ(*again, inclusion);
        const auto proven = check(*again);
        ASSERT_TRUE(proven.ok()) << proven.error().message;
        EXPECT_EQ(proven->kind, kind);
        EXPECT_EQ(proven->id, where.id);
        EXPECT_EQ(proven->height, where.height);
        EXPECT_EQ(proven->genesis_id, chain::genesis_id(stored_.chain.network));
        EXPECT_EQ(proven->tip_height, stored_.chain.blocks.size());
        EXPECT_EQ(proven->confirmations, stored_.chain.blocks.size() - where.height + 1);
    }
    EXPECT_EQ(place(contribution, Kind::kCommitment).height, first.coinbase.height);
}

TEST_F(InclusionTest, WhatIsNotThereIsNotFound) {
    const auto missing = find_place(*stored_.store, stored_.chain.network, chain::filled<32>(0x77));
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    const chain::Block& block = stored_.chain.blocks[paid_at_ - 1];
    EXPECT_FALSE(show_item(block, Kind::kPayment, chain::filled<32>(0x77)).ok());
    EXPECT_FALSE(block_place(*stored_.store, 100'000).ok());
}

// Whatever byte is changed, wherever: no proof of anything is left. (But for the last header's:
// where every hash meets the target, as here, it can be made otherwise with no work.)
// A node that makes a proof for somebody may give him a sound one of something else.
TEST_F(InclusionTest, AProofOfSomethingElseIsNoAnswer) {
    const Inclusion inclusion = made(place(payment_));
    Question question;
    question.id = payment_;
    EXPECT_TRUE(check_answers(inclusion, question).ok());
    question.kind = Kind::kPayment;
    EXPECT_TRUE(check_answers(inclusion, question).ok());
    question.kind = Kind::kCoinbase;
    EXPECT_FALSE(check_answers(inclusion, question).ok());
    question.kind.reset();
    question.first_height = 1;
    EXPECT_FALSE(check_answers(inclusion, question).ok());
    question.first_height = 0;
    question.id = lost_;
    EXPECT_EQ(check_answers(inclusion, question).error().code, ErrorCode::kRefused);
    question.id.reset();
    question.height = paid_at_;
    EXPECT_FALSE(check_answers(inclusion, question).ok());
    const Inclusion block = made(*block_place(*stored_.store, paid_at_));
    EXPECT_TRUE(check_answers(block, question).ok());
    question.height = paid_at_ + 1;
    EXPECT_FALSE(check_answers(block, question).ok());
}

TEST_F(InclusionTest, NoByteOfAProofCanBeChanged) {
    const Inclusion inclusion = made(place(payment_));
    ASSERT_TRUE(check(inclusion).ok());
    Bytes bytes = encode(inclusion);
    const auto last = chain::header_bytes(inclusion.headers.back());
    const auto tip = std::search(bytes.begin(), bytes.end(), last.bytes.begin(), last.bytes.end());
    ASSERT_NE(tip, bytes.end());
    const auto tip_at = static_cast<std::size_t>(tip - bytes.begin());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        if (at >= tip_at && at < tip_at + chain::kHeaderBytes) continue;
        bytes[at] ^= 0x10;
        const auto other = decode_inclusion(bytes);
        EXPECT_FALSE(other.ok() && check(*other).ok()) << "byte " << at << " of " << bytes.size();
        bytes[at] ^= 0x10;
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{7}, bytes.size() - 1})
        EXPECT_FALSE(decode_inclusion(ByteView(bytes).first(length)).ok());
    bytes.push_back(0);
    EXPECT_FALSE(decode_inclusion(bytes).ok()) << "a trailing byte";
}

// An attacker moves a sound proof's parts about.
TEST_F(InclusionTest, ForgeriesAreRefused) {
    const Inclusion good = made(place(payment_));
    ASSERT_TRUE(check(good).ok());
    Inclusion forged = good;
    forged.height += 1;
    EXPECT_FALSE(check(forged).ok()) << "another block";
    forged = good;
    std::get<chain::Payment>(forged.item).outputs[0].key = miner_.key;
    EXPECT_FALSE(check(forged).ok()) << "another payee";
    forged = good;
    std::get<chain::Payment>(forged.item).signatures[0].bytes[3] ^= 1;
    EXPECT_FALSE(check(forged).ok()) << "another witness";
    forged = good;
    forged.branch.index = 1;
    forged.branch.count = 2;
    EXPECT_FALSE(check(forged).ok()) << "another place";
    forged = good;
    forged.headers.pop_back();
    EXPECT_TRUE(check(forged).ok()) << "a shorter chain is a weaker proof";
    EXPECT_LT(check(forged)->work, check(good)->work);
    forged = good;
    forged.headers.erase(forged.headers.begin() + 3);
    EXPECT_FALSE(check(forged).ok()) << "a gap";
    forged = good;
    forged.network.name = "another";
    EXPECT_FALSE(check(forged).ok()) << "a chain of another network";
    forged = good;
    forged.headers[0].state_root.bytes[0] ^= 1;
    EXPECT_FALSE(check(forged).ok()) << "another first model";
    forged = good;
    forged.headers.back().time_ms = forged.headers[forged.headers.size() - 2].time_ms;
    EXPECT_FALSE(check(forged).ok()) << "a time that does not go on";
}

// A chain with easier targets than the network's, however long, is none.
TEST_F(InclusionTest, TargetsAreTheNetworksOwn) {
    Inclusion forged = made(place(payment_));
    for (chain::BlockHeader& header : forged.headers) header.target = 0x20ffffff;
    chain::NetworkDefinition harder = forged.network;
    harder.first_target = 0x1f0fffff;
    forged.network = harder;
    forged.headers[0] = chain::make_genesis(harder, forged.headers[0].state_root).header;
    for (std::size_t i = 1; i < forged.headers.size(); ++i)
        forged.headers[i].previous = chain::block_hash(forged.headers[i - 1]);
    const auto proven = check(forged);
    ASSERT_FALSE(proven.ok());
    EXPECT_NE(proven.error().message.find("target"), std::string::npos) << proven.error().message;
}

// What a forger can do, and what it shows: a chain of his own from genesis, stamped as far apart as
// targets ease, with a payment that no rule would allow. It is sound by C1, and as long as wanted;
// its work is what he did, however many confirmations it claims.
TEST(Forger, IsKnownByHisLittleWork) {
    chain::NetworkDefinition network = consensus::test_network();
    network.first_target = 0x1f3fffff;  // 1024 hashes
    network.halflife_ms = 10 * network.spacing_ms;
    Inclusion forged;
    forged.network = network;
    forged.headers = {chain::make_genesis(network, {}).header};
    chain::Block block;
    block.payments = {chain::sample_payment()};
    constexpr std::uint32_t kBlocks = 60;
    consensus::ChainWork honest;
    for (std::uint32_t height = 1; height <= kBlocks; ++height) {
        consensus::HeaderContext context{height, forged.headers.back(), 0};
        if (height > 1) context.grandparent_time_ms = forged.headers[height - 2].time_ms;
        chain::BlockHeader header;
        header.versions = network.versions_at(height);
        header.previous = chain::block_hash(forged.headers.back());
        header.body_root = chain::body_root(block);
        header.time_ms = forged.headers.back().time_ms + 10 * network.spacing_ms;
        header.target = consensus::expected_target(network, context);
        const chain::U256 target = *chain::target_from_compact(header.target);
        while (!chain::meets_target(chain::work_hash(network.work, header), target)) ++header.nonce;
        forged.headers.push_back(header);
        honest = consensus::add_work(honest, network.first_target);
    }
    forged.height = 1;
    const Shown shown = *show_item(block, Kind::kPayment, chain::payment_id(block.payments[0]));
    forged.item = shown.item;
    forged.branch = shown.branch;
    const auto proven = check(forged);
    ASSERT_TRUE(proven.ok()) << proven.error().message;
    EXPECT_EQ(proven->confirmations, kBlocks);
    EXPECT_LT(chain::U256::from_big_endian(proven->work_on_it).saturating_multiply(10),
              chain::U256::from_big_endian(honest))
        << "60 blocks for the price of six";
}

TEST_F(InclusionTest, HeadersMayBeginLater) {
    const Place where = place(payment_);
    const Inclusion whole = made(where);
    const Inclusion part = made(where, where.height - 2);
    EXPECT_LT(encode(part).size(), encode(whole).size());
    const auto proven = check(*decode_inclusion(encode(part)));
    ASSERT_TRUE(proven.ok()) << proven.error().message;
    EXPECT_EQ(proven->first_height, where.height - 2);
    EXPECT_EQ(proven->first, chain::block_hash(whole.headers[where.height - 2]));
    EXPECT_EQ(proven->work_on_it, check(whole)->work_on_it);
    EXPECT_LT(proven->work, check(whole)->work);
    EXPECT_FALSE(
        make_inclusion(*stored_.store, stored_.chain.network, {}, where, where.height).ok())
        << "without the header below, no work in the block is known";
    Inclusion bare = part;
    bare.headers.erase(bare.headers.begin(), bare.headers.begin() + 2);
    bare.first_height = where.height;
    EXPECT_FALSE(check(bare).ok());
}

// The first header whose work counts is not judged by its target, but by all else that C1 says.
TEST_F(InclusionTest, TheFirstHeaderWithWorkNamesTheVersionsOfItsHeight) {
    const Place where = place(payment_);
    Inclusion part = made(where, where.height - 1);
    part.headers.resize(2);
    const auto code_with = [&](chain::Versions versions) {
        chain::BlockHeader& header = part.headers[1];
        header.versions = versions;
        const chain::U256 target = *chain::target_from_compact(header.target);
        const chain::WorkFunction work = stored_.chain.network.work;
        while (!chain::meets_target(chain::work_hash(work, header), target)) ++header.nonce;
        const auto proven = check(part);
        return proven.ok() ? std::nullopt : std::optional(proven.error().code);
    };
    EXPECT_EQ(code_with({1, 1}), std::nullopt);
    EXPECT_EQ(code_with({0, 1}), ErrorCode::kInvalid);
    EXPECT_EQ(code_with({1, 2}), ErrorCode::kUnsupported) << "a longer list of upgrades has it";
}

TEST(Timestamp, StandsForOneFileOnly) {
    const std::string path = testing::TempDir() + "/stamped.txt";
    std::ofstream(path) << std::string(200'000, 'x');
    const Hash256 hash = *hash_of_file(path);
    EXPECT_EQ(hash, crypto::sha256(as_bytes(std::string(200'000, 'x'))));
    EXPECT_FALSE(hash_of_file(path + ".no").ok());
    EXPECT_FALSE(hash_of_file(testing::TempDir()).ok());
    EXPECT_TRUE(crypto::is_valid(timestamp_payee(hash)));
    EXPECT_NE(timestamp_payee(hash), timestamp_payee(chain::filled<32>(1)));
    Inclusion inclusion;
    chain::Payment payment = chain::sample_payment();
    payment.outputs = {chain::sample_channel()};
    inclusion.item = payment;
    EXPECT_FALSE(is_timestamp_of(inclusion, hash));
    payment.outputs[0].payee = timestamp_payee(hash);
    inclusion.item = payment;
    EXPECT_TRUE(is_timestamp_of(inclusion, hash));
    payment.outputs[0].kind = chain::OutputKind::kKey;
    payment.outputs[0].key = timestamp_payee(hash);
    inclusion.item = payment;
    EXPECT_FALSE(is_timestamp_of(inclusion, hash)) << "its payer would have lost the coins";
}

TEST(WorkText, IsReadable) {
    EXPECT_EQ(work_text(chain::U256(1000).big_endian()), "1000");
    EXPECT_EQ(work_text(chain::U256(std::uint64_t{3} << 40).big_endian()), "2^41.6");
    EXPECT_EQ(work_text(chain::U256::max().big_endian()), "2^256.0");
}

}  // namespace
}  // namespace cairn::proof
