// Proves what a node holds against layer servers: an exhibit convicts only what it was judged to
// convict here, the book and the proofs outlive a restart, files that others put into the folder
// are judged like any other, and neither memory nor computing grows with what strangers send.
#include "serve/evidence_desk.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "audit/replay.h"
#include "serve/kept_session.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct EvidenceDeskTest : ::testing::Test {
    static constexpr model::LayerRange kLayers{1, 4};
    TestWorld world{small_model()};
    MemoryDisk disk;
    crypto::SecretKey server = crypto::SecretKey::generate(world.random);
    crypto::PublicKey key = crypto::public_key(server);

    std::unique_ptr<EvidenceDesk> desk(Disk* on, const EvidenceLimits& limits = {}) {
        auto made = std::make_unique<EvidenceDesk>(world.loop, world.clock, on, trust::TrustRules{},
                                                   limits);
        made->add_model(world.snapshot);
        return made;
    }
    Exhibit exhibit(bool lies, std::uint64_t seed = 1, std::size_t rows = 9) {
        const States inputs = world.some_states(rows, seed);
        auto outputs = audit::recompute(world.snapshot.config, world.snapshot.weights, kLayers,
                                        inputs, model::KvType::kF32, world.compute)
                           .value();
        if (lies) outputs.front() += 1;
        Exhibit made;
        made.terms = {.session = world.random.hash256(),
                      .model = world.snapshot.hash,
                      .max_positions = static_cast<std::uint32_t>(rows)};
        made.server = key;
        made.inputs = {inputs};
        InputChain chain;
        chain.put(0, inputs, world.snapshot.config.dim);
        made.receipt =
            make_receipt(made.terms, kLayers, chain.end(), states_hash(0, outputs), server, {});
        return made;
    }
    std::optional<Judgement> submit(EvidenceDesk& desk, const Exhibit& exhibit,
                                    bool is_strangers = false) {
        std::optional<Judgement> result;
        desk.submit(encode(exhibit), is_strangers,
                    [&](Judgement judgement, const std::string&) { result = judgement; });
        world.loop.run_until([&] { return result.has_value(); });
        return result;
    }
};

TEST_F(EvidenceDeskTest, OnlyWhatConvictsConvicts) {
    const auto here = desk(&disk);
    EXPECT_FALSE(here->standing(key));
    EXPECT_EQ(submit(*here, exhibit(false)), Judgement::kProvesNothing);
    Exhibit forged = exhibit(true);
    forged.receipt.output.bytes[3] ^= 1;
    EXPECT_EQ(submit(*here, forged), Judgement::kProvesNothing);
    EXPECT_FALSE(here->is_convicted(key));
    EXPECT_TRUE(here->kept().empty());
    Exhibit other = exhibit(true);
    other.terms.model.bytes[0] ^= 1;
    EXPECT_EQ(submit(*here, other), Judgement::kNotHere);
    EXPECT_EQ(submit(*here, exhibit(true)), Judgement::kConvicts);
    EXPECT_TRUE(here->is_convicted(key));
    EXPECT_TRUE(here->is_out(key));
    EXPECT_EQ(here->kept().size(), 1U);
    EXPECT_NE(here->standing(key)->why.find("computed again here"), std::string::npos);
}

TEST_F(EvidenceDeskTest, TheBookAndTheProofOutliveARestart) {
    const Exhibit proof = exhibit(true);
    {
        const auto first = desk(&disk);
        ASSERT_EQ(submit(*first, proof), Judgement::kConvicts);
        world.loop.run_for(100);
    }
    const auto again = desk(&disk);
    EXPECT_TRUE(again->is_convicted(key));
    EXPECT_TRUE(again->kept().empty());
    again->look();
    world.loop.run_for(100);
    ASSERT_EQ(again->kept().size(), 1U) << "it is offered again";
    EXPECT_EQ(again->counts().judged, 0U) << "it was judged before";
    Bytes read;
    again->read(again->kept().begin()->first, [&](Bytes bytes) { read = std::move(bytes); });
    world.loop.run_for(100);
    EXPECT_EQ(read, encode(proof));
}

TEST_F(EvidenceDeskTest, ADamagedBookIsSetAside) {
    ASSERT_TRUE(disk.write_atomic(kBookFile, as_bytes("nonsense")).ok());
    const auto here = desk(&disk);
    EXPECT_TRUE(here->book().pages().empty());
    EXPECT_TRUE(disk.exists(std::string(kBookFile) + ".damaged"));
}

