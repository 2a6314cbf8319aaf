// Proves that somebody with one node's address finds the network's model by proofs alone, and that
// nodes that lie (in leaves, in roots, in headers, in the definition), withhold, tell of a chain
// with less work, or would fill his disk, are found out, named, and cost him time and nothing else.
#include "node/light_client.h"

#include "fetch/fetch_weights.h"
#include "node/test_light_client.h"

namespace cairn::node {
namespace {

TEST_F(Light, OneAddressIsEnough) {
    const LightTestChain chain = make_chain(9, 1);
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
    const LightTestChain chain = make_chain(1'201, 1, 500);
    add("a", chain);
    ASSERT_TRUE(run({"a"})) << error();
    EXPECT_EQ((*result)->tip_height, 1'201U);
}

TEST_F(Light, ABlockThatIsFoundMeanwhileIsNoLie) {
    const LightTestChain chain = make_chain(1'201, 1, 500);
    add("a", chain).announces = true;
    ASSERT_TRUE(run({"a"})) << error();
    EXPECT_EQ((*result)->tip_height, 1'201U);
}

TEST_F(Light, WhoLiesInLeavesIsNamed) {
    const LightTestChain chain = make_chain(9, 1);
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
    const LightTestChain chain = make_chain(9, 1);
    const LightTestChain other = make_chain(9, 2);
    LightTestChain mixed = chain;
    mixed.source = other.source;  // with the roots of the real state
    add("mixed", mixed);
    EXPECT_FALSE(run({"mixed"}));
    EXPECT_TRUE(said("its block's state root is not made of"));
    // Nor one whose block is on no chain that it tells of.
    LightTestChain elsewhere = chain;
    elsewhere.headers = other.headers;
    elsewhere.source = other.source;
    add("elsewhere", elsewhere).chain.headers = chain.headers;
    nodes["elsewhere"]->giver.giver.set_newest([&](fetch::WeightsGiver::NewestAnswer answer) {
        answer(fetch::WeightsGiver::Newest{other.source->name(), other.anchor()});
    });
    EXPECT_FALSE(run({"elsewhere"}));
    EXPECT_TRUE(fails_with("its block is not known here yet")) << error();
    // Nor one that is old.
    LightTestChain longer = make_chain(60, 1);
    add("old", longer);
    nodes["old"]->giver.giver.set_newest([&](fetch::WeightsGiver::NewestAnswer answer) {
        fetch::Anchor anchor = longer.anchor();
        anchor.block = chain::block_hash(longer.headers[10]);
        answer(fetch::WeightsGiver::Newest{longer.source->name(), anchor});
    });
    EXPECT_FALSE(run({"old"}));
    EXPECT_TRUE(fails_with("older than the newest three")) << error();
}

// Its miner spent the work of one block; the merge block below stands firm all the same.
TEST_F(Light, AModelThatABlockOnTopNamesIsNotTakenUntilWorkLiesUponIt) {
    const std::uint64_t step_ms = 3'600'000 / 42;  // up to now: it does not stand still
    network.spacing_ms = step_ms;
    network.halflife_ms = network.spacing_ms * 10;
    const LightTestChain chain = make_chain(41, 1, step_ms);
    const LightTestChain forged = make_chain(42, 2, step_ms, &chain, 41);
    add("a forger", forged);
    EXPECT_FALSE(run({"a forger"}));
    EXPECT_TRUE(fails_with("its model does not stand firm yet")) << error();
    const std::size_t merge = 32;  // 36 has five blocks upon it
    ASSERT_EQ(merge % network.round_length, 0U);
    add("honest", chain).anchor_height = merge;
    ASSERT_TRUE(run({"a forger", "honest"})) << error();
    expect_model_of(chain);
}

// What a round is says nothing of how much work lies upon a block.
TEST_F(Light, FewBlocksOnTopAreNotBelievedHoweverShortARoundIs) {
    const std::uint64_t spacing_ms = network.spacing_ms = 60'000;
    network.halflife_ms = 10 * spacing_ms;
    for (const std::uint32_t round_length : {1U, 2U, 4U}) {
        if (round_length == 1) set_one_winner(network);
        network.round_length = round_length;
        network.genesis_time_ms = kLightNowMs - 60 * spacing_ms;
        const LightTestChain chain = make_chain(40, 1, spacing_ms);
        for (const std::size_t blocks : {6U, 2U, 1U}) {
            (void)remove_tree(folder);
            nodes.clear();
            // The honest chain's latest block came twenty spacings ago, as it happens.
            add("a forger", make_chain(40 + blocks, 2, spacing_ms, &chain, 40)).anchor_height = 41;
            EXPECT_FALSE(run({"a forger"})) << round_length << ": " << blocks;
            EXPECT_TRUE(fails_with("its model does not stand firm yet")) << error();
        }
        add("honest", chain).anchor_height = 34 - 34 % round_length;
        ASSERT_TRUE(run({"a forger", "honest"})) << error();
        expect_model_of(chain);
        // Seven in a row are what it costs: docs/security.md says so.
        nodes.clear();
        add("a forger", make_chain(47, 2, spacing_ms, &chain, 40)).anchor_height = 41;
        EXPECT_TRUE(run({"a forger"})) << error();
    }
}

TEST_F(Light, HeadersWithoutWorkOrOutOfPlaceAreSeen) {
    const LightTestChain chain = make_chain(9, 1);
    LightTestChain lazy = chain;
    // A target that its rule does not give.
    lazy.headers[4].target = 0x1f00ffff;
    add("lazy", lazy);
    EXPECT_FALSE(run({"lazy"}));
    EXPECT_TRUE(said("lazy is not asked any more: it sent an invalid header of height 5"));
    LightTestChain torn = chain;
    torn.headers.erase(torn.headers.begin() + 3);
    add("torn", torn);
    EXPECT_FALSE(run({"torn"}));
    EXPECT_TRUE(said("torn is not asked any more: it sent an invalid header of height 4"));
    // Work that was not done.
    LightTestChain cheap = chain;
    for (std::uint64_t nonce = 0;; ++nonce) {
        cheap.headers.back().nonce = nonce;
        LightHeaders all(network, worth::initial_model_root(
                                      model::ParameterLayout(worth::model_config(network), 4096),
                                      network.weights_seed));
        if (!all.take(cheap.headers, kLightNowMs).ok()) break;
    }
    add("cheap", cheap);
    EXPECT_FALSE(run({"cheap"}));
    EXPECT_TRUE(said("cheap is not asked any more: it sent an invalid header of height 9"));
}

TEST_F(Light, OfSeveralNodesTheChainWithMostWorkCounts) {
    const LightTestChain chain = make_chain(40, 1);
    const LightTestChain forged = make_chain(13, 2);
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
    const LightTestChain chain = make_chain(8, 1);
    options.max_headers = 600;
    add("a flood", make_chain(1'300, 2, 500));
    add("honest", chain);
    ASSERT_TRUE(run({"a flood", "honest"})) << error();
    expect_model_of(chain);
    EXPECT_TRUE(said("a flood is not asked any more: it sends more headers than"));
}

TEST_F(Light, AChainThatIsStillBeingReadIsWaitedFor) {
    const LightTestChain chain = make_chain(1'300, 1, 500);
    add("a forger", make_chain(600, 2, 500));
    add("honest", chain).headers_after_ms = 1'500;
    ASSERT_TRUE(run({"a forger", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, AModelWhoseBlockLeftTheChainMeanwhileIsNotTaken) {
    const LightTestChain chain = make_chain(40, 1);
    const LightTestChain forged = make_chain(13, 2);
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
    const LightTestChain older = make_chain(9, 5);
    const LightTestChain chain = make_chain(20, 1, 2'000, &older, 15);
    LightTestChain told = chain;
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
    const LightTestChain chain = make_chain(9, 1);
    add("a liar", chain).invented_servers = 400;
    add("honest", chain);
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    EXPECT_EQ((*result)->servers.size(), 256U);
    EXPECT_TRUE(std::ranges::count((*result)->servers, "192.0.2.1:8500"));
}

TEST_F(Light, WhoFillsTheRoomWithAWorseBranchDoesNotCostOthersTheirPlace) {
    const LightTestChain chain = make_chain(1'300, 1, 500);
    options.max_headers = 1'500;
    add("a flood", make_chain(400, 2, 500));
    add("honest", chain).headers_after_ms = 100;
    ASSERT_TRUE(run({"a flood", "honest"})) << error();
    expect_model_of(chain);
}

// What is kept of a branch that has less work than the best is a bit for each header.
TEST_F(Light, AnyNumberOfHeadersOfLittleWorkTakeNoRoom) {
    options.max_headers = 1'500;
    const LightTestChain chain = make_chain(600, 1, 1);  // so close together that targets harden
    add("honest", chain);
    const LightTestChain cheap = make_chain(1'300, 2, 500);
    add("a liar", cheap).headers_after_ms = 200;
    add("another liar", make_chain(1'300, 3, 500)).headers_after_ms = 300;
    ASSERT_TRUE(run({"honest", "a liar", "another liar"})) << error();
    expect_model_of(chain);
    EXPECT_EQ((*result)->nodes, 3U) << "all were read to the end";
    EXPECT_TRUE(notes.empty()) << notes.front();
    const std::string headers = folder + "/" + to_hex(chain::genesis_id(network)) + "/headers";
    EXPECT_EQ(file_size(headers).value(), 8 + 600 * chain::kHeaderBytes + Hash256::kSize);
    // Beyond the room they are not even counted.
    (void)remove_tree(folder);
    options.max_headers = 1'000;
    ASSERT_TRUE(run({"honest", "a liar", "another liar"})) << error();
    expect_model_of(chain);
    EXPECT_TRUE(said("a liar is not asked any more: it sends more headers than"));
}

TEST_F(Light, ALongerBranchThatHasLessWorkForAWhileIsReadTwiceAndCounts) {
    const LightTestChain chain = make_chain(1'300, 1, 480);
    add("a liar", make_chain(550, 2, 400));
    add("honest", chain).headers_after_ms = 100;
    ASSERT_TRUE(run({"a liar", "honest"})) << error();
    expect_model_of(chain);
    EXPECT_EQ((*result)->nodes, 2U);
    // Who tells another branch when it is asked again is found out.
    (void)remove_tree(folder);
    TestNode& changes = add("changes", chain);
    changes.headers_after_ms = 100;
    const LightTestChain other = make_chain(1'300, 3, 480);
    int first = 0;
    changes.giver.links.tamper = [&](std::uint16_t kind, Bytes& body) {
        if (kind != static_cast<std::uint16_t>(MessageKind::kHeaders)) return true;
        const Headers told = *decode_headers(body);
        if (!told.headers.empty() && told.headers[0] == chain.headers[0] && ++first == 2)
            body = encode(Headers{{other.headers.begin(), other.headers.begin() + 512}});
        return true;
    };
    EXPECT_TRUE(run({"a liar", "changes"})) << error();
    EXPECT_TRUE(said("changes is not asked any more: it sent another branch"));
}

TEST_F(Light, WhatNobodyAskedForIsNotRead) {
    const LightTestChain chain = make_chain(9, 1);
    TestNode& liar = add("a liar", chain);
    liar.names = {"127.0.0.1:8333"};
    LightTestChain wrong = chain;  // whoever reads it leaves its sender
    wrong.headers[4].target = 0x1f00ffff;
    for (std::uint64_t ms = 30; ms < 5'000; ms += 50)
        loop.call_after(ms, [&] {
            send(liar.giver.links, 1, MessageKind::kHeaders, encode(Headers{wrong.headers}));
        });
    liar.headers_after_ms = 10;
    ASSERT_TRUE(run({"a liar"})) << error();
    expect_model_of(chain);
    EXPECT_EQ(links->dialled, 1U) << "nor is a stranger's word taken for what runs here";
}

// Together, so that none of them alone filled much of it.
TEST_F(Light, WhoShareInFillingTheRoomDoNotCostALongChainItsPlace) {
    const LightTestChain chain = make_chain(1'100, 1, 500);
    options.max_headers = 1'200;
    for (const int liar : {2, 3, 4}) add("liar " + std::to_string(liar), make_chain(60, liar, 500));
    add("honest", chain).headers_after_ms = 300;
    ASSERT_TRUE(run({"liar 2", "liar 3", "liar 4", "honest"})) << error();
    expect_model_of(chain);
}

TEST_F(Light, WhoGreetsAndLeavesAgainAndAgainIsNotWaitedForForEver) {
    const LightTestChain chain = make_chain(9, 1);
    TestNode& liar = add("a liar", chain);
    liar.stays_ms = 50;
    liar.giver.links.tamper = [](std::uint16_t kind, Bytes&) {
        return kind == static_cast<std::uint16_t>(MessageKind::kHello);
    };
    EXPECT_FALSE(run({"a liar"}));
    ASSERT_TRUE(result) << "it still waits";
    EXPECT_EQ(result->error().code, ErrorCode::kTimeout) << error();
    // Nor who gives a part of a file each time, or of the headers' answers none.
    tokenizer.resize(kAssetChunkBytes + 1, 'x');
    network.tokenizer_hash = tokenizer_hash(tokenizer);
    const LightTestChain other = make_chain(9, 1);
    nodes.clear();
    TestNode& half = add("half", other);
    half.stays_ms = 50;
    half.giver.links.tamper = [&](std::uint16_t kind, Bytes& body) {
        if (kind == static_cast<std::uint16_t>(MessageKind::kHeaders)) return false;
        if (kind != static_cast<std::uint16_t>(MessageKind::kAsset)) return true;
        const auto piece = decode_asset_chunk(body);
        if (piece.ok() && piece->hash == network.tokenizer_hash)
            body = encode(AssetChunk{piece->hash, 2 * kAssetChunkBytes, piece->offset,
                                     Bytes(kAssetChunkBytes, 7)});
        return !piece.ok() || piece->offset == 0;
    };
    EXPECT_FALSE(run({"half"}));
    EXPECT_TRUE(fails_with("no node gives tokenizer and headers")) << error();
}

TEST_F(Light, ALargeFirstModelIsHashedForAsLongAsItTakes) {
    const LightTestChain chain = make_chain(9, 1);
    add("a", chain);
    loop.hold(Lane::kServe);
    loop.call_after(3 * options.patience_ms, [&] { loop.release(Lane::kServe); });
    ASSERT_TRUE(run({"a"}, 90'000)) << error();
    expect_model_of(chain);
}

TEST_F(Light, AnotherNetworkIsRefused) {
    const LightTestChain chain = make_chain(9, 1);
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
    const LightTestChain chain = make_chain(9, 1);
    add("a", chain);
    options.max_bytes = 10'000;
    EXPECT_FALSE(run({"a"}));
    EXPECT_EQ(result->error().code, ErrorCode::kFull) << error();
    options.max_bytes = std::uint64_t{1} << 30;
    ASSERT_TRUE(run({"a"})) << error();
    // Of a chain's models only the newest stays.
    const LightTestChain next = make_chain(14, 3);
    nodes.clear();
    add("a", next);
    ASSERT_TRUE(run({"a"})) << error();
    expect_model_of(next);
    const std::string weights = folder + "/" + to_hex(chain::genesis_id(network)) + "/weights";
    EXPECT_EQ(list_folder(weights)->size(), 1U);
}

TEST_F(Light, WhoWithholdsIsWaitedForForAMomentOnly) {
    const LightTestChain chain = make_chain(9, 1);
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
    const LightTestChain chain = make_chain(9, 1);
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
    const LightTestChain chain = make_chain(9, 1);
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
