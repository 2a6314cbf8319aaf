// Proves that a sequence gets the same tokens, logits and end in a batch as alone, whoever joins or
// leaves and whenever, for every family, cache type and way of sampling.
#include "infer/batch.h"

#include <gtest/gtest.h>

#include <map>

#include "infer/generate.h"
#include "infer/test_prophet.h"
#include "model/test_families.h"

namespace cairn::infer {
namespace {

struct Outcome {
    std::vector<std::uint32_t> tokens;
    std::uint64_t logits = model::bit_hash({});
    bool ended = false;
    StopReason reason = StopReason::kMaxTokens;
    bool operator==(const Outcome&) const = default;
};

// Mixed lengths, caches, sampling; number 3 ends at a token, number 4 is told to stop.
SequenceRequest request(std::size_t i, const model::ModelConfig& config) {
    SequenceRequest r;
    const std::size_t lengths[] = {5, 1, 70, 12, 33, 2, 64, 7, 100};
    r.prompt = model::random_tokens(lengths[i % 9], config.vocab, 100 + i);
    r.options.max_tokens = 6 + 5 * (i % 4);
    r.kv = tensor::kKvTypes[i % 4];
    if (i % 2 == 1) r.options.sampling = {.temperature = 1.2F, .top_p = 0.95F, .seed = i};
    if (i == 5) r.options.sampling.repetition_penalty = 1.3F;
    if (i == 7) r.options.logit_bias = {{3, 4.0F}, {9, -50.0F}};
    if (i == 3) r.is_end = [](std::uint32_t token) { return token % 8 == 1; };
    return r;
}

bool goes_on(std::size_t i, const GeneratedStep& step) { return i != 4 || step.index < 4; }

Outcome alone(const model::Model& model, const tensor::Compute& compute, std::size_t i) {
    const model::ModelConfig& c = model.config;
    const SequenceRequest r = request(i, c);
    model::Transformer transformer(c, model.weights, model::all_layers(c), compute, {});
    model::KvCache cache(c, model::all_layers(c), c.context, r.kv);
    LocalLayers layers(transformer, cache);
    Outcome outcome;
    const auto text = generate(compute, transformer, layers, r.prompt, r.options, r.is_end,
                               [&](const GeneratedStep& step) {
                                   outcome.tokens.push_back(step.token);
                                   outcome.logits = model::bit_hash(step.logits, outcome.logits);
                                   return goes_on(i, step);
                               });
    outcome.ended = true;
    outcome.reason = text.value().reason;
    return outcome;
}

using Guessers = std::function<std::unique_ptr<Drafter>(std::size_t i)>;

// Sequence i joins before step joins[i]; what was guessed is counted in `drafts`.
std::vector<Outcome> together(const model::Model& model, const tensor::Compute& compute,
                              const std::vector<std::size_t>& joins, std::size_t slice,
                              const Guessers& guessers = {}, std::size_t draft_rows = 0,
                              DraftCount* drafts = nullptr) {
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), compute,
                                   {.max_batch = 40});
    BatchEngine engine(
        transformer, compute,
        {.max_sequences = 9, .prefill_slice = slice, .draft_rows = draft_rows, .draft_tokens = 7});
    std::vector<Outcome> outcomes(joins.size());
    std::map<SequenceId, std::size_t> numbers;
    const auto on_event = [&](const BatchEvent& event) {
        const std::size_t i = numbers.at(event.id);
        Outcome& outcome = outcomes[i];
        EXPECT_FALSE(outcome.ended);
        if (event.ended) {
            EXPECT_FALSE(event.error.has_value());
            outcome.ended = true;
            outcome.reason = event.reason;
            return true;
        }
        outcome.tokens.push_back(event.step->token);
        outcome.logits = model::bit_hash(event.step->logits, outcome.logits);
        return goes_on(i, *event.step);
    };
    for (std::size_t step = 0; step < 1000; ++step) {
        bool more = false;
        for (std::size_t i = 0; i < joins.size(); ++i) {
            more = more || joins[i] > step;
            if (joins[i] != step) continue;
            SequenceRequest r = request(i, c);
            if (guessers) r.drafter = guessers(i);
            numbers[engine.add(std::move(r)).value()] = i;
        }
        if (drafts != nullptr) *drafts = engine.drafts();
        if (engine.is_idle() && !more) return outcomes;
        engine.step(on_event);
    }
    ADD_FAILURE() << "the engine never ends";
    return outcomes;
}