TEST_F(EvidenceDeskTest, FilesThatOthersPutThereAreJudged) {
    const std::string folder = std::string(kExhibitFolder) + "/";
    ASSERT_TRUE(disk.write_atomic(folder + "found.exhibit", encode(exhibit(true))).ok());
    ASSERT_TRUE(disk.write_atomic(folder + "vain.exhibit", encode(exhibit(false))).ok());
    ASSERT_TRUE(disk.write_atomic(folder + "rubbish.exhibit", as_bytes("no")).ok());
    const auto here = desk(&disk);
    int told = 0;
    here->on_kept([&](const ExhibitNote&) { ++told; });
    here->look();
    world.loop.run_for(1'000);
    EXPECT_TRUE(here->is_convicted(key));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(here->counts().judged, 2U);
    for (int i = 0; i < 5; ++i) here->look(), world.loop.run_for(1'000);
    EXPECT_EQ(here->counts().judged, 2U) << "once each";
}

TEST_F(EvidenceDeskTest, FewWaitAndTheOldestProofsGo) {
    const auto here = desk(nullptr, {.waiting = 2, .kept = 3});
    world.loop.hold_work(true);
    int full = 0;
    for (std::uint64_t seed = 0; seed < 5; ++seed)
        here->submit(encode(exhibit(true, seed)), false,
                     [&](Judgement judgement, const std::string&) {
                         full += judgement == Judgement::kFull;
                     });
    EXPECT_EQ(full, 3);
    world.loop.hold_work(false);
    world.loop.run_for(1'000);
    for (std::uint64_t seed = 10; seed < 14; ++seed) submit(*here, exhibit(true, seed));
    EXPECT_EQ(here->kept().size(), 3U);
}

// What strangers send in vain takes a tenth of a core at most, whatever they send.
TEST_F(EvidenceDeskTest, AfterAJudgementInVainItRests) {
    const auto here = desk(nullptr);
    std::optional<Judgement> first, second;
    world.loop.hold_work(true);
    here->submit(encode(exhibit(false)), true,
                 [&](Judgement judgement, const std::string&) { first = judgement; });
    here->submit(encode(exhibit(true, 2)), true,
                 [&](Judgement judgement, const std::string&) { second = judgement; });
    world.loop.run_for(100);  // the judgement takes so long
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_EQ(first, Judgement::kProvesNothing);
    world.loop.run_for(800);
    EXPECT_FALSE(second) << "nine times as long";
    world.loop.run_for(200);
    EXPECT_EQ(second, Judgement::kConvicts);
}

TEST_F(EvidenceDeskTest, ProofsThatAStrangerMadeAgainstHimselfCostNoMoreThanThat) {
    const auto here = desk(nullptr);
    std::optional<Judgement> first, second;
    world.loop.hold_work(true);
    here->submit(encode(exhibit(true, 1)), true,
                 [&](Judgement judgement, const std::string&) { first = judgement; });
    here->submit(encode(exhibit(true, 2)), true,
                 [&](Judgement judgement, const std::string&) { second = judgement; });
    world.loop.run_for(100);
    world.loop.hold_work(false);
    world.loop.run_for(800);
    EXPECT_EQ(first, Judgement::kConvicts);
    EXPECT_FALSE(second);
    world.loop.run_for(300);
    EXPECT_TRUE(second.has_value());
}

TEST_F(EvidenceDeskTest, WhoIsNoStrangerDoesNotWaitForThat) {
    const auto here = desk(nullptr);
    world.loop.hold_work(true);
    here->submit(encode(exhibit(false)), true, [](Judgement, const std::string&) {});
    std::optional<Judgement> strangers, own;
    here->submit(encode(exhibit(true, 2)), true,
                 [&](Judgement judgement, const std::string&) { strangers = judgement; });
    here->submit(encode(exhibit(true, 3)), false,
                 [&](Judgement judgement, const std::string&) { own = judgement; });
    world.loop.run_for(100);
    world.loop.hold_work(false);
    world.loop.run_for(50);
    EXPECT_EQ(own, Judgement::kConvicts);
    EXPECT_FALSE(strangers);
    world.loop.run_for(1'000);
    EXPECT_EQ(strangers, Judgement::kConvicts);
}

// Whoever has no node knows a chain's model by no other name.
TEST_F(EvidenceDeskTest, WhatWasSignedUnderTheChainsNameConvicts) {
    EvidenceDesk here(world.loop, world.clock, nullptr);
    ModelSnapshot version = world.snapshot;
    version.chain_name.bytes[0] = 7;
    here.put_chain_model(version);
    Exhibit proof = exhibit(true);
    proof.terms.model = version.chain_name;
    InputChain chain;
    chain.put(0, proof.inputs.front(), version.config.dim);
    proof.receipt =
        make_receipt(proof.terms, kLayers, chain.end(), proof.receipt.output, server, {});
    EXPECT_EQ(submit(here, proof, true), Judgement::kConvicts);
}

TEST_F(EvidenceDeskTest, KeysThatAreMadeToBeConvictedDoNotPushAProofOut) {
    const auto here = desk(nullptr, {.kept = 3});
    const crypto::PublicKey serves = key;
    crypto::PublicKey also = key;
    here->set_address_of([&](const crypto::PublicKey& who) {
        return std::string(who == serves || who == also ? "10.0.0.1:8500" : "");
    });
    submit(*here, exhibit(true));
    for (std::uint64_t seed = 2; seed < 8; ++seed) {
        server = crypto::SecretKey::generate(world.random);
        key = crypto::public_key(server);
        also = seed % 2 == 0 ? key : serves;  // some serve for a while, and are shown as larger
        submit(*here, exhibit(true, seed, 9 + seed % 2));
    }
    EXPECT_EQ(here->kept().size(), 3U);
    EXPECT_TRUE(std::ranges::any_of(
        here->kept(), [&](const auto& kept) { return kept.second.server == serves; }));
}

TEST_F(EvidenceDeskTest, AfterManyProofsFilesOfOthersAreStillFound) {
    const auto here = desk(&disk, {.kept = 2});
    const Exhibit proof = exhibit(true);
    trust::ServerPage page;
    page.first_layer = 1;
    page.end_layer = 4;
    for (int i = 0; i < 1'100; ++i) {
        Exhibit other = proof;
        other.terms.session = world.random.hash256();
        here->enter(key, page, trust::Finding::kConvicted, "", other);
        if (i % 50 == 0) here->look(), world.loop.run_for(100);
    }
    world.loop.run_for(100);
    server = crypto::SecretKey::generate(world.random);
    key = crypto::public_key(server);
    ASSERT_TRUE(
        disk.write_atomic(std::string(kExhibitFolder) + "/found.exhibit", encode(exhibit(true)))
            .ok());
    here->look();
    world.loop.run_for(1'000);
    EXPECT_TRUE(here->is_convicted(key));
}

// A large BART reads 1,024 tokens and writes 1,024, in states that are 1,024 wide.
TEST_F(EvidenceDeskTest, AnEncoderDecoderAtFullLengthIsPassedOn) {
    constexpr std::uint32_t kDim = 1'024, kRows = 1'024;
    constexpr TextTurn turns[] = {{1, kRows - 1}};
    const std::vector<float> rows(std::size_t{kRows} * kDim, 0.5F);
    for (const std::uint64_t price : {0U, 1U}) {
        const Hop hop{.layers = kLayers, .key = key, .address = "a", .price = price};
        Exhibit full = exhibit(true);
        full.terms.max_positions = full.terms.source_rows = kRows;
        full.inputs.clear();
        for (PlannedPush& push : cut_as_writers_do(hop, kDim, rows, rows, turns))
            full.inputs.push_back(std::move(push.rows));
        const Bytes bytes = encode(full);
        EXPECT_GT(bytes.size(), std::size_t{1} << 23) << "its rows alone have so many";
        EXPECT_LE(bytes.size(), kMaxSharedExhibit);
    }
}

TEST_F(EvidenceDeskTest, NoMoreVersionsOfTheChainsModelAreKeptThanThereIsMemory) {
    EvidenceDesk here(world.loop, world.clock, nullptr, {}, {.versions = 3});
    ModelSnapshot version = world.snapshot;
    std::vector<Hash256> names;
    for (std::uint8_t i = 0; i < 5; ++i) {
        version.hash.bytes[0] = i;
        names.push_back(version.hash);
        here.put_chain_model(version);
    }
    EXPECT_EQ(here.models().size(), 3U);
    EXPECT_FALSE(here.model(names[1]));
    EXPECT_TRUE(here.model(names[4]));
    for (const bool needs_newest : {false, true}) {
        EvidenceDesk small(world.loop, world.clock, nullptr, {},
                           {.version_bytes = 1, .needs_newest = needs_newest});
        for (const Hash256& name : names) version.hash = name, small.put_chain_model(version);
        EXPECT_EQ(small.models().size(), needs_newest ? 1U : 0U);
    }
}

}  // namespace
}  // namespace cairn::serve
