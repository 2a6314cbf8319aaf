// Proves that a network definition survives bytes and JSON unchanged, that every field counts for
// the genesis id, and that what is unknown, doubled or out of bounds is refused by name.
#include "chain/network.h"
#include "chain/block.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "chain/codec_kinds.h"
#include "chain/network_bytes.h"
#include "chain/test_objects.h"

namespace cairn::chain {
namespace {

using Json = nlohmann::ordered_json;

NetworkDefinition rich_network() {
    NetworkDefinition network;
    network.name = "hospitals-3";
    network.upgrades = {{1000, 2, 0}, {2000, 3, 2}, {2500, 0, 4}};
    network.architecture.layers = 6;
    network.codec = {CodecKind::kSrht, 1, 4};
    network.weights_seed = 0xffffffffffffffff;
    network.public_share = 32768;
    network.sources = {{"books", 9000, 8000}, {"git-log", 129, 300}};
    network.judge_hash = filled<32>(7);
    network.members = {test_key(1), test_key(2), test_key(3)};
    std::sort(network.members.begin(), network.members.end());
    return network;
}

std::string error_of(const std::string& json) {
    const auto network = network_from_json(json);
    return network.ok() ? "" : network.error().message;
}

TEST(Network, DefaultIsValid) {
    const Status status = validate(NetworkDefinition{});
    EXPECT_TRUE(status.ok()) << status.error().message;
}

TEST(Network, BytesAndJsonRoundTrip) {
    for (const NetworkDefinition& network : {NetworkDefinition{}, rich_network()}) {
        const auto back = decode_network(encode(network));
        ASSERT_TRUE(back.ok()) << back.error().message;
        EXPECT_EQ(*back, network);
        const auto from_json = network_from_json(to_json(network));
        ASSERT_TRUE(from_json.ok()) << from_json.error().message;
        EXPECT_EQ(*from_json, network);
        EXPECT_EQ(genesis_id(*from_json), genesis_id(network));
    }
}

TEST(Network, BytesHaveOneSpelling) {
    const Bytes bytes = encode(rich_network());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_network(ByteView(bytes).first(size)).ok());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes flipped = bytes;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
        const auto decoded = decode_network(flipped);
        if (decoded.ok()) {
            EXPECT_EQ(encode(*decoded), flipped);
        }
    }
}

// A network that lives gets upgrades, so its id must not move with them.
TEST(Network, UpgradesDoNotMoveTheGenesisId) {
    NetworkDefinition later = rich_network();
    later.upgrades.push_back({9000, 0, 7});
    EXPECT_EQ(genesis_id(later), genesis_id(rich_network()));
    EXPECT_NE(encode(later), encode(rich_network()));
}

TEST(Network, UpgradesInJson) {
    const auto upgrades = [](const std::string& list) {
        return network_from_json("{\"upgrades\": " + list + "}");
    };
    EXPECT_EQ(upgrades(R"([{"height": 7, "rules_version": 2}])")->upgrades,
              (std::vector<Upgrade>{{7, 0, 2}}));
    for (const char* bad :
         {R"([{"height": 7, "rules_version": 0}])", R"([{"height": 7, "rules_version": 65537}])",
          R"([{"height": 7, "rule_version": 2}])", R"([{"height": 7}])",
          R"([{"rules_version": 2}])", R"([{"height": 7, "numerics_version": null}])", "[7]"})
        EXPECT_FALSE(upgrades(bad).ok()) << bad;
}

/// What a later program might add to the definition: two extensions behind the closed table.
struct LaterFields {
    std::uint32_t colour = 3;
    std::string home = "here";
    bool loud = false;
    bool operator==(const LaterFields&) const = default;
};
template <typename N, typename V>
void visit_later(N& n, V& v) {
    v.extension(4, n, [](auto& to, auto& visitor) { visitor.number("colour", to.colour, 0, 9); });
    v.extension(9, n, [](auto& to, auto& visitor) {
        visitor.begin("sound");
        visitor.text("home", to.home);
        visitor.flag("loud", to.loud);
        visitor.end();
    });
}
std::vector<fields::Extension> later_list(const LaterFields& later) {
    fields::EncodeExtensions encoder;
    visit_later(later, encoder);
    return encoder.list;
}
Result<LaterFields> read_later(std::vector<fields::Extension> list) {
    LaterFields later;
    fields::DecodeExtensions decoder(std::move(list));
    visit_later(later, decoder);
    RETURN_IF_ERROR(decoder.finish());
    return later;
}

