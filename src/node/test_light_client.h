// A light client, and beside it nodes that tell of chains made up for a test and give their models,
// over links that the test drives. Only for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/random.h"
#include "base/test_loop.h"
#include "consensus/state_root.h"
#include "crypto/hash.h"
#include "fetch/test_links.h"
#include "node/assets.h"
#include "node/light_client.h"
#include "node/light_model.h"
#include "node/network_presets.h"
#include "text/bpe.h"
#include "worth/model_state.h"
#include "worth/network_rules.h"

namespace cairn::node {

inline constexpr std::uint64_t kLightNowMs = 1'700'000'000'000;

/// A chain of headers that C1 finds valid, whose blocks all have one model.
struct LightTestChain {
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
        network.genesis_time_ms = kLightNowMs - 3'600'000;
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

    LightTestChain make_chain(std::size_t blocks, std::int32_t seed, std::uint64_t step_ms = 2'000,
                              const LightTestChain* older = nullptr, std::size_t older_blocks = 0) {
        LightTestChain made;
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
            while (!start.take({&header, 1}, kLightNowMs).ok()) ++header.nonce;
            made.headers.push_back(header);
            parent = start.find(chain::block_hash(header));
        }
        return made;
    }

    /// A node that tells of a chain and gives its model.
    struct TestNode final : net::NetworkHandler {
        TestNode(Light& light, const std::string& address, LightTestChain told)
            : of(light), chain(std::move(told)), giver(of.loop, of.wire, of.clock, address) {
            giver.links.set_handler(this);
            giver.giver.offer(chain.source);
            giver.giver.set_newest([this](fetch::WeightsGiver::NewestAnswer answer) {
                fetch::Anchor anchor = chain.anchor();
                if (anchor_height > 0)
                    anchor.block = chain::block_hash(chain.headers[anchor_height - 1]);
                answer(fetch::WeightsGiver::Newest{chain.source->name(), anchor});
            });
        }
        void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
            Hello hello;
            hello.genesis_id = chain::genesis_id(of.network);
            send(giver.links, peer, MessageKind::kHello, encode(hello));
            if (stays_ms > 0)
                of.loop.call_after(stays_ms, [this, peer] { giver.links.disconnect(peer); });
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
                    const std::size_t from = std::min<std::size_t>(asked.offset, bytes.size());
                    const std::size_t end = std::min(bytes.size(), from + kAssetChunkBytes);
                    send(giver.links, peer, MessageKind::kAsset,
                         encode(AssetChunk{asked.hash,
                                           bytes.size(),
                                           from,
                                           {bytes.begin() + static_cast<long>(from),
                                            bytes.begin() + static_cast<long>(end)}}));
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
        LightTestChain chain;
        fetch::TestGiver giver;
        Bytes definition = chain::encode(of.network);
        std::vector<std::string> names;
        bool announces = false;  // its newest header, before it answers
        std::uint64_t headers_after_ms = 0;
        std::size_t invented_servers = 0;
        std::uint64_t stays_ms = 0;     // on each link; 0: for ever
        std::size_t anchor_height = 0;  // of the block that it names; 0: its newest
    };

    TestNode& add(const std::string& address, const LightTestChain& chain) {
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
    void expect_model_of(const LightTestChain& chain) {
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

    ManualClock clock{kLightNowMs};
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

}  // namespace cairn::node
