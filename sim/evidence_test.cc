// Proves that a proof against a layer server which one node has reaches all others, each of which
// computes it again before it leaves the server; that whoever shows what proves nothing convicts
// nobody, is heard by nobody but his neighbours, and cannot make these compute without end; and
// that a node without the model says that it has not checked.
#include <gtest/gtest.h>

#include <algorithm>

#include "audit/replay.h"
#include "node/layer_service.h"
#include "sim/accuser.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

constexpr std::size_t kRows = 12;

serve::ModelSnapshot served_model() {
    const model::ModelConfig config{.dim = 32,
                                    .hidden_dim = 64,
                                    .layers = 4,
                                    .heads = 2,
                                    .kv_heads = 2,
                                    .vocab = 32,
                                    .context = 64};
    const auto parameters = model::initial_parameters(model::ParameterLayout(config), 5);
    return serve::snapshot_of(
               std::make_shared<const model::Model>(model::make_model(config, parameters)))
        .value();
}

/// What passes over a test's network takes about as long as this model does.
WorldOptions quick_judges() {
    WorldOptions options;
    options.reference_lane = {20'000, 200'000};
    return options;
}

/// Twenty-one nodes, each linked with two before it, that know two layer servers.
class Evidence : public testing::Test {
  protected:
    static constexpr int kNodes = 21;

    FakeModelKit kit_;
    World world_{11, scenario_name(), kit_, quick_judges()};
    SimClock clock_{world_.scheduler(), 0};
    SeededRandom random_{9};
    serve::ModelSnapshot model_ = served_model();
    model::LayerRange layers_{1, 3};     ///< of both servers
    std::uint32_t announced_speed_ = 0;  ///< in layer-rows a second
    std::map<std::string, serve::Announce> listening_;
    crypto::SecretKey liar_ = crypto::SecretKey::generate(random_);
    crypto::SecretKey honest_ = crypto::SecretKey::generate(random_);

