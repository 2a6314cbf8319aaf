// Proves that somebody who knows a model's name alone gets the tensors that he wants, and no
// others, from several peers at once, to the byte; that a kill loses what was under way at most;
// and that peers who lie, withhold, are slow or give another model's leaves cost time and nothing
// else.
#include "fetch/fetch_weights.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "fetch/test_links.h"
#include "model/test_model.h"

namespace cairn::fetch {
namespace {

model::ModelConfig wide_config() {
    model::ModelConfig config = model::small_config();
    config.vocab = 3001;  // its embedding is many runs of leaves, the last of which is short
    config.dim = 256;
    config.heads = 8;
    config.hidden_dim = 512;
    return config;
}

struct Fetching : testing::Test {
    Fetching() {
        const model::ParameterLayout layout(wide_config());
        model = std::make_shared<const model::Model>(
            model::make_model(layout.config(), model::initial_parameters(layout, 7)));
        source = leaves_of(model, name_model(model->config, model->weights));
        folder = *make_temporary_folder("cairn-fetch-");
        options.folder = folder;
        options.name = source->name();
        options.wanted = [](const Manifest&) { return std::vector<std::size_t>{0, 1, 5}; };
        options.note = [this](const std::string& sentence) { notes.push_back(sentence); };
    }
    ~Fetching() override { (void)remove_tree(folder); }

    TestGiver& add_giver(const std::string& address, GiverOptions giving = {}) {
        auto giver = std::make_unique<TestGiver>(loop, wire, clock, address, std::move(giving));
        giver->giver.offer(source);
        options.sources.push_back(address);
        givers[address] = std::move(giver);
        return *givers[address];
    }
    /// Begins, as a new process would.
    void begin() {
        fetch.reset();
        client.reset();
        result.reset();
        client = std::make_unique<TestLinks>(loop, wire, "client");
        fetch = std::make_unique<WeightsFetch>(
            loop, *client, clock, options,
            [this](Result<KeptWeights> fetched) { result = std::move(fetched); });
        fetch->start();
    }
    bool run(std::uint64_t most_ms = 120'000) {
        for (std::uint64_t ms = 0; ms < most_ms && !result; ms += 50) loop.advance_ms(50);
        return result && result->ok();
    }
    ByteView bytes_of(std::size_t tensor) const {
        const model::TensorInfo info = model->layout().tensors()[tensor];
        return model::tensor_at(model->weights, info.kind, info.layer).canonical();
    }
    void expect_right() {
        ASSERT_TRUE(result && result->ok()) << (result ? result->error().message : "no result");
        for (const std::size_t tensor : std::initializer_list<std::size_t>{0, 1, 5}) {
            const auto bytes = (*result)->load(tensor);
            ASSERT_TRUE(bytes.ok()) << bytes.error().message;
            EXPECT_TRUE(std::ranges::equal(*bytes, bytes_of(tensor)));
        }
        EXPECT_FALSE((*result)->is_whole(2));
    }
    std::uint64_t given() const {
        std::uint64_t bytes = 0;
        for (const auto& [address, giver] : givers) bytes += giver->giver.bytes_given();
        return bytes;
    }
    std::uint64_t wanted_bytes() const {
        return bytes_of(0).size() + bytes_of(1).size() + bytes_of(5).size();
    }
    bool said(const std::string& what) const {
        return std::ranges::any_of(
            notes, [&](const std::string& note) { return note.find(what) != std::string::npos; });
    }