// Guesses that join the steps change no bit, be they right, wrong now and then, or always.
TEST(Batch, GuessesChangeNoBit) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    const model::Model model = model::pack_model(
        machine.compute,
        model::family_model(model::causal_families()[0], tensor::WeightType::kQ8_0));
    std::vector<Outcome> expected;
    for (std::size_t i = 0; i < 9; ++i) expected.push_back(alone(model, machine.compute, i));
    const std::vector<std::vector<std::size_t>> plans = {
        {0}, {0, 0, 1}, {0, 3, 3, 5, 9, 1}, {0, 9, 2, 4, 1, 0, 12, 6, 3}};
    for (const auto& joins : plans)
        for (const std::size_t draft_rows : {8U, 40U})
            for (const std::size_t wrong_every : {1000U, 3U, 1U}) {
                const auto guesser = [&](std::size_t i) -> std::unique_ptr<Drafter> {
                    if (i == 1) return nullptr;
                    std::vector<std::uint32_t> whole = request(i, model.config).prompt;
                    whole.insert(whole.end(), expected[i].tokens.begin(), expected[i].tokens.end());
                    return std::make_unique<Prophet>(std::move(whole), wrong_every);
                };
                DraftCount drafts;
                const auto outcomes =
                    together(model, machine.compute, joins, 7, guesser, draft_rows, &drafts);
                for (std::size_t i = 0; i < joins.size(); ++i)
                    EXPECT_EQ(outcomes[i], expected[i])
                        << i << " of " << joins.size() << ", " << draft_rows << ", " << wrong_every;
                EXPECT_GT(drafts.drafted, 0U);
                if (wrong_every == 1) {
                    EXPECT_EQ(drafts.accepted, 0U);
                }
                // An end token or a caller ends some of what was guessed.
                if (wrong_every == 1000 && joins.size() == 1) {
                    EXPECT_EQ(drafts.accepted, drafts.drafted);
                }
            }
}

TEST(Batch, EverySequenceGetsWhatItGetsAlone) {
    for (const model::Family& family : model::causal_families()) {
        const model::Machine machine(tensor::available_kernel_sets().back(), 2);
        const model::Model model = model::pack_model(
            machine.compute, model::family_model(family, tensor::WeightType::kQ8_0));
        std::vector<Outcome> expected;
        for (std::size_t i = 0; i < 9; ++i) expected.push_back(alone(model, machine.compute, i));
        EXPECT_EQ(expected[4].reason, StopReason::kCaller);
        const std::vector<std::vector<std::size_t>> plans = {{0},
                                                             {0, 0},
                                                             {0, 3, 3, 5},
                                                             {7, 0, 1, 2, 3, 4},
                                                             {0, 0, 0, 0, 0, 0, 0, 0, 0},
                                                             {0, 9, 2, 4, 1, 0, 12, 6, 3}};
        for (const auto& joins : plans)
            for (const std::size_t slice : {1U, 7U, 31U}) {
                const auto outcomes = together(model, machine.compute, joins, slice);
                for (std::size_t i = 0; i < joins.size(); ++i)
                    EXPECT_TRUE(outcomes[i] == expected[i])
                        << family.name << " sequence " << i << " of " << joins.size()
                        << ", prompt slice " << slice;
            }
    }
}

TEST(Batch, EveryKernelSetAndThreadCountAgrees) {
    const model::Family family = model::causal_families()[1];
    const model::Model model = model::family_model(family, tensor::WeightType::kF32);
    const std::vector<std::size_t> joins{0, 1, 2, 0, 4};
    const model::Machine first(tensor::KernelSet::kReference, 1);
    const auto expected = together(model, first.compute, joins, 16);
    for (const tensor::KernelSet set : tensor::available_kernel_sets())
        for (const std::size_t threads : {1U, 2U, 5U}) {
            const model::Machine machine(set, threads);
            EXPECT_TRUE(together(model, machine.compute, joins, 16) == expected)
                << tensor::kernel_set_name(set) << ' ' << threads;
        }
}