TEST(Network, ExtensionsAreOmittedWhereTheyHaveTheirDefault) {
    EXPECT_TRUE(later_list({}).empty());
    for (const LaterFields& later : {LaterFields{}, LaterFields{.colour = 4},
                                     LaterFields{.loud = true}, LaterFields{5, "there", true}})
        EXPECT_EQ(read_later(later_list(later)).value(), later);
    EXPECT_EQ(later_list({.loud = true}).at(0).id, 9);
    // A second spelling, a field that is cut short, and one that goes on.
    EXPECT_FALSE(read_later({{4, {3, 0, 0, 0}}}).ok());
    EXPECT_TRUE(read_later({{4, {2, 0, 0, 0}}}).ok());
    EXPECT_FALSE(read_later({{4, {2, 0, 0}}}).ok());
    EXPECT_FALSE(read_later({{4, {2, 0, 0, 0, 0}}}).ok());
    for (const std::uint16_t unknown : {std::uint16_t{1}, std::uint16_t{5}, std::uint16_t{10}}) {
        const auto refused = read_later({{unknown, {1}}});
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
        EXPECT_NE(refused.error().message.find("extension " + std::to_string(unknown) + " is not"),
                  std::string::npos);
    }
}

TEST(Network, AnUnknownExtensionIsNamed) {
    // The list is the last thing of a definition, and empty here: its count is the last u32.
    const Bytes bytes = encode(NetworkDefinition{});
    const auto with = [&](const std::vector<fields::Extension>& list) {
        Writer writer;
        writer.raw(ByteView(bytes).first(bytes.size() - 4));
        fields::write_extensions(writer, list);
        return decode_network(writer.out());
    };
    EXPECT_TRUE(with({}).ok());
    const auto newer = with({{60000, {1, 2}}});
    EXPECT_EQ(newer.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(newer.error().message.find("extension 60000 is not known"), std::string::npos);
    EXPECT_EQ(with({{60000, {}}, {60000, {}}}).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(with({{60001, {}}, {60000, {}}}).error().code, ErrorCode::kInvalid);
}

/// Every number of the JSON form, one by one: a change changes the genesis id, and a value far
/// out of bounds is refused with the field's name.
TEST(Network, EveryNumberCountsAndIsBounded) {
    const Json base = Json::parse(to_json(NetworkDefinition{}));
    const Hash256 base_id = genesis_id(NetworkDefinition{});
    int numbers = 0;
    const auto try_field = [&](const Json::json_pointer& pointer, const std::string& name) {
        Json changed = base;
        changed[pointer] = changed[pointer].get<std::uint64_t>() + 1;
        const auto network = network_from_json(changed.dump());
        if (network.ok()) {
            EXPECT_NE(genesis_id(*network), base_id) << name;
        }
        for (const Json& bad : {Json(-1), Json(1.5), Json("1"), Json(nullptr)}) {
            changed[pointer] = bad;
            EXPECT_NE(error_of(changed.dump()).find(name), std::string::npos) << name;
        }
        if (name == "weights_seed") return;  // any u64
        changed[pointer] = 0xffffffffffffffff;
        EXPECT_NE(error_of(changed.dump()).find(name), std::string::npos) << name;
        ++numbers;
    };
    for (const auto& [name, value] : base.items()) {
        if (value.is_number()) try_field(Json::json_pointer("/" + name), name);
        if (!value.is_object()) continue;
        for (const auto& [inner, number] : value.items()) {
            if (number.is_number()) try_field(Json::json_pointer("/" + name + "/" + inner), inner);
        }
    }
    EXPECT_GT(numbers, 45);
}

/// Who founds a network may write anything there; a parser's exception would end the program.
TEST(Network, EveryFlagAndTextIsOfItsKind) {
    const Json base = Json::parse(to_json(rich_network()));
    int tried = 0;
    const auto try_field = [&](const Json::json_pointer& pointer, const std::string& name) {
        Json changed = base;
        for (const Json& bad : {Json(7), Json(nullptr), Json::array(), Json::object(),
                                base[pointer].is_boolean() ? Json("true") : Json(true)}) {
            changed[pointer] = bad;
            EXPECT_NE(error_of(changed.dump()).find(name), std::string::npos) << changed.dump();
        }
        ++tried;
    };
    const auto is_of_them = [](const Json& value) {
        return value.is_boolean() || value.is_string();
    };
    for (const auto& [name, value] : base.items()) {
        if (is_of_them(value)) try_field(Json::json_pointer("/" + name), name);
        if (!value.is_object()) continue;
        for (const auto& [inner, field] : value.items())
            if (is_of_them(field)) try_field(Json::json_pointer("/" + name + "/" + inner), inner);
    }
    EXPECT_GE(tried, 5);
}

/// Before it is read, so that what a stranger sends costs no more than its limit.
TEST(Network, WhatIsTooLongIsNotRead) {
    const std::string json = to_json(NetworkDefinition{});
    const std::string blanks(kMaxNetworkJsonBytes - json.size(), ' ');
    EXPECT_EQ(error_of(json + blanks), "");
    EXPECT_EQ(error_of(json + blanks + " "), "too long to be a network.json");
    EXPECT_EQ(decode_network(Bytes(kMaxNetworkBytes + 1)).error().message,
              "network definition: too long");
    EXPECT_EQ(decode_block(Bytes(kMaxBlockBytes + 1)).error().message,
              "a block has at most " + std::to_string(kMaxBlockBytes) + " bytes");
}

TEST(Network, JsonRefusesWhatItDoesNotKnow) {
    Json json = Json::parse(to_json(NetworkDefinition{}));
    json["colour"] = 3;
    EXPECT_EQ(error_of(json.dump()),
              "colour is not a field that this program knows; mend its spelling, or update Cairn");
    json.erase("colour");
    json["recipe"]["momentum"] = 3;
    EXPECT_EQ(
        error_of(json.dump()),
        "recipe.momentum is not a field that this program knows; mend its spelling, or update "
        "Cairn");
    EXPECT_NE(error_of("{\"name\": \"a\", \"name\": \"b\"}").find("name is there twice"),
              std::string::npos);
    EXPECT_EQ(error_of("[1]"), "must be an object");
    EXPECT_NE(error_of("{").find("not JSON from line 1"), std::string::npos);
    EXPECT_EQ(error_of("{}"), "");  // all defaults
}

// However a text is built, it is refused in a time that grows with its length.
TEST(Network, JsonOfManyPartsIsRefusedAtOnce) {
    const auto repeated = [](const std::string& first, const std::string& more) {
        std::string text = first;
        while (text.size() + more.size() < kMaxNetworkJsonBytes - 16) text += more;
        return text;
    };
    std::string keys = "{\"0\":0";
    for (int i = 1; i < 60'000; ++i) keys += ",\"" + std::to_string(i) + "\":0";
    const std::clock_t began = std::clock();
    for (const std::string& text : {repeated("{\"upgrades\":[{}", ",{}") + "]}",
                                    repeated("{\"upgrades\":[[]", ",[]") + "]}", keys + "}"})
        EXPECT_NE(error_of(text).find("too many"), std::string::npos) << error_of(text);
    EXPECT_NE(error_of("{\"upgrades\":[[[[[[[[[1]]]]]]]]]}").find("too deep"), std::string::npos);
    // Milliseconds of the processor; looking through a list for each of its objects takes half a
    // minute and more.
    EXPECT_LT(std::clock() - began, 5 * CLOCKS_PER_SEC);
}

TEST(Network, RulesBetweenFields) {
    const auto message = [](auto change) {
        NetworkDefinition network;
        change(network);
        const Status status = validate(network);
        return status.ok() ? std::string() : status.error().message;
    };
    const auto names = [&](const std::string& field, auto change) {
        EXPECT_NE(message(change).find(field), std::string::npos) << message(change);
    };
    names("architecture.heads", [](auto& n) { n.architecture.heads = 3; });
    names("architecture.kv_heads", [](auto& n) { n.architecture.kv_heads = 3; });
    names("architecture.context", [](auto& n) { n.architecture.context = 100; });
    names("judge_leaf_tokens", [](auto& n) { n.judge_leaf_tokens = 3000; });
    names("codec.bits", [](auto& n) { n.codec.bits = 3; });
    names("codec", [](auto& n) { n.codec.kind = CodecKind::kDense; });
    names("reveal_depth", [](auto& n) { n.reveal_depth = 3; });
    names("paid_contributions", [](auto& n) { n.paid_contributions = 65; });
    names("halflife_ms", [](auto& n) { n.halflife_ms = 1500; });
    names("first_target", [](auto& n) { n.pow_limit = 0x1e0ffffe; });
    names("first_target", [](auto& n) { n.first_target = 0x1f000001; });
    names("pow_limit", [](auto& n) { n.pow_limit = 0x2100ffff; });
    names("max_block_bytes", [](auto& n) { n.max_block_bytes = n.max_payload_bytes; });
    // What no link could carry.
    names("max_block_bytes", [](auto& n) { n.max_block_bytes = kMaxBlockBytes + 1; });
    names("subsidy_unit", [](auto& n) { n.subsidy_unit = std::uint64_t{1} << 48; });
    names("upgrades", [](auto& n) { n.upgrades = {{5, 1, 0}}; });
    names("upgrades", [](auto& n) { n.upgrades = {{5, 0, 1}}; });
    names("upgrades", [](auto& n) { n.upgrades = {{5, 0, 0}}; });
    names("upgrades", [](auto& n) { n.upgrades = {{5, 2, 2}, {6, 0, 3}, {7, 2, 0}}; });
    names("upgrades", [](auto& n) { n.upgrades = {{5, 2, 0}, {5, 3, 0}}; });
    names("members", [](auto& n) { n.members = {filled<32>(0)}; });
    names("name", [](auto& n) { n.name = "a b"; });
    names("numerics version 2", [](auto& n) { n.numerics_version = 2; });
    names("rules version 2", [](auto& n) { n.rules_version = 2; });
}

// A codec is judged alone (by codec/) and as a part of its network. If the two differed, a network
// could be founded whose updates nobody can encode.
TEST(Network, ACodecIsValidWhereItsNetworkIs) {
    std::size_t valid = 0;
    for (std::size_t kind = 0; kind <= std::size(kCodecNames); ++kind)
        for (std::uint32_t ratio = 0; ratio <= 12; ++ratio)
            for (std::uint32_t bits = 0; bits <= 32; ++bits) {
                NetworkDefinition network;
                network.codec = {static_cast<CodecKind>(kind), ratio, bits};
                network.max_contributions = network.paid_contributions = 1;  // none is too slow
                const bool allowed = validate(network.codec).ok();
                EXPECT_EQ(validate(network).ok(), allowed) << ratio << " " << bits;
                if (allowed) ++valid;
            }
    EXPECT_EQ(valid, 9U * (2U * 4U + 5U * 3U) + 1U)
        << "log2_ratio 0 to 8 at four widths or three, and dense";
}

TEST(Network, SourcesAreSeveralTextsWithNames) {
    const auto error_with = [](std::vector<TextSource> sources) {
        NetworkDefinition network;
        network.sources = std::move(sources);
        const Status status = validate(network);
        return status.ok() ? std::string() : status.error().message;
    };
    EXPECT_EQ(error_with({{"a", 129, 129}, {"b", 200, 300}}), "");
    EXPECT_EQ(error_with({{"a", 129, 0}, {"b", 200, 0}}), "") << "no report text";
    EXPECT_NE(error_with({{"a", 129, 129}}), "") << "one source is none";
    EXPECT_NE(error_with(std::vector<TextSource>(17, {"a", 129, 129})), "");
    EXPECT_NE(error_with({{"a", 129, 129}, {"a", 200, 300}}), "") << "one name twice";
    EXPECT_NE(error_with({{"a b", 129, 129}, {"b", 200, 300}}), "");
    EXPECT_NE(error_with({{"a", 128, 129}, {"b", 200, 300}}), "") << "the context is 128";
    EXPECT_NE(error_with({{"a", 129, 129}, {"b", 200, 128}}), "");
    EXPECT_NE(error_with({{"a", 129, 129}, {"b", 200, 0}}), "") << "all have report texts, or none";
    EXPECT_NE(error_of(R"({"sources": [{"name": "a", "judge_tokens": 129}]})"), "");
    EXPECT_NE(error_of(R"({"sources": 3})"), "");
    NetworkDefinition one, other;
    one.sources = {{"a", 129, 129}, {"b", 200, 300}};
    other.sources = {{"a", 130, 129}, {"b", 199, 300}};
    EXPECT_NE(genesis_id(one), genesis_id(other));
    EXPECT_EQ(one.judge_parts(), (std::vector<std::uint64_t>{129, 200}));
    EXPECT_EQ(one.report_parts(), (std::vector<std::uint64_t>{129, 300}));
}

// A definition promises nothing that the rules of one winner a block do not keep.
TEST(Network, OneWinnerABlockLeavesOutWhatItHasNoUseFor) {
    NetworkDefinition network;
    network.round_length = 1;
    network.max_contributions = network.paid_contributions = 1;
    network.carry_share = network.novelty_rounds = 0;
    ASSERT_TRUE(validate(network).ok()) << validate(network).error().message;
    EXPECT_TRUE(network.one_winner());
    EXPECT_FALSE(NetworkDefinition{}.one_winner());
    const auto refuses = [&](const std::string& field, auto change) {
        NetworkDefinition changed = network;
        change(changed);
        const Status status = validate(changed);
        ASSERT_FALSE(status.ok()) << field;
        EXPECT_NE(status.error().message.find(field), std::string::npos) << status.error().message;
    };
    refuses("max_contributions", [](auto& n) { n.max_contributions = 2; });
    refuses("carry_share", [](auto& n) { n.carry_share = 1; });
    refuses("novelty_rounds", [](auto& n) { n.novelty_rounds = 1; });
    refuses("reveal_depth", [](auto& n) { n.reveal_depth = 1; });
    refuses("round_length", [](auto& n) { n.round_length = 0; });
    for (std::uint32_t height = 1; height <= 3; ++height) {
        EXPECT_EQ(network.round_of(height), height - 1);
        EXPECT_EQ(network.merge_height(height - 1), height);
        EXPECT_TRUE(network.is_first_of_round(height));
        EXPECT_TRUE(network.is_merge_height(height));
    }
    EXPECT_FALSE(network.is_first_of_round(0));
    EXPECT_FALSE(network.is_merge_height(0));
}

TEST(Network, AnOptimiserIsAnExtension) {
    const NetworkDefinition usual;
    NetworkDefinition plain;
    plain.optimiser = Optimiser::kSgd;
    EXPECT_EQ(to_json(usual).find("optimiser"), std::string::npos);
    EXPECT_NE(to_json(plain).find("\"optimiser\": \"sgd\""), std::string::npos);
    EXPECT_EQ(*network_from_json(to_json(plain)), plain);
    EXPECT_EQ(*decode_network(encode(plain)), plain);
    EXPECT_EQ(encode(plain).size(), encode(usual).size() + 2 + 4 + 1);
    EXPECT_NE(genesis_id(plain), genesis_id(usual));
    EXPECT_EQ(error_of(R"({"optimiser": "adamw"})"), "");
    EXPECT_NE(error_of(R"({"optimiser": "lion"})").find("\"adamw\" or \"sgd\""), std::string::npos);
    Bytes bytes = encode(plain);
    bytes.back() = 2;
    EXPECT_NE(decode_network(bytes).error().message.find("optimiser 2 is not known"),
              std::string::npos);
    bytes.back() = 0;
    EXPECT_NE(decode_network(bytes).error().message.find("default"), std::string::npos);
}

TEST(Network, MembersMustBeSortedKeys) {
    NetworkDefinition network = rich_network();
    std::swap(network.members[0], network.members[1]);
    EXPECT_FALSE(validate(network).ok());
    EXPECT_TRUE(rich_network().is_member(test_key(2)));
    EXPECT_FALSE(rich_network().is_member(test_key(4)));
    EXPECT_TRUE(NetworkDefinition{}.is_member(test_key(4)));
}

TEST(Network, RoundsAndUpgrades) {
    NetworkDefinition network = rich_network();
    network.round_length = 4;
    EXPECT_EQ(network.round_of(1), 0u);
    EXPECT_EQ(network.round_of(4), 0u);
    EXPECT_EQ(network.round_of(5), 1u);
    EXPECT_EQ(network.merge_height(0), 4u);
    EXPECT_FALSE(network.is_merge_height(0));
    EXPECT_FALSE(network.is_merge_height(3));
    EXPECT_TRUE(network.is_merge_height(4));
    EXPECT_FALSE(network.is_first_of_round(0));
    EXPECT_TRUE(network.is_first_of_round(1));
    EXPECT_FALSE(network.is_first_of_round(4));
    EXPECT_TRUE(network.is_first_of_round(5));
    EXPECT_EQ(network.versions_at(999), (Versions{1, 1}));
    EXPECT_EQ(network.versions_at(1000), (Versions{2, 1}));
    EXPECT_EQ(network.versions_at(2000), (Versions{3, 2}));
    EXPECT_EQ(network.versions_at(5000), (Versions{3, 4}));
}

// A network that does not name another codec keeps its bytes; each name has its number in them.
TEST(Network, CodecsHaveNames) {
    const NetworkDefinition plain;
    const Bytes bytes = encode(plain);
    for (std::size_t kind = 0; kind < std::size(kCodecNames); ++kind) {
        NetworkDefinition network;
        network.codec = {static_cast<CodecKind>(kind), 3, 8};
        if (network.codec.kind == CodecKind::kDense) network.codec.log2_ratio = 0;
        if (is_dense_sketch(network.codec.kind)) network.max_contributions = 16;
        ASSERT_TRUE(validate(network).ok()) << validate(network).error().message;
        EXPECT_EQ(*network_from_json(to_json(network)), network);
        EXPECT_EQ(*decode_network(encode(network)), network);
        EXPECT_NE(to_json(network).find(std::string("\"") + kCodecNames[kind] + "\""),
                  std::string::npos);
        network.codec.bits = 1;
        EXPECT_EQ(validate(network).ok(), is_rotation(network.codec.kind));
    }
    NetworkDefinition network;
    network.codec.kind = static_cast<CodecKind>(std::size(kCodecNames));
    EXPECT_FALSE(validate(network).ok());
    EXPECT_EQ(encode(NetworkDefinition{}), bytes);
}

// A sketch whose matrix has no zeros is refused where a merge block would take minutes.
TEST(Network, SlowSketchesAreForSmallModels) {
    NetworkDefinition network;
    network.codec = {kGaussian, 3, 8};
    network.max_contributions = 64;
    const Status refused = validate(network);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("count-sketch"), std::string::npos);
    network.codec.log2_ratio = 8;
    EXPECT_TRUE(validate(network).ok()) << validate(network).error().message;
    network.codec = {kCountSketch, 3, 8};
    EXPECT_TRUE(validate(network).ok());
}

}  // namespace
}  // namespace cairn::chain
