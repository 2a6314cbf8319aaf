// A tiny but real network for tests: a model of a few thousand parameters, a tokenizer, judge,
// report and private texts of made-up English. Only for tests.
#pragma once

#include <string>
#include <vector>

#include "chain/network.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "text/bpe.h"
#include "worth/network_rules.h"

namespace cairn::node {

/// Sentences that are easy to learn: a handful of words in a fixed grammar.
inline std::string tiny_text(std::uint64_t seed, std::size_t sentences) {
    static const char* const kWho[] = {"the king", "a shepherd", "the prophet", "my brother"};
    static const char* const kDid[] = {"went down to", "built", "blessed", "remembered"};
    static const char* const kWhat[] = {"the city", "a house of stone", "the river", "his people"};
    SeededRandom random(seed);
    std::string text;
    for (std::size_t i = 0; i < sentences; ++i) {
        text += std::string("And ") + kWho[random.below(4)];
        text += std::string(" ") + kDid[random.below(4)];
        text += std::string(" ") + kWhat[random.below(4)] + ".\n";
    }
    return text;
}

struct TinyNetwork {
    chain::NetworkDefinition definition;
    std::unique_ptr<text::BpeTokenizer> tokenizer;
    std::vector<std::uint32_t> judge;
    std::vector<std::uint32_t> report;

    std::vector<std::uint32_t> private_tokens(std::uint64_t seed) const {
        return tokenizer->encode(tiny_text(100 + seed, 400));
    }
};

/// Complete and calibrated; blocks and rounds as in `base`.
inline TinyNetwork make_tiny_network(chain::NetworkDefinition base) {
    TinyNetwork tiny;
    const std::string judge_text = tiny_text(1, 600);
    const std::string_view learn_from[] = {judge_text};
    tiny.tokenizer = text::train_bpe(learn_from, 288).value();
    tiny.judge = tiny.tokenizer->encode(judge_text);
    tiny.report = tiny.tokenizer->encode(tiny_text(2, 600));
    base.architecture.dim = 16;
    base.architecture.hidden_dim = 32;
    base.architecture.layers = 1;
    base.architecture.heads = 2;
    base.architecture.kv_heads = 2;
    base.architecture.vocab = tiny.tokenizer->vocab_size();
    base.architecture.context = 32;
    base.judge_leaf_tokens = 2048;
    base.codec = {chain::CodecKind::kSrht, 1, 1};
    base.recipe.local_steps = 6;
    base.recipe.batch_tokens = 1024;
    if (base.optimiser == chain::Optimiser::kAdamW) base.recipe.learning_rate_ppb = 10'000'000;
    base.tokenizer_hash = tokenizer_hash(tiny.tokenizer->serialise());
    base.judge_hash = worth::token_text_hash(tiny.judge);
    base.report_hash = worth::token_text_hash(tiny.report);
    const auto* kernels = tensor::kernels_from_environment().value();
    const auto start = calibrate(base, tiny.judge, tiny.private_tokens(0), kernels, 1).value();
    base.norm_start = start.norm_start;
    CHECK(chain::validate(base).ok());
    tiny.definition = base;
    return tiny;
}

}  // namespace cairn::node