    /// Those with a number from `without` on have no model to judge by.
    void build(int without = kNodes) {
        for (int i = 0; i < kNodes; ++i) {
            NodeSpec spec{.mine = false, .train = false};
            if (i > 0) spec.connect.push_back(i - 1);
            if (i > 1) spec.connect.push_back(i / 2);
            if (i < without) spec.models.push_back(model_);
            spec.server_at = [this](const std::string& address) -> Result<serve::Announce> {
                const auto there = listening_.find(address);
                if (there == listening_.end()) return io_error("nothing listens there");
                return there->second;
            };
            world_.add_node(spec);
        }
        world_.run_ms(10'000);
        announce();
        ASSERT_TRUE(world_.run_until(
            [&] {
                for (int i = 0; i < kNodes; ++i)
                    if (world_.node(i).servers().size() != 2) return false;
                return true;
            },
            30'000));
    }

    void announce() {
        int number = 0;
        for (const crypto::SecretKey* secret : {&liar_, &honest_}) {
            serve::Announce record;
            record.address = "10.0.0." + std::to_string(number + 1) + ":8500";
            record.model = model_.hash;
            record.layers = layers_;
            record.rows_per_s = announced_speed_;
            record.capacity = 64;
            record.issued_ms = clock_.wall_ms();
            record.expires_ms = record.issued_ms + 600'000;
            sign(record, *secret, {});
            listening_[record.address] = record;
            ASSERT_TRUE(world_.node(number).announce_server(record).ok());
            number += 7;
        }
    }

    /// A session of some rows whose last one a server signs for, right or wrong.
    serve::Exhibit exhibit(const crypto::SecretKey& secret, bool lies, std::uint64_t seed = 1) {
        SeededRandom random(seed);
        std::vector<float> rows(kRows * model_.config.dim);
        for (float& x : rows) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
        ThreadPool pool(1);
        const auto* kernels = tensor::kernels_from_environment().value();
        auto outputs = audit::recompute(model_.config, model_.weights, layers_, rows,
                                        model::KvType::kF32, {kernels, &pool})
                           .value();
        if (lies) outputs.back() += 1;
        serve::Exhibit made;
        made.terms = {.session = random.hash256(), .model = model_.hash, .max_positions = kRows};
        made.server = crypto::public_key(secret);
        made.inputs = {rows};
        serve::InputChain chain;
        chain.put(0, rows, model_.config.dim);
        made.receipt = make_receipt(made.terms, layers_, chain.end(),
                                    serve::states_hash(0, outputs), secret, {});
        return made;
    }

    /// As if an audit of this node's had found it.
    void find_liar(int node, std::uint64_t seed = 1) {
        world_.node(node).evidence().submit(encode(exhibit(liar_, true, seed)), false,
                                            [](serve::Judgement, const std::string&) {});
    }

    bool convicted(int node, const crypto::SecretKey& secret) {
        return world_.node(node).evidence().is_convicted(crypto::public_key(secret));
    }
    int convicting(const crypto::SecretKey& secret) {
        int count = 0;
        for (int i = 0; i < kNodes; ++i) count += convicted(i, secret);
        return count;
    }
    node::ServerView view(int node, const crypto::SecretKey& secret) {
        for (const node::ServerView& server : world_.node(node).servers())
            if (server.record.key == crypto::public_key(secret)) return server;
        return {};
    }

    void TearDown() override { EXPECT_EQ(world_.failure(), "") << world_.replay_line(); }
};

TEST_F(Evidence, OneNodeConvictsALiarAndAllOthersHaveCheckedAndLeftIt) {
    build();
    const std::uint64_t began_us = world_.scheduler().now_us();
    std::string why;
    world_.node(0).evidence().submit(
        encode(exhibit(liar_, true)), false,
        [&](serve::Judgement, const std::string& said) { why = said; });
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 30'000))
        << convicting(liar_);
    std::printf("left by all %d nodes after %.1f s\n", kNodes,
                static_cast<double>(world_.scheduler().now_us() - began_us) / 1e6);
    EXPECT_NE(why.find("its layers do not give"), std::string::npos) << why;
    for (int i = 0; i < kNodes; ++i) {
        EXPECT_EQ(world_.node(i).evidence().counts().judged, 1U) << "each computes it itself";
        EXPECT_EQ(view(i, liar_).standing->status, "convicted");
        EXPECT_FALSE(view(i, honest_).standing);
    }
    // Once is enough, whoever has more of them.
    find_liar(5, 2);
    world_.run_ms(20'000);
    for (int i = 0; i < kNodes; ++i)
        EXPECT_LE(world_.node(i).evidence().counts().judged, i == 5 ? 2U : 1U);
}

TEST_F(Evidence, WhatCameWhileTheDeskWasFullIsJudgedWhenThereIsRoom) {
    build();
    serve::EvidenceDesk& desk = world_.node(3).evidence();
    std::uint64_t seed = 100, full_until_us = world_.scheduler().now_us() + 10'000'000;
    std::function<void()> fill = [&] {
        while (desk.has_room() && world_.scheduler().now_us() < full_until_us)
            desk.submit(encode(exhibit(honest_, false, seed++)), false,
                        [&](serve::Judgement, const std::string&) { fill(); });
    };
    fill();
    const std::uint64_t fetched = world_.node(3).evidence_gossip().fetched();
    find_liar(0);
    world_.run_ms(9'000);
    EXPECT_EQ(convicting(liar_), kNodes - 1);
    EXPECT_EQ(world_.node(3).evidence_gossip().fetched(), fetched + 1) << "it is here, and waits";
    EXPECT_TRUE(world_.run_until([&] { return convicted(3, liar_); }, 10'000));
}

TEST_F(Evidence, WhoComesLaterHearsOfItAndJudgesItHimself) {
    build();
    world_.kill(12);
    find_liar(0);
    world_.run_ms(20'000);
    world_.start(12);
    EXPECT_TRUE(world_.run_until([&] { return convicted(12, liar_); }, 60'000));
}

TEST_F(Evidence, AFramerConvictsNobodyAndIsHeardByHisNeighboursAlone) {
    build();
    serve::Exhibit forged = exhibit(honest_, true);
    forged.receipt = exhibit(liar_, true).receipt;  // another's signature
    serve::Exhibit cut = exhibit(honest_, true);
    cut.receipt = exhibit(honest_, false).receipt;
    cut.inputs.front().resize(cut.inputs.front().size() - model_.config.dim);
    const std::vector<serve::Exhibit> frames = {exhibit(honest_, false), forged, cut};
    std::vector<std::unique_ptr<Accuser>> framers;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        framers.push_back(
            std::make_unique<Accuser>(world_, "10.6" + std::to_string(6 + i) + ".0.1:7000"));
        for (const int node : {0, 1, 2}) framers.back()->stranger.dial(node);
    }
    world_.run_ms(1'000);
    for (std::size_t i = 0; i < frames.size(); ++i)
        framers[i]->offer({frames[i], frames[(i + 1) % 3], frames[(i + 2) % 3]});
    world_.run_ms(60'000);
    EXPECT_EQ(convicting(honest_), 0);
    for (int i = 0; i < kNodes; ++i) {
        EXPECT_LE(world_.node(i).evidence().counts().judged, i <= 2 ? 3U : 0U) << i;
        EXPECT_TRUE(world_.node(i).evidence().kept().empty());
    }
    for (const auto& framer : framers)
        EXPECT_LE(framer->asked, 3) << "one of each neighbour, who then hears no more of him";
    // Neither does his part of the network, by another key.
    Accuser again(world_, "10.66.9.9:7000");
    again.stranger.dial(0);
    world_.run_ms(1'000);
    again.offer({exhibit(honest_, false, 7)});
    world_.run_ms(20'000);
    EXPECT_EQ(again.asked, 0);
    // Others are heard as before.
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    right.offer({exhibit(liar_, true)});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 30'000));
}

// He knows the id of a proof and says other things of it, so that he is asked, and says no more.
TEST_F(Evidence, WhoDescribesAProofFalselyKeepsNobodyFromIt) {
    build();
    Accuser framer(world_, "10.66.0.1:7000");
    framer.stranger.dial(0);
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    const serve::Exhibit proof = exhibit(liar_, true);
    serve::ExhibitNote note = note_of(proof, encode(proof));
    note.bytes += 1;
    framer.stranger.say(node::MessageKind::kExhibits, encode(node::Exhibits{{note}}));
    world_.run_ms(1'000);
    EXPECT_EQ(framer.asked, 1);
    right.offer({proof});
    // Strangers have one place to be asked in; it is free when his 30 s are over.
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 40'000));
}

TEST_F(Evidence, AFloodOfFalseOnesCostsANodeOneJudgement) {
    build();
    Accuser flooder(world_, "10.66.0.1:7000");
    flooder.stranger.dial(0);
    world_.run_ms(1'000);
    std::vector<serve::Exhibit> made;
    for (std::uint64_t seed = 0; seed < 200; ++seed) made.push_back(exhibit(honest_, false, seed));
    for (int second = 0; second < 60; ++second) {
        const auto first = made.begin() + (second * 3) % 150;
        flooder.offer({first, first + 50});
        world_.run_ms(1'000);
        EXPECT_LE(world_.node(0).evidence_gossip().offers(), 256U);
    }
    EXPECT_EQ(world_.node(0).evidence().counts().judged, 1U);
    EXPECT_EQ(flooder.asked, 1);
    EXPECT_EQ(convicting(honest_), 0);
}

TEST_F(Evidence, ServersThatNobodyKnowsAreNotJudged) {
    build();
    Accuser flooder(world_, "10.66.0.1:7000");
    flooder.stranger.dial(0);
    world_.run_ms(1'000);
    std::vector<serve::Exhibit> made;
    for (std::uint64_t seed = 0; seed < 40; ++seed)
        made.push_back(exhibit(crypto::SecretKey::generate(random_), true, seed));
    flooder.offer(made);
    node::Exhibits notes;
    for (std::uint64_t i = 0; i < 2'000; ++i) {
        notes.notes.push_back({random_.hash256(), random_.hash256(), model_.hash, {0, 1}, 100});
        if (notes.notes.size() < node::kMaxExhibitsPerMessage) continue;
        flooder.stranger.say(node::MessageKind::kExhibits, encode(notes));
        notes.notes.clear();
        world_.run_ms(5'000);
    }
    EXPECT_EQ(flooder.asked, 0) << "keys are free, so true proofs against them are too";
    EXPECT_LE(world_.node(0).evidence_gossip().offers(), 256U);
    // A true one of his own among all that is still taken.
    flooder.offer({exhibit(liar_, true)});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 30'000));
}

TEST_F(Evidence, ANodeWithoutTheModelSaysSoAndBelievesNobody) {
    build(14);
    find_liar(0);
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == 14; }, 30'000));
    world_.run_ms(20'000);
    EXPECT_EQ(convicting(liar_), 14);
    const node::ServerView there = view(14, liar_);  // linked with 13, which has judged it
    EXPECT_FALSE(there.standing);
    EXPECT_NE(there.accused.find("not checked here"), std::string::npos) << there.accused;
    EXPECT_EQ(view(14, honest_).accused, "");
    EXPECT_EQ(world_.node(14).status().evidence.unchecked, 1U);
    EXPECT_EQ(view(0, liar_).accused, "") << "it is convicted there";
}

TEST_F(Evidence, NobodyAsksForItInVainForEver) {
    build();
    Accuser mute(world_, "10.66.0.1:7000");
    mute.stranger.dial(0);
    world_.run_ms(1'000);
    const serve::Exhibit proof = exhibit(liar_, true);
    mute.offer({proof});
    mute.exhibits.clear();
    world_.run_ms(2'000);
    EXPECT_EQ(mute.asked, 1);
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    right.offer({proof});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 60'000));
}

// Each question waits for half a minute, and they offer a hundred.
TEST_F(Evidence, WhoAnswersNothingKeepsNobodyFromProving) {
    build();
    Accuser mute(world_, "10.66.0.1:7000"), mute_too(world_, "10.67.0.1:7000");
    std::uint64_t seed = 100;
    for (Accuser* one : {&mute, &mute_too}) {
        one->stranger.dial(0);
        world_.run_ms(1'000);
        std::vector<serve::Exhibit> many;
        while (many.size() < 50) many.push_back(exhibit(honest_, false, ++seed));
        one->offer(many);
        one->exhibits.clear();
    }
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    right.offer({exhibit(liar_, true)});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 120'000));
}

// Their notes are about servers that nobody knows, so they are never asked for.
TEST_F(Evidence, WhoOffersTheSameTogetherLeavesRoomForOthers) {
    build();
    std::vector<std::unique_ptr<Accuser>> crowd;
    for (int i = 0; i < 8; ++i) {
        crowd.push_back(
            std::make_unique<Accuser>(world_, "10.66.0." + std::to_string(i + 1) + ":7000"));
        crowd.back()->stranger.dial(0);
    }
    world_.run_ms(1'000);
    for (std::size_t pair = 0; pair < 4; ++pair)
        for (int message = 0; message < 4; ++message) {
            node::Exhibits notes;
            while (notes.notes.size() < node::kMaxExhibitsPerMessage)
                notes.notes.push_back(
                    {random_.hash256(), random_.hash256(), model_.hash, {0, 1}, 100});
            for (const std::size_t one : {0U, 1U})
                crowd[pair * 2 + one]->stranger.say(node::MessageKind::kExhibits, encode(notes));
        }
    world_.run_ms(2'000);
    EXPECT_EQ(world_.node(0).evidence_gossip().offers(), 1'024U);
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    right.offer({exhibit(liar_, true)});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 60'000));
}

TEST_F(Evidence, AFramerBesideThoseThatANodeChoseDoesNotSilenceThem) {
    build();
    Accuser framer(world_, "10.0.66.1:7000");  // of the same netgroup as all nodes
    for (int i = 0; i < kNodes; ++i) framer.stranger.dial(i);
    world_.run_ms(1'000);
    framer.offer({exhibit(honest_, false)});
    world_.run_ms(30'000);
    Accuser right(world_, "10.77.0.1:7000");
    right.stranger.dial(0);
    world_.run_ms(1'000);
    right.offer({exhibit(liar_, true)});
    EXPECT_TRUE(world_.run_until([&] { return convicting(liar_) == kNodes; }, 60'000))
        << convicting(liar_);
}

TEST_F(Evidence, WhoIsLateKeepsHisRight) {
    build();
    Accuser slow(world_, "10.66.0.1:7000");
    slow.stranger.dial(0);
    world_.run_ms(1'000);
    const Bytes first = encode(exhibit(liar_, true));
    slow.offer({serve::decode_exhibit(first).value()});
    slow.exhibits.clear();
    ASSERT_TRUE(world_.run_until([&] { return slow.asked == 1; }, 5'000));
    const Bytes second = encode(exhibit(honest_, true, 2));  // lies as well in this test
    slow.offer({serve::decode_exhibit(second).value()});
    slow.exhibits.clear();
    ASSERT_TRUE(world_.run_until([&] { return slow.asked == 2; }, 400'000));
    for (const Bytes& bytes : {first, second})
        slow.stranger.say(node::MessageKind::kExhibit, bytes);
    EXPECT_TRUE(world_.run_until([&] { return convicting(honest_) == kNodes; }, 60'000));
}

TEST_F(Evidence, AProofIsGivenOnceOnALink) {
    build();
    const serve::Exhibit proof = exhibit(liar_, true);
    world_.node(0).evidence().submit(encode(proof), false,
                                     [](serve::Judgement, const std::string&) {});
    world_.run_ms(5'000);
    Stranger asker(world_, "10.66.0.1:7000");
    int given = 0;
    asker.on_heard = [&](const std::string&, node::MessageKind kind, ByteView) {
        given += kind == node::MessageKind::kExhibit;
    };
    asker.dial(0);
    world_.run_ms(1'000);
    for (int i = 0; i < 8; ++i)
        asker.say(node::MessageKind::kGetExhibit,
                  node::encode_hash(serve::exhibit_id(encode(proof))));
    world_.run_ms(5'000);
    EXPECT_EQ(given, 1);
}

/// Time that passes while something is measured, which it does not in a simulation.
class PacedClock final : public Clock {
  public:
    explicit PacedClock(const Clock& clock) : clock_(clock) {}
    std::uint64_t wall_ms() const override { return clock_.wall_ms(); }
    std::uint64_t monotonic_us() const override { return clock_.monotonic_us() + 1'000 * ++asked_; }

  private:
    const Clock& clock_;
    mutable std::uint64_t asked_ = 0;
};

TEST_F(Evidence, TheLayersOfWhoIsConvictedAreTakenBySomebodyElse) {
    layers_ = {0, 2};
    announced_speed_ = 1'000'000;
    build();
    const PacedClock clock(clock_);
    MemoryDisk disk;
    SeededRandom random(5);
    const crypto::SecretKey secret = crypto::SecretKey::generate(random);
    SimNetwork links(world_.fabric(), world_.loop(9), "10.0.0.10:8500", crypto::public_key(secret));
    node::LayerServiceOptions options;
    options.layers = "auto";
    options.address = "10.0.0.10:8500";
    node::LayerService service(world_.loop(9), links, clock, random, secret,
                               *tensor::kernels_from_environment().value(), world_.node(9), disk,
                               std::make_shared<const model::Model>(model::Model{
                                   model_.config, model_.weights, model_.storage, {}, {}}),
                               options);
    service.start();
    const auto serves = [&] {
        const node::ServingView view = service.view();
        return model::LayerRange{view.first_layer, view.end_layer};
    };
    ASSERT_TRUE(world_.run_until([&] { return service.announce().has_value(); }, 30'000));
    EXPECT_EQ(serves(), (model::LayerRange{2, 4})) << "the others are served, as far as it knows";
    world_.run_ms(20'000);
    const std::uint64_t began_us = world_.scheduler().now_us();
    for (const crypto::SecretKey* accused : {&liar_, &honest_})  // both lie in this test
        world_.node(0).evidence().submit(encode(exhibit(*accused, true)), false,
                                         [](serve::Judgement, const std::string&) {});
    EXPECT_TRUE(world_.run_until([&] { return serves().begin == 0; }, 60'000));
    const double seconds = static_cast<double>(world_.scheduler().now_us() - began_us) / 1e6;
    std::printf("the layers have another server after %.1f s\n", seconds);
    EXPECT_LE(seconds, 15);
    EXPECT_EQ(serves(), (model::LayerRange{0, 4}));
    links.set_handler(nullptr);
}

}  // namespace
}  // namespace cairn::sim
