// For this room's tests alone: texts that a world's model writes, alone or over servers, to be
// compared to the bit.
#pragma once

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "serve/test_world.h"

namespace cairn::serve {

struct Text {
    text::Tokens tokens;
    Hash256 digest;  // over the bits of every step's logits
    std::string error;

    bool operator==(const Text&) const = default;
};

inline Text write_text(TestWorld& world, infer::LayerStack& layers, const text::Tokens& prompt,
                       std::size_t tokens, float temperature = 0.0F,
                       const infer::Speculation& speculation = {}) {
    model::Transformer ends(world.snapshot.config, world.snapshot.weights, {0, 0}, world.compute);
    infer::GenerateOptions options;
    options.sampling.temperature = temperature;
    options.sampling.seed = 5;
    options.max_tokens = tokens;
    options.prefill_batch = 16;
    crypto::Sha256 hasher;
    auto generated = infer::generate(
        world.compute, ends, layers, prompt, options, {},
        [&](const infer::GeneratedStep& step) {
            hasher.update({reinterpret_cast<const std::uint8_t*>(step.logits.data()),
                           step.logits.size_bytes()});
            return true;
        },
        speculation);
    if (!generated.ok()) return {{}, {}, generated.error().message};
    return {generated->tokens, hasher.finish(), ""};
}

inline Text write_alone(TestWorld& world, const text::Tokens& prompt, std::size_t tokens,
                        float temperature = 0.0F, tensor::StateType wire = tensor::StateType::kF32,
                        tensor::KvType kv = tensor::KvType::kF32) {
    const model::LayerRange all = model::all_layers(world.snapshot.config);
    model::Transformer transformer(world.snapshot.config, world.snapshot.weights, all,
                                   world.compute);
    model::KvCache cache(world.snapshot.config, all, world.snapshot.config.context, kv);
    infer::LocalLayers layers(transformer, cache, wire);
    return write_text(world, layers, prompt, tokens, temperature);
}

inline const text::Tokens kPrompt = {1, 17, 5,  60, 33, 2, 9,  9,  41, 28, 3,  50,
                                     7, 22, 61, 14, 4,  4, 19, 37, 11, 6,  13, 2};

/// Guesses what comes next without fail, and something else now and then.
struct Prophet final : infer::Drafter {
    text::Tokens all;
    std::size_t calls = 0;
    std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                     std::size_t most) override {
        std::vector<std::uint32_t> guesses;
        for (std::size_t i = text.size(); i < all.size() && guesses.size() < most; ++i)
            guesses.push_back(all[i]);
        if (++calls % 3 == 0 && !guesses.empty()) guesses[guesses.size() / 2] ^= 1;
        return guesses;
    }
};

/// Texts over the servers of a world, and what their writer hears meanwhile.
struct RemoteTextTest : ::testing::Test {
    TestWorld world;
    std::vector<std::string> notes;
    RemoteOptions options;  ///< what a test wants beside what over_all() puts in

    explicit RemoteTextTest(std::shared_ptr<const model::Model> model = small_model())
        : world(std::move(model)) {}
    /// Over all servers that the world has now, and one besides.
    RemoteOptions over_all(const std::string& besides = "") {
        options.servers = world.addresses();
        if (!besides.empty()) options.servers.push_back(besides);
        options.max_positions = world.snapshot.config.context;
        options.note = [this](const std::string& note) { notes.push_back(note); };
        return options;
    }
    FakeRemote remote(const std::string& besides = "") { return {world, over_all(besides)}; }
    std::string all_notes() const {
        std::string text;
        for (const std::string& note : notes) text += note + "\n";
        return text;
    }
};

}  // namespace cairn::serve