    ManualClock clock;
    TestLoop loop{clock};
    TestWire wire;
    std::shared_ptr<const model::Model> model;
    std::shared_ptr<const LeafSource> source;
    std::string folder;
    FetchOptions options;
    std::vector<std::string> notes;
    std::map<std::string, std::unique_ptr<TestGiver>> givers;
    std::unique_ptr<TestLinks> client;
    std::unique_ptr<WeightsFetch> fetch;
    std::optional<Result<KeptWeights>> result;
};

constexpr auto kLeavesKind = static_cast<std::uint16_t>(MessageKind::kLeaves);

TEST_F(Fetching, WhatIsWantedComesFromAllWhoHaveItAndNothingElse) {
    add_giver("a");
    add_giver("b");
    begin();
    ASSERT_TRUE(run());
    expect_right();
    EXPECT_EQ(given(), wanted_bytes());
    EXPECT_GT(givers["a"]->giver.bytes_given(), 0U);
    EXPECT_GT(givers["b"]->giver.bytes_given(), 0U);
    // The next time nobody is asked.
    givers.clear();
    begin();
    ASSERT_TRUE(run(1'000)) << (result ? result->error().message : "no result");
    expect_right();
    EXPECT_EQ(client->dialled, 0U);
}

TEST_F(Fetching, WhoIsKilledGoesOnWhereHeWas) {
    add_giver("a", {.bytes_per_s = 400'000});
    begin();
    std::size_t kills = 0;
    for (; kills < 50 && !run(700); ++kills) begin();
    EXPECT_GT(kills, 2U);
    expect_right();
    // What was under way when it ended came twice, and no more than that.
    EXPECT_LE(given(), wanted_bytes() + kills * 8 * kMaxLeaves * kLeafBytes);
}

TEST_F(Fetching, LiesAreSeenAndTheLiarIsNamed) {
    for (const std::size_t bit : {std::size_t{8 * 60}, std::size_t{8 * 20'000}}) {
        (void)remove_tree(folder);
        notes.clear();
        givers.clear();
        options.sources.clear();
        add_giver("honest");
        add_giver("liar").links.tamper = [bit](std::uint16_t kind, Bytes& body) {
            if (kind == kLeavesKind && body.size() * 8 > bit) body[bit / 8] ^= 1;
            return true;
        };
        begin();
        ASSERT_TRUE(run());
        expect_right();
        EXPECT_TRUE(said("liar is not asked any more: it sent leaves that are not of model"));
        EXPECT_FALSE(said("honest"));
    }
}

TEST_F(Fetching, LeavesOfAnotherModelOrPlaceAreNoLeavesOfThis) {
    const model::ParameterLayout layout(wide_config());
    const auto other = std::make_shared<const model::Model>(
        model::make_model(layout.config(), model::initial_parameters(layout, 8)));
    const auto others = leaves_of(other, name_model(other->config, other->weights));
    add_giver("honest");
    // Another model's, with that model's own proofs.
    add_giver("other").links.tamper = [&, others](std::uint16_t kind, Bytes& body) {
        if (kind != kLeavesKind) return true;
        const Leaves sent = *decode_leaves(body);
        const std::uint64_t count = (sent.bytes.size() + kLeafBytes - 1) / kLeafBytes;
        LeafRun run = *others->read(sent.first, count);
        body = encode(Leaves{sent.name, sent.first, std::move(run.bytes), std::move(run.proof)});
        return true;
    };
    // This model's, of another place, with their proofs.
    add_giver("moved").links.tamper = [&](std::uint16_t kind, Bytes& body) {
        if (kind != kLeavesKind) return true;
        const Leaves sent = *decode_leaves(body);
        if (sent.bytes.size() != kMaxLeaves * kLeafBytes) return true;
        LeafRun run = *source->read(sent.first == 0 ? kMaxLeaves : 0, kMaxLeaves);
        body = encode(Leaves{sent.name, sent.first, std::move(run.bytes), std::move(run.proof)});
        return true;
    };
    // Says that another model has this name.
    add_giver("named").links.tamper = [&, others](std::uint16_t kind, Bytes& body) {
        if (kind == static_cast<std::uint16_t>(MessageKind::kWeights))
            body = encode(Weights{encode(others->manifest()), std::nullopt});
        return true;
    };
    begin();
    ASSERT_TRUE(run());
    expect_right();
    EXPECT_TRUE(said("other is not asked any more: it sent leaves that are not of model"));
    EXPECT_TRUE(said("moved is not asked any more: it sent leaves that are not of model"));
    EXPECT_TRUE(said("named is not asked any more: what it says of the model"));
}

TEST_F(Fetching, WhoWithholdsOrIsSlowKeepsNobodyWaitingForLong) {
    add_giver("silent").links.tamper = [](std::uint16_t kind, Bytes&) {
        return kind != kLeavesKind;
    };
    add_giver("slow", {.bytes_per_s = 20'000});
    add_giver("honest");
    begin();
    const std::uint64_t began = clock.monotonic_us();
    ASSERT_TRUE(run());
    expect_right();
    EXPECT_LE(clock.monotonic_us() - began, 30'000'000U);
    EXPECT_TRUE(said("silent is not asked any more: it is too slow"));
}

TEST_F(Fetching, WhoSaysTheSameAgainAndAgainKeepsNobodyWaiting) {
    TestGiver& giver = add_giver("a");
    giver.links.tamper = [](std::uint16_t kind, Bytes&) { return kind != kLeavesKind; };
    options.wanted = [](const Manifest&) { return std::vector<std::size_t>{1}; };
    std::function<void()> say = [&] {
        send(giver.links, 1, MessageKind::kWeights,
             encode(Weights{encode(source->manifest()), std::nullopt}));
        loop.call_after(5'000, say);
    };
    loop.call_after(5'000, say);
    begin();
    EXPECT_FALSE(run());
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error().code, ErrorCode::kTimeout);
}

TEST_F(Fetching, ATensorThatAnotherProgramWroteMeanwhileIsAnError) {
    add_giver("a");
    begin();
    ASSERT_TRUE(run());
    const LeafRun run = *source->read(0, 32);
    const Status again = (*result)->append(0, run.bytes, run.proof);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, ErrorCode::kIo);
    expect_right();
}

TEST_F(Fetching, OneProgramAtATimeFetchesIntoAFolder) {
    auto held = lock_folder(folder, {});
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(PosixDisk(folder).lock("lock", false).error().code, ErrorCode::kRefused);
    // fetch_weights() waits for it, and says so; then nobody has the model.
    options.sources = {"127.0.0.1:1"};
    options.patience_ms = 1;
    options.note = [&](const std::string& sentence) {
        notes.push_back(sentence);
        held->reset();
    };
    EXPECT_FALSE(fetch_weights(options).ok());
    EXPECT_TRUE(said("another program fetches into"));
}

TEST_F(Fetching, NobodyWhoHasItIsAnErrorThatSaysWhatIsKept) {
    options.name.bytes[0] ^= 1;
    add_giver("a");
    options.sources.push_back("nobody");
    begin();
    ASSERT_FALSE(run());
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error().code, ErrorCode::kTimeout);
    EXPECT_NE(result->error().message.find("2 addresses were asked"), std::string::npos);
}

TEST_F(Fetching, NoMoreIsFetchedThanIsAllowed) {
    add_giver("a");
    options.max_bytes = wanted_bytes() - 1;
    begin();
    ASSERT_FALSE(run());
    EXPECT_EQ(result->error().code, ErrorCode::kFull);
    EXPECT_EQ(given(), 0U);
}

TEST_F(Fetching, WhatIsDamagedOnDiskIsSeenAndComesAgain) {
    add_giver("a");
    begin();
    ASSERT_TRUE(run());
    const std::string path = folder + "/" + to_hex(options.name) + "/0000";
    Bytes bytes = *read_file(path, std::size_t{1} << 30);
    bytes[1'000'000] ^= 4;
    ASSERT_TRUE(write_file(path, bytes).ok());
    EXPECT_FALSE((*result)->source()->read(0, 1).ok());
    const auto damaged = (*result)->load(0);
    ASSERT_FALSE(damaged.ok());
    EXPECT_NE(damaged.error().message.find("damaged"), std::string::npos);
    begin();
    ASSERT_TRUE(run());
    expect_right();
    // The same while it is growing: it is proved before it is called whole.
    ASSERT_TRUE(remove_tree(folder).ok());
    givers.clear();
    options.sources.clear();
    add_giver("b", {.bytes_per_s = 600'000});
    begin();
    const std::string part = path + ".part";
    for (int i = 0; i < 100 && (!file_size(part).ok() || *file_size(part) < 1'100'000); ++i)
        loop.advance_ms(100);
    Bytes half = *read_file(part, std::size_t{1} << 30);
    half[1'000'000] ^= 4;
    ASSERT_TRUE(write_file(part, half).ok());
    ASSERT_TRUE(run());
    expect_right();
}

TEST_F(Fetching, WhoFetchedSomeGivesThemToOthers) {
    add_giver("a");
    begin();
    ASSERT_TRUE(run());
    const auto part = (*result)->source();
    EXPECT_FALSE(part->has(source->plan().tensor(2).first, 1));
    givers.clear();
    options.sources.clear();
    source = part;
    options.folder = folder + "/second";
    add_giver("b");
    begin();
    ASSERT_TRUE(run());
    expect_right();
    // Who lacks what is wanted says so, and somebody else is asked.
    options.wanted = [](const Manifest&) { return std::vector<std::size_t>{2}; };
    options.patience_ms = 2'000;
    begin();
    EXPECT_FALSE(run());
}

}  // namespace
}  // namespace cairn::fetch
