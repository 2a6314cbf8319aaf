// CONSENSUS: changing a result here splits the network.
#include "worth/judge.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tensor/loss.h"
#include "train/data.h"

namespace cairn::worth {

namespace {

constexpr std::uint32_t kMaxGradientBits = 40;

}  // namespace

std::vector<std::uint64_t> judge_window_starts(consensus::JudgeBatch batch, const Hash256& seed,
                                               std::uint64_t count,
                                               std::span<const std::uint64_t> parts,
                                               std::uint32_t context) {
    std::vector<std::uint64_t> begins;
    std::uint64_t tokens = 0;
    for (const std::uint64_t part : parts) {
        CHECK(part > context);
        begins.push_back(tokens);
        tokens += part;
    }
    std::vector<std::uint64_t> starts;
    std::uint64_t turn = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        Writer writer;
        writer.raw(as_bytes(batch == consensus::JudgeBatch::kPublic ? "public" : "judge"));
        writer.fixed(seed);
        writer.u64(i);
        const Hash256 hash = crypto::sha256(writer.out());
        Reader reader(hash.view());
        const std::uint64_t place = reader.u64();
        if (i == 0) turn = reader.u64() % parts.size();
        const std::uint64_t part = (i + turn) % parts.size();
        starts.push_back(begins[part] + place % (parts[part] - context));
    }
    return starts;
}

Status validate_judge(const model::ParameterLayout& layout, const JudgeRules& rules,
                      std::span<const std::uint32_t> tokens) {
    RETURN_IF_ERROR(
        model::validate(model::LeafShape{rules.leaf_tokens, rules.context, 0}, layout.config()));
    if (rules.gradient_bits > kMaxGradientBits)
        return invalid("judge: at most 40 fraction bits for the gradient");
    if (!rules.parts.empty()) {
        std::uint64_t sum = 0;
        for (const std::uint64_t part : rules.parts) {
            if (part <= rules.context || part > tokens.size())
                return invalid("judge: a source has no window, or is longer than the judge text");
            sum += part;
        }
        if (sum != tokens.size())
            return invalid("judge: the sources have other lengths together than the judge text");
    }
    return train::check_tokens(tokens, rules.context, layout.config().vocab);
}

Judge::Judge(const model::ParameterLayout& layout, const JudgeRules& rules,
             std::vector<std::uint32_t> tokens, const tensor::Compute& compute)
    : layout_(layout),
      rules_(rules),
      tokens_(std::move(tokens)),
      pass_(layout, model::LeafShape{rules.leaf_tokens, rules.context, 0}, compute),
      loss_pass_(layout, model::LeafShape{rules.loss_tokens(), rules.context, 0}, compute),
      gradient_(layout.size()) {
    CHECK(validate_judge(layout, rules, tokens_).ok());
}

void Judge::gather(consensus::JudgeBatch batch, const Hash256& seed, std::uint32_t tokens) {
    const std::uint64_t whole = tokens_.size();
    const auto parts = rules_.parts.empty() ? std::span(&whole, 1) : std::span(rules_.parts);
    const auto starts =
        judge_window_starts(batch, seed, tokens / rules_.context, parts, rules_.context);
    train::gather_windows(tokens_, starts, rules_.context, inputs_, targets_);
}

std::vector<std::int32_t> Judge::gradient(std::span<const float> weights,
                                          consensus::JudgeBatch batch, const Hash256& seed) {
    gather(batch, seed, rules_.leaf_tokens);
    pass_.backward(model::view_weights(layout_, weights), inputs_, targets_, gradient_);
    std::vector<std::int32_t> values(gradient_.size());
    tensor::gradient_to_fixed(gradient_, static_cast<int>(rules_.gradient_bits), values);
    return values;
}

std::int64_t Judge::loss(std::span<const float> weights, const Hash256& seed) {
    gather(consensus::JudgeBatch::kScoring, seed, rules_.loss_tokens());
    return loss_pass_.forward_loss(model::view_weights(layout_, weights), inputs_, targets_);
}

}  // namespace cairn::worth
