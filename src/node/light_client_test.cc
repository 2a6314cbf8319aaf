// Proves that somebody with one node's address finds the network's model by proofs alone, and that
// nodes that lie (in leaves, in roots, in headers, in the definition), withhold, tell of a chain
// with less work, or would fill his disk, are found out, named, and cost him time and nothing else.
#include "node/light_client.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "base/random.h"
#include "consensus/state_root.h"
#include "crypto/hash.h"
#include "fetch/fetch_weights.h"
#include "fetch/test_links.h"
#include "node/assets.h"
#include "node/light_model.h"
#include "node/network_presets.h"
#include "text/bpe.h"
#include "worth/model_state.h"
#include "worth/network_rules.h"

namespace cairn::node {
namespace {

constexpr std::uint64_t kNowMs = 1'700'000'000'000;

/// A chain of headers that C1 finds valid, whose blocks all have one model.
struct TestChain {
    std::vector<chain::BlockHeader> headers;  // from height 1 on
    std::shared_ptr<const fetch::LeafSource> source;
    Hash256 coins_root = crypto::sha256(as_bytes("coins"));
    Hash256 rules_root = crypto::sha256(as_bytes("rules"));

    fetch::Anchor anchor() const {
        return {chain::block_hash(headers.back()), coins_root, rules_root};
    }
};

struct Light : testing::Test {
    Light() {
        network = *network_preset("tiny");
        network.first_target = network.pow_limit = 0x207fffff;
        network.genesis_time_ms = kNowMs - 3'600'000;
        tokenizer = text::train_bpe(std::vector<std::string_view>{"a word and a word"}, 300)
                        .value()
                        ->serialise();
        network.tokenizer_hash = tokenizer_hash(tokenizer);
        folder = *make_temporary_folder("cairn-light-");
        options.folder = folder;
        options.patience_ms = 20'000;
        options.note = [this](const std::string& sentence) { notes.push_back(sentence); };
    }
    ~Light() override { (void)remove_tree(folder); }

    TestChain make_chain(std::size_t blocks, std::int32_t seed, std::uint64_t step_ms = 2'000,
                         const TestChain* older = nullptr, std::size_t older_blocks = 0) {
        TestChain made;
        const model::ModelConfig config = worth::model_config(network);
        const model::ParameterLayout layout(config, 4096);
        std::vector<std::int32_t> theta(layout.size(), 0);
        for (const model::TensorInfo& info : layout.tensors())
            for (std::uint64_t i = 0; i < info.size(); ++i)
                theta[info.offset + i] = seed * 1000 + static_cast<std::int32_t>(i % 977);
        made.source = fetch::leaves_of_chain(config, std::move(theta));
        const Hash256 root =
            consensus::state_root(made.source->manifest().root, made.coins_root, made.rules_root);
        LightHeaders start(network, worth::initial_model_root(layout, network.weights_seed));
        const BlockNode* parent = start.best();
        for (std::size_t i = 0; i < blocks; ++i) {
            const consensus::HeaderContext context = context_after(parent);
            chain::BlockHeader header;
            header.versions = network.versions_at(context.height);
            header.previous = parent->hash;
            header.state_root = i < older_blocks ? older->headers.back().state_root : root;
            header.time_ms = parent->header.time_ms + step_ms;
            header.target = consensus::expected_target(network, context);
            while (!start.take({&header, 1}, kNowMs).ok()) ++header.nonce;
            made.headers.push_back(header);
            parent = start.find(chain::block_hash(header));
        }
        return made;
    }

