#include "cli/train/train_options.h"

#include <algorithm>
#include <array>
#include <bit>
#include <set>

#include <fmt/format.h>

#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/train/train_pairs.h"
#include "text/bpe.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kLeastWarmup = 3;
constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 40;
constexpr std::uint32_t kMinLeaf = 1024;
constexpr std::uint32_t kMaxLeaf = 1U << 20;
constexpr std::uint32_t kMaxLeaves = 1U << 16;

void add_model_options(const Command& command, TrainRequest& request) {
    const auto init =
        command.add_option("--init", request.init, "Model to go on from, of any format");
    command.add_option("--tokenizer", request.tokenizer, "Tokenizer file (default: learn one)");
    const auto shape = [&](const char* name, std::uint32_t& value, const char* description) {
        return command.add_option(name, value, description).excludes(init).capture_default_str();
    };
    shape("--dim", request.shape.dim, "Width of a fresh model").check(range(1U, model::kMaxDim));
    shape("--hidden", request.shape.hidden_dim, "Width of its feed-forward; 0: 8/3 of --dim")
        .check(range(0U, model::kMaxHiddenDim));
    shape("--layers", request.shape.layers, "Its layers").check(range(1U, model::kMaxLayers));
    shape("--heads", request.shape.heads, "Its query heads").check(range(1U, model::kMaxHeads));
    shape("--kv-heads", request.shape.kv_heads, "Its key and value heads")
        .check(range(1U, model::kMaxHeads));
    const Option vocab = shape("--vocab", request.shape.vocab, "Tokens of a new tokenizer")
                             .check(range(text::kFirstMerge, text::kMaxBpeVocab));
    command
        .add_flag("--characters", request.characters,
                  "No merges: every byte is a token (257 with the text boundary)")
        .excludes(vocab)
        .excludes(init);
    command.add_option("--seed", request.seed, "Of weights and order of the text")
        .check(any_seed())
        .capture_default_str();
}

void add_recipe_options(const Command& command, train::Recipe& recipe) {
    const auto option = [&](const char* name, auto& value, const char* description) {
        return command.add_option(name, value, description).capture_default_str();
    };
    option("--context", recipe.context,
           "Tokens per sequence, a power of two; of pairs: of a text at most")
        .check(range(1U, kMaxLeaf));
    option("--leaf", recipe.leaf_tokens,
           "Tokens per gradient leaf, a power of two from 1024; of pairs: of either side at most")
        .check(range(kMinLeaf, kMaxLeaf));
    option("--leaves", recipe.leaves_per_step, "Leaves per step").check(range(1U, kMaxLeaves));
    option("--steps", recipe.total_steps, "Optimiser steps")
        .check(range(std::uint64_t{1}, kMaxSteps));
    option("--rate", recipe.peak_rate, "Highest learning rate");
    option("--floor", recipe.floor_ratio, "Share of it at which the cosine ends");
    option("--warmup", recipe.warmup_steps,
           "Steps of linear warm-up (default: 20, or a fifth of few)")
        .check(range(std::uint64_t{0}, kMaxSteps));
    option("--beta1", recipe.beta1, "AdamW: memory of the mean");
    option("--beta2", recipe.beta2, "AdamW: memory of the squares");
    option("--epsilon", recipe.epsilon, "AdamW: added to the root");
    option("--decay", recipe.weight_decay, "Weight decay of matrices");
    option("--clip", recipe.clip_norm, "Longest gradient; 0: any");
}

void add_run_options(const Command& command, TrainRequest& request) {
    train::RunOptions& options = request.options;
    const auto text = command.add_option("--text", options.texts, "Text files to learn from");
    command
        .add_option("--pairs", options.texts,
                    "Instead: files of pairs for an encoder-decoder, which learns to write the "
                    "targets; {\"source\": ..., \"target\": ...} a line")
        .excludes(text);
    command.add_option("--out", request.out, "Checkpoint to write");
    command.add_option("--valid", options.valid,
                       "Held-out text file (or pairs), measured and never learnt");
    command
        .add_option("--valid-every", options.valid_every,
                    "Steps between measurements on a sample of it; 0: 20 in a run")
        .check(range(std::uint64_t{0}, kMaxSteps));
    command.add_option("--valid-windows", options.valid_windows, "Windows, or pairs, in the sample")
        .check(range(1U, 1U << 20))
        .capture_default_str();
    command.add_option("--log", options.log, "Training log: one JSON object a line (cairn plot)");
    command
        .add_option("--save-every", options.save_every,
                    "Steps between saved states; 0: every ten minutes")
        .check(range(std::uint64_t{0}, kMaxSteps));
    command.add_option("--stop-at", request.stop_at, "Save after this step and end, to go on later")
        .check(range(std::uint64_t{0}, kMaxSteps));
    add_threads_option(command, request.threads);
    command.add_flag("--dry-run", request.dry_run,
                     "Only measure a few steps: parameters, memory, time");
}

// What a resumed run may change; the rest is in its state.
const std::set<std::string> kFreeOnResume = {
    "--help", "--json",       "--text",    "--pairs",   "--valid", "--valid-every",
    "--log",  "--save-every", "--stop-at", "--threads", "--resume"};

struct Limits {
    const char* option;
    double value, low, high;
};