TEST(Batch, LeavingChangesNothingForTheOthers) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    const model::Family family = model::causal_families()[0];
    const model::Model model = model::family_model(family, tensor::WeightType::kF32);
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute, {});
    BatchEngine engine(transformer, machine.compute, {});
    const SequenceId stays = engine.add(request(0, c)).value();
    const SequenceId leaves = engine.add(request(2, c)).value();
    Outcome outcome;
    std::size_t steps = 0;
    while (!engine.is_idle()) {
        if (++steps == 4) {
            EXPECT_TRUE(engine.remove(leaves));
        }
        engine.step([&](const BatchEvent& event) {
            if (event.id != stays) return true;
            if (event.ended) {
                outcome.ended = true;
                outcome.reason = event.reason;
            } else {
                outcome.tokens.push_back(event.step->token);
                outcome.logits = model::bit_hash(event.step->logits, outcome.logits);
            }
            return true;
        });
    }
    EXPECT_TRUE(outcome == alone(model, machine.compute, 0));
    EXPECT_FALSE(engine.remove(leaves));
}

// A server gives a model less room than its context has.
TEST(Batch, EndsWhereTheRoomEnds) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const model::Model model =
        model::family_model(model::causal_families()[0], tensor::WeightType::kF32);
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute,
                                   {.max_batch = 16, .max_positions = 12});
    BatchEngine engine(transformer, machine.compute, {});
    SequenceRequest eight{.prompt = model::random_tokens(8, c.vocab, 1)};
    eight.options.max_tokens = 100;
    ASSERT_TRUE(engine.add(std::move(eight)).ok());
    std::size_t tokens = 0;
    std::optional<StopReason> reason;
    for (int step = 0; step < 20 && !engine.is_idle(); ++step)
        engine.step([&](const BatchEvent& event) {
            tokens += event.step != nullptr ? 1 : 0;
            if (event.ended) reason = event.reason;
            return true;
        });
    EXPECT_EQ(reason, StopReason::kContext);
    // The last one is sampled behind the last position and needs none of its own.
    EXPECT_EQ(tokens, 5U);
}

TEST(Batch, AShortPromptDoesNotWaitForLongOnes) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const model::Model model =
        model::family_model(model::causal_families()[0], tensor::WeightType::kF32);
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute, {});
    BatchEngine engine(transformer, machine.compute, {.prefill_slice = 8});
    std::map<SequenceId, std::size_t> first_step;
    std::vector<SequenceId> ids;
    for (const std::size_t length : {150U, 150U, 20U}) {
        SequenceRequest request{.prompt = model::random_tokens(length, c.vocab, length)};
        request.options.max_tokens = 1;
        ids.push_back(engine.add(std::move(request)).value());
    }
    for (std::size_t step = 1; !engine.is_idle(); ++step)
        engine.step([&](const BatchEvent& event) {
            if (event.step != nullptr) first_step[event.id] = step;
            return true;
        });
    // It gets 1 row and 4 of the 8 a step; of 300 rows the oldest has its half meanwhile.
    EXPECT_EQ(first_step.at(ids[2]), 4U);
    EXPECT_LT(first_step.at(ids[0]), 30U);
    EXPECT_LT(first_step.at(ids[0]), first_step.at(ids[1]));
}

TEST(Batch, RefusesWhatDoesNotFit) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const model::Model model =
        model::family_model(model::causal_families()[0], tensor::WeightType::kF32);
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute, {});
    BatchEngine engine(transformer, machine.compute, {.max_sequences = 2});
    EXPECT_FALSE(engine.add({.prompt = {}}).ok());
    EXPECT_FALSE(engine.add({.prompt = {c.vocab}}).ok());
    EXPECT_FALSE(engine.add({.prompt = std::vector<std::uint32_t>(c.context + 1, 1)}).ok());
    EXPECT_TRUE(engine.add({.prompt = {1}}).ok());
    EXPECT_TRUE(engine.add({.prompt = {2}}).ok());
    const auto full = engine.add({.prompt = {3}});
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code, ErrorCode::kFull);
}

}  // namespace
}  // namespace cairn::infer