    /// A node that tells of a chain and gives its model.
    struct TestNode final : net::NetworkHandler {
        TestNode(Light& light, const std::string& address, TestChain told)
            : of(light), chain(std::move(told)), giver(of.loop, of.wire, of.clock, address) {
            giver.links.set_handler(this);
            giver.giver.offer(chain.source);
            giver.giver.set_newest([this](fetch::WeightsGiver::NewestAnswer answer) {
                answer(fetch::WeightsGiver::Newest{chain.source->name(), chain.anchor()});
            });
        }
        void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
            Hello hello;
            hello.genesis_id = chain::genesis_id(of.network);
            send(giver.links, peer, MessageKind::kHello, encode(hello));
        }
        void on_peer_down(net::PeerId peer, const std::string& reason) override {
            giver.on_peer_down(peer, reason);
        }
        void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
            if (fetch::is_about_weights(kind)) return giver.on_message(peer, kind, body);
            switch (static_cast<MessageKind>(kind)) {
                case MessageKind::kGetAsset: {
                    const GetAsset asked = *decode_get_asset(body);
                    const bool is_tokenizer = asked.hash == of.network.tokenizer_hash;
                    const Bytes bytes = is_tokenizer ? of.tokenizer : definition;
                    send(giver.links, peer, MessageKind::kAsset,
                         encode(AssetChunk{asked.hash, bytes.size(), 0, bytes}));
                    break;
                }
                case MessageKind::kGetHeaders: {
                    if (announces)
                        send(giver.links, peer, MessageKind::kHeaders,
                             encode(Headers{{chain.headers.back()}}));
                    const GetHeaders asked = *decode_get_headers(body);
                    std::size_t from = 0;
                    for (std::size_t i = 0; i < chain.headers.size(); ++i)
                        if (std::ranges::count(asked.locator, chain::block_hash(chain.headers[i])))
                            from = i + 1;
                    const std::size_t end =
                        std::min(chain.headers.size(), from + kMaxHeadersPerMessage);
                    const Headers told{{chain.headers.begin() + static_cast<long>(from),
                                        chain.headers.begin() + static_cast<long>(end)}};
                    of.loop.call_after(headers_after_ms, [this, peer, told] {
                        send(giver.links, peer, MessageKind::kHeaders, encode(told));
                    });
                    break;
                }
                case MessageKind::kGetAddresses:
                    send(giver.links, peer, MessageKind::kAddresses, encode(Addresses{names}));
                    break;
                case MessageKind::kGetServers: {
                    serve::Announce record;
                    record.address = "192.0.2.1:8500";
                    record.layers = {0, 1};
                    for (std::size_t i = 0; i < invented_servers; ++i) {
                        record.address = "192.0.2.2:" + std::to_string(1000 + i);
                        send(giver.links, peer, MessageKind::kServers, encode(Servers{{record}}));
                    }
                    if (invented_servers > 0) break;
                    send(giver.links, peer, MessageKind::kServers, encode(Servers{{record}}));
                    break;
                }
                default:
                    break;
            }
        }

        Light& of;
        TestChain chain;
        fetch::TestGiver giver;
        Bytes definition = chain::encode(of.network);
        std::vector<std::string> names;
        bool announces = false;  // its newest header, before it answers
        std::uint64_t headers_after_ms = 0;
        std::size_t invented_servers = 0;
    };

    TestNode& add(const std::string& address, const TestChain& chain) {
        nodes[address] = std::make_unique<TestNode>(*this, address, chain);
        return *nodes[address];
    }
    /// As a new process would, with these addresses.
    bool run(std::vector<std::string> addresses, std::uint64_t most_ms = 60'000) {
        options.nodes = std::move(addresses);
        client.reset();
        links.reset();
        result.reset();
        links = std::make_unique<fetch::TestLinks>(loop, wire, "client");
        client = std::make_unique<LightClient>(
            loop, *links, clock, options,
            [this](Result<LightChain> found) { result = std::move(found); });
        client->start();
        for (std::uint64_t ms = 0; ms < most_ms && !result; ms += 50) loop.advance_ms(50);
        return result && result->ok();
    }
    void expect_model_of(const TestChain& chain) {
        ASSERT_TRUE(result && result->ok()) << (result ? result->error().message : "no result");
        EXPECT_EQ(client->weights().name(), chain.source->name());
        const auto model = client_model(client->weights());
        ASSERT_TRUE(model.ok()) << model.error().message;
        const fetch::LeafRun first = *chain.source->read(0, 1);
        std::int32_t q = 0;
        std::memcpy(&q, first.bytes.data() + 400, sizeof q);
        EXPECT_EQ(model->weights.token_embedding.f32().data[100], static_cast<float>(q) * 0x1p-24F);
        EXPECT_TRUE(model->weights.layers[0].wq.empty());
    }
    bool said(const std::string& what) const {
        return std::ranges::any_of(
            notes, [&](const std::string& note) { return note.find(what) != std::string::npos; });
    }
    std::string error() const { return result && !result->ok() ? result->error().message : ""; }
    bool fails_with(const std::string& what) const {
        return error().find(what) != std::string::npos;
    }

    ManualClock clock{kNowMs};
    SeededRandom random{1};
    TestLoop loop{clock};
    fetch::TestWire wire;
    chain::NetworkDefinition network;
    Bytes tokenizer;
    std::string folder;
    LightOptions options;
    std::vector<std::string> notes;
    std::map<std::string, std::unique_ptr<TestNode>> nodes;
    std::unique_ptr<fetch::TestLinks> links;
    std::unique_ptr<LightClient> client;
    std::optional<Result<LightChain>> result;
};

