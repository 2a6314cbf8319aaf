// CONSENSUS: changing a result here splits the network.
//
// CONSENSUS: changing a result here (but the recipe's) splits the network.
#include "worth/network_rules.h"

#include "crypto/hash.h"

namespace cairn::worth {

namespace {

double from_ppb(std::uint64_t value) { return static_cast<double>(value) / chain::kPpb; }

}  // namespace

model::ModelConfig model_config(const chain::NetworkDefinition& network) {
    const chain::Architecture& shape = network.architecture;
    model::ModelConfig config;
    config.dim = shape.dim;
    config.hidden_dim = shape.hidden_dim;
    config.layers = shape.layers;
    config.heads = shape.heads;
    config.kv_heads = shape.kv_heads;
    config.vocab = shape.vocab;
    config.context = shape.context;
    // One division of exact integers in double, rounded once more to fp32: the same everywhere.
    config.rope_theta = static_cast<float>(shape.rope_theta);
    config.norm_eps = static_cast<float>(from_ppb(shape.norm_eps_ppb));
    config.tied_head = shape.tied_head;
    config.rope_interleaved = shape.rope_interleaved;
    return config;
}

JudgeRules judge_rules(const chain::NetworkDefinition& network) {
    JudgeRules rules;
    rules.leaf_tokens = network.judge_leaf_tokens;
    rules.context = network.architecture.context;
    rules.parts = network.judge_parts();
    return rules;
}

train::Recipe train_recipe(const chain::NetworkDefinition& network) {
    const chain::Recipe& published = network.recipe;
    const std::uint64_t steps = published.local_steps;
    train::Recipe recipe;
    recipe.leaf_tokens = published.batch_tokens;
    recipe.context = network.architecture.context;
    recipe.leaves_per_step = 1;
    recipe.peak_rate = from_ppb(published.learning_rate_ppb);
    recipe.floor_ratio = from_ppb(published.floor_ppb);
    recipe.warmup_steps = published.warmup_rounds * steps;
    recipe.total_steps =
        published.decay_rounds == 0
            ? 0
            : (std::uint64_t{published.warmup_rounds} + published.decay_rounds) * steps;
    recipe.beta1 = from_ppb(published.beta1_ppb);
    recipe.beta2 = from_ppb(published.beta2_ppb);
    recipe.epsilon = from_ppb(published.adam_eps_ppb);
    recipe.weight_decay = from_ppb(published.weight_decay_ppb);
    recipe.clip_norm = from_ppb(published.clip_ppb);
    recipe.plain_descent = network.optimiser == chain::Optimiser::kSgd;
    return recipe;
}

Hash256 token_text_hash(std::span<const std::uint32_t> tokens) {
    Writer writer;
    for (const std::uint32_t token : tokens) writer.u32(token);
    return crypto::tagged_hash("cairn/token-text", writer.out());
}

}  // namespace cairn::worth