// The recipe's own limits (train/recipe.h), under the names of the options.
Status check_recipe(const train::Recipe& recipe) {
    const std::array limits = {
        Limits{"--rate", recipe.peak_rate, 1e-9, 10},
        Limits{"--floor", recipe.floor_ratio, 0, 1},
        Limits{"--beta1", recipe.beta1, 0, 0.99999},
        Limits{"--beta2", recipe.beta2, 0, 0.9999999},
        Limits{"--epsilon", recipe.epsilon, 1e-20, 1},
        Limits{"--decay", recipe.weight_decay, 0, 10},
        Limits{"--clip", recipe.clip_norm, 0, 1e9},
    };
    // Negated, so that NaN is refused too.
    for (const Limits& limit : limits)
        if (!(limit.value >= limit.low && limit.value <= limit.high))
            return misused(fmt::format("{} must be from {} to {}, not {}", limit.option, limit.low,
                                       limit.high, limit.value));
    if (!std::has_single_bit(recipe.leaf_tokens) || recipe.leaf_tokens < kMinLeaf ||
        recipe.leaf_tokens > kMaxLeaf)
        return misused(fmt::format("--leaf must be a power of two from {} to {}, not {}", kMinLeaf,
                                   kMaxLeaf, recipe.leaf_tokens));
    if (!std::has_single_bit(recipe.context) || recipe.context > recipe.leaf_tokens)
        return misused(fmt::format("--context must be a power of two, at most --leaf ({}), not {}",
                                   recipe.leaf_tokens, recipe.context));
    if (recipe.leaves_per_step < 1 || recipe.leaves_per_step > kMaxLeaves)
        return misused(fmt::format("--leaves must be from 1 to {}, not {}", kMaxLeaves,
                                   recipe.leaves_per_step));
    return ok_status();
}

Status check_steps(const TrainRequest& request) {
    const train::RunOptions& options = request.options;
    const std::uint64_t total = request.recipe.total_steps;
    if (options.minutes > 0 && request.recipe.warmup_steps < kLeastWarmup)
        return misused(
            fmt::format("with --minutes the warm-up takes at least {} steps: the "
                        "machine's speed is measured in it; give a longer --warmup",
                        kLeastWarmup));
    if (options.minutes > 0) return ok_status();
    if (total < 1 || total > kMaxSteps)
        return misused(fmt::format("--steps must be from 1 to {}, not {}", kMaxSteps, total));
    struct Count {
        const char* option;
        std::uint64_t value;
    };
    const std::array counts = {
        Count{"--warmup", request.recipe.warmup_steps}, Count{"--valid-every", options.valid_every},
        Count{"--save-every", options.save_every}, Count{"--stop-at", request.stop_at}};
    for (const Count& count : counts)
        if (count.value > total)
            return misused(
                fmt::format("{} {} is more than the run's {} steps; give a smaller one "
                            "or more --steps",
                            count.option, count.value, total));
    return ok_status();
}

// Checks the shape of a fresh model, before a tokenizer is trained for it.
Status check_shape(const TrainRequest& request) {
    if (!request.init.empty()) return ok_status();
    const model::ModelConfig config =
        fresh_config(request, request.characters ? text::kFirstMerge : request.shape.vocab);
    Status valid = model::validate(request.pairs ? fresh_encoder(config) : config);
    if (valid.ok() && request.pairs) valid = model::validate(fresh_decoder(config));
    if (!valid.ok()) return misused(valid.error().message);
    return ok_status();
}

// The feed-forward width of a fresh model where none is given: 8/3 dim, a multiple of 16.
std::uint32_t default_hidden(std::uint32_t dim) {
    return static_cast<std::uint32_t>((std::uint64_t{dim} * 8 / 3 + 15) / 16 * 16);
}

}  // namespace

model::ModelConfig fresh_config(const TrainRequest& request, std::uint32_t vocab) {
    model::ModelConfig config = request.shape;
    config.vocab = vocab;
    config.context = request.recipe.context;
    if (config.hidden_dim == 0) config.hidden_dim = default_hidden(config.dim);
    return config;
}

void add_train_options(const Command& command, TrainRequest& request) {
    add_run_options(command, request);
    add_model_options(command, request);
    add_recipe_options(command, request.recipe);
    command
        .add_option("--minutes", request.options.minutes,
                    "Time limit instead of --steps: as many as fit, chosen after the warm-up")
        .check(range(0.01, 1e6))
        .excludes("--steps");
    const auto resume = command.add_option(
        "--resume", request.resume, "Go on with the stopped run that writes this checkpoint");
    for (Option option : command.get_options())
        if (!kFreeOnResume.contains(option.get_name())) resume.excludes(option);
}

void settle_defaults(const Command& command, TrainRequest& request) {
    train::Recipe& recipe = request.recipe;
    request.pairs = command.count("--pairs") > 0;
    if (request.options.minutes > 0) recipe.total_steps = 0;
    if (command.count("--warmup") == 0 && recipe.total_steps != 0)
        recipe.warmup_steps = std::min(recipe.warmup_steps, recipe.total_steps / 5);
}

Status check_request(const TrainRequest& request) {
    if (!request.resume.empty()) return ok_status();
    if (request.options.texts.empty())
        return misused("name what to learn from with --text FILE, or --pairs FILE");
    for (const std::string& text : request.options.texts)
        if (text.empty())
            return misused(fmt::format("{} is empty; name what to learn from",
                                       request.pairs ? "--pairs" : "--text"));
    if (request.out.empty() && !request.dry_run)
        return misused("name the checkpoint to write with --out FILE");
    if (request.options.valid_every != 0 && request.options.valid.empty())
        return misused("--valid-every needs a held-out text: --valid FILE");
    RETURN_IF_ERROR(check_recipe(request.recipe));
    RETURN_IF_ERROR(check_steps(request));
    return check_shape(request);
}

}  // namespace cairn::cli