TEST_F(Light, OneAddressIsEnough) {
    const TestChain chain = make_chain(9, 1);
    add("a", chain);
    ASSERT_TRUE(run({"a"})) << error();
    expect_model_of(chain);
    EXPECT_EQ((*result)->height, 8U);
    EXPECT_EQ((*result)->tip_height, 9U);
    EXPECT_EQ((*result)->network, network);
    EXPECT_EQ((*result)->tokenizer, tokenizer);
    EXPECT_EQ((*result)->servers, std::vector<std::string>{"192.0.2.1:8500"});
    EXPECT_GT((*result)->bytes_fetched, 0U);
    EXPECT_LT((*result)->bytes_fetched, (*result)->bytes_model);
    // The next time nothing of it comes again.
    ASSERT_TRUE(run({"a"})) << error();
    expect_model_of(chain);
    EXPECT_EQ((*result)->bytes_fetched, 0U);
}

TEST_F(Light, HeadersOfManyMessagesAreReadToTheEnd) {
    const TestChain chain = make_chain(1'201, 1, 500);
    add("a", chain);
    ASSERT_TRUE(run({"a"})) << error();
    EXPECT_EQ((*result)->tip_height, 1'201U);
}

TEST_F(Light, ABlockThatIsFoundMeanwhileIsNoLie) {
    const TestChain chain = make_chain(1'201, 1, 500);
    add("a", chain).announces = true;
    ASSERT_TRUE(run({"a"})) << error();
    EXPECT_EQ((*result)->tip_height, 1'201U);
}

TEST_F(Light, WhoLiesInLeavesIsNamed) {
    const TestChain chain = make_chain(9, 1);
    add("honest", chain);
    add("a liar", chain).giver.links.tamper = [](std::uint16_t kind, Bytes& body) {
        if (kind == static_cast<std::uint16_t>(fetch::MessageKind::kLeaves)) body[100] ^= 1;
        return true;
    };
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    expect_model_of(chain);
    EXPECT_TRUE(said("a liar is not asked any more: it sent leaves that are not of model"));
    (void)remove_tree(folder);
    EXPECT_FALSE(run({"a liar"}));
    EXPECT_TRUE(fails_with("leaves that are not of model")) << error();
}

TEST_F(Light, AModelThatNoStateRootIsMadeOfIsNotTaken) {
    const TestChain chain = make_chain(9, 1);
    const TestChain other = make_chain(9, 2);
    TestChain mixed = chain;
    mixed.source = other.source;  // with the roots of the real state
    add("mixed", mixed);
    EXPECT_FALSE(run({"mixed"}));
    EXPECT_TRUE(said("its block's state root is not made of"));
    // Nor one whose block is on no chain that it tells of.
    TestChain elsewhere = chain;
    elsewhere.headers = other.headers;
    elsewhere.source = other.source;
    add("elsewhere", elsewhere).chain.headers = chain.headers;
    nodes["elsewhere"]->giver.giver.set_newest([&](fetch::WeightsGiver::NewestAnswer answer) {
        answer(fetch::WeightsGiver::Newest{other.source->name(), other.anchor()});
    });
    EXPECT_FALSE(run({"elsewhere"}));
    EXPECT_TRUE(fails_with("its block is not known here yet")) << error();
    // Nor one that is old.
    TestChain longer = make_chain(60, 1);
    add("old", longer);
    nodes["old"]->giver.giver.set_newest([&](fetch::WeightsGiver::NewestAnswer answer) {
        fetch::Anchor anchor = longer.anchor();
        anchor.block = chain::block_hash(longer.headers[10]);
        answer(fetch::WeightsGiver::Newest{longer.source->name(), anchor});
    });
    EXPECT_FALSE(run({"old"}));
    EXPECT_TRUE(fails_with("older than the newest three")) << error();
}

TEST_F(Light, HeadersWithoutWorkOrOutOfPlaceAreSeen) {
    const TestChain chain = make_chain(9, 1);
    TestChain lazy = chain;
    // A target that its rule does not give.
    lazy.headers[4].target = 0x1f00ffff;
    add("lazy", lazy);
    EXPECT_FALSE(run({"lazy"}));
    EXPECT_TRUE(said("lazy is not asked any more: it sent an invalid header of height 5"));
    TestChain torn = chain;
    torn.headers.erase(torn.headers.begin() + 3);
    add("torn", torn);
    EXPECT_FALSE(run({"torn"}));
    EXPECT_TRUE(said("torn is not asked any more: it sent headers that hang in the air"));
    // Work that was not done.
    TestChain cheap = chain;
    for (std::uint64_t nonce = 0;; ++nonce) {
        cheap.headers.back().nonce = nonce;
        LightHeaders all(network, worth::initial_model_root(
                                      model::ParameterLayout(worth::model_config(network), 4096),
                                      network.weights_seed));
        if (!all.take(cheap.headers, kNowMs).ok()) break;
    }
    add("cheap", cheap);
    EXPECT_FALSE(run({"cheap"}));
    EXPECT_TRUE(said("cheap is not asked any more: it sent an invalid header of height 9"));
}

TEST_F(Light, OfSeveralNodesTheChainWithMostWorkCounts) {
    const TestChain chain = make_chain(40, 1);
    const TestChain forged = make_chain(13, 2);
    add("forger", forged);
    add("honest", chain);
    ASSERT_TRUE(run({"forger", "honest"})) << error();
    expect_model_of(chain);
    EXPECT_EQ((*result)->nodes, 2U);
    // And a chain with less than was seen before is not believed afterwards.
    EXPECT_FALSE(run({"forger"}));
    EXPECT_TRUE(fails_with("not on the chain with most work")) << error();
    // Who never heard of another one believes it: docs/security.md says so.
    (void)remove_tree(folder);
    EXPECT_TRUE(run({"forger"})) << error();
    // Unless it names honest nodes, as it would have to hide all of them.
    (void)remove_tree(folder);
    nodes["forger"]->names = {"honest:8333"};
    nodes.erase("honest");
    add("honest:8333", chain);
    ASSERT_TRUE(run({"forger"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, WhoSendsHeadersWithoutEndLeavesRoomForOthers) {
    const TestChain chain = make_chain(40, 1);
    options.max_headers = 600;
    add("a flood", make_chain(1'300, 2, 500));
    add("honest", chain);
    ASSERT_TRUE(run({"a flood", "honest"})) << error();
    expect_model_of(chain);
    EXPECT_TRUE(said("a flood is not asked any more: it sends more headers than"));
}

TEST_F(Light, AChainThatIsStillBeingReadIsWaitedFor) {
    const TestChain chain = make_chain(1'300, 1, 500);
    add("a forger", make_chain(600, 2, 500));
    add("honest", chain).headers_after_ms = 1'500;
    ASSERT_TRUE(run({"a forger", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, AModelWhoseBlockLeftTheChainMeanwhileIsNotTaken) {
    const TestChain chain = make_chain(40, 1);
    const TestChain forged = make_chain(13, 2);
    TestNode& forger = add("a forger", forged);
    bool late = false;
    loop.call_after(6'000, [&] { late = true; });
    forger.giver.links.tamper = [&](std::uint16_t kind, Bytes&) {
        return kind != static_cast<std::uint16_t>(fetch::MessageKind::kLeaves) || late;
    };
    add("honest", chain).headers_after_ms = 4'000;
    ASSERT_TRUE(run({"a forger", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, AModelThatOneNodeAloneHasStopsNobody) {
    const TestChain older = make_chain(9, 5);
    const TestChain chain = make_chain(20, 1, 2'000, &older, 15);
    TestChain told = chain;
    told.source = older.source;
    TestNode& liar = add("a liar", told);
    liar.giver.giver.set_newest([&](fetch::WeightsGiver::NewestAnswer answer) {
        fetch::Anchor anchor = chain.anchor();
        anchor.block = chain::block_hash(chain.headers[14]);
        answer(fetch::WeightsGiver::Newest{older.source->name(), anchor});
    });
    liar.giver.links.tamper = [](std::uint16_t kind, Bytes&) {
        return kind != static_cast<std::uint16_t>(fetch::MessageKind::kLeaves);
    };
    add("honest", chain);
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, WhoInventsServersLeavesRoomForThoseOfOthers) {
    const TestChain chain = make_chain(9, 1);
    add("a liar", chain).invented_servers = 400;
    add("honest", chain);
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    EXPECT_EQ((*result)->servers.size(), 256U);
    EXPECT_TRUE(std::ranges::count((*result)->servers, "192.0.2.1:8500"));
}

TEST_F(Light, WhoFillsTheRoomWithAWorseBranchDoesNotCostOthersTheirPlace) {
    const TestChain chain = make_chain(1'300, 1, 500);
    options.max_headers = 1'500;
    add("a flood", make_chain(400, 2, 500));
    add("honest", chain).headers_after_ms = 100;
    ASSERT_TRUE(run({"a flood", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, AnotherNetworkIsRefused) {
    const TestChain chain = make_chain(9, 1);
    add("a", chain);
    options.genesis = crypto::sha256(as_bytes("the one that I mean"));
    EXPECT_FALSE(run({"a"}));
    EXPECT_TRUE(fails_with("it is of network")) << error();
    options.genesis.reset();
    chain::NetworkDefinition other = network;
    other.weights_seed += 1;
    nodes["a"]->definition = chain::encode(other);
    EXPECT_FALSE(run({"a"}));
    EXPECT_TRUE(said("it sent the definition of another network"));
    nodes["a"]->definition = chain::encode(network);
    tokenizer.back() ^= 1;
    EXPECT_FALSE(run({"a"}));
    EXPECT_TRUE(said("it sent another tokenizer"));
}

TEST_F(Light, ADiskIsNotFilled) {
    const TestChain chain = make_chain(9, 1);
    add("a", chain);
    options.max_bytes = 10'000;
    EXPECT_FALSE(run({"a"}));
    EXPECT_EQ(result->error().code, ErrorCode::kFull) << error();
    options.max_bytes = std::uint64_t{1} << 30;
    ASSERT_TRUE(run({"a"})) << error();
    // Of a chain's models only the newest stays.
    const TestChain next = make_chain(14, 3);
    nodes.clear();
    add("a", next);
    ASSERT_TRUE(run({"a"})) << error();
    expect_model_of(next);
    const std::string weights = folder + "/" + to_hex(chain::genesis_id(network)) + "/weights";
    EXPECT_EQ(list_folder(weights)->size(), 1U);
}

TEST_F(Light, WhoWithholdsIsWaitedForForAMomentOnly) {
    const TestChain chain = make_chain(9, 1);
    for (const auto kind : {static_cast<std::uint16_t>(MessageKind::kAsset),
                            static_cast<std::uint16_t>(MessageKind::kHeaders),
                            static_cast<std::uint16_t>(fetch::MessageKind::kWeights),
                            static_cast<std::uint16_t>(fetch::MessageKind::kLeaves)}) {
        (void)remove_tree(folder);
        nodes.clear();
        add("silent", chain).giver.links.tamper = [kind](std::uint16_t sent, Bytes&) {
            return sent != kind;
        };
        EXPECT_FALSE(run({"silent"}));
        EXPECT_EQ(result->error().code, ErrorCode::kTimeout) << error();
        add("honest", chain);
        EXPECT_TRUE(run({"silent", "honest"})) << kind << ": " << error();
    }
}

TEST_F(Light, WhoLeavesAmidAFileDoesNotLetAnotherAnswerForIt) {
    const TestChain chain = make_chain(9, 1);
    TestNode& liar = add("a liar", chain);
    liar.giver.links.tamper = [&](std::uint16_t kind, Bytes& body) {
        if (kind != static_cast<std::uint16_t>(MessageKind::kAsset)) return true;
        body = encode(AssetChunk{network.tokenizer_hash, kAssetChunkBytes + tokenizer.size(), 0,
                                 Bytes(kAssetChunkBytes, 7)});
        loop.post([&] { loop.post([&] { liar.giver.links.disconnect(1); }); });
        return true;
    };
    add("honest", chain);
    ASSERT_TRUE(run({"honest"})) << error();
    ASSERT_TRUE(remove_file(folder + "/" + to_hex(chain::genesis_id(network)) + "/tokenizer").ok());
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, ANetworkThatIsNotForHimSaysWhy) {
    const TestChain chain = make_chain(9, 1);
    add("a", chain);
    chain::Architecture& shape = network.architecture;
    shape.dim = 16'384;  // a tensor of 4 GiB
    shape.hidden_dim = 65'536;
    shape.heads = shape.kv_heads = 16;
    shape.layers = 1;
    nodes["a"]->definition = chain::encode(network);
    EXPECT_FALSE(run({"a"}));
    EXPECT_TRUE(fails_with("too large")) << error();
    network.members = {crypto::public_key(crypto::SecretKey::generate(random))};
    nodes["a"]->definition = chain::encode(network);
    EXPECT_FALSE(run({"a"}));
    EXPECT_TRUE(fails_with("is private")) << error();
}

}  // namespace
}  // namespace cairn::node
