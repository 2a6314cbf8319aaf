#include "train/recipe.h"

#include <bit>
#include <cmath>

#include "model/leaf.h"

namespace cairn::train {

namespace {

constexpr std::uint32_t kMaxLeavesPerStep = 1U << 16;

/// Inside [low, high]; false for NaN.
bool within(double value, double low, double high) { return value >= low && value <= high; }

}  // namespace

Status validate(const Recipe& recipe, const model::ModelConfig& config) {
    RETURN_IF_ERROR(model::validate(
        model::LeafShape{recipe.leaf_tokens, recipe.context, /*microbatch=*/0}, config));
    if (recipe.leaves_per_step < 1 || recipe.leaves_per_step > kMaxLeavesPerStep)
        return invalid("recipe: leaves_per_step must be from 1 to 65536");
    if (!within(recipe.peak_rate, 1e-9, 10)) return invalid("recipe: peak_rate out of range");
    if (!within(recipe.floor_ratio, 0, 1)) return invalid("recipe: floor_ratio out of range");
    if (!within(recipe.beta1, 0, 0.99999) || !within(recipe.beta2, 0, 0.9999999))
        return invalid("recipe: beta1 and beta2 must be at least 0 and below 1");
    if (!within(recipe.epsilon, 1e-20, 1)) return invalid("recipe: epsilon out of range");
    if (!within(recipe.weight_decay, 0, 10)) return invalid("recipe: weight_decay out of range");
    if (!within(recipe.clip_norm, 0, 1e9)) return invalid("recipe: clip_norm out of range");
    if (recipe.total_steps != 0 && recipe.total_steps < recipe.warmup_steps)
        return invalid("recipe: the warm-up is longer than the run");
    return ok_status();
}

void encode(const Recipe& recipe, Writer& writer) {
    writer.u32(kRecipeVersion);
    writer.u32(recipe.leaf_tokens);
    writer.u32(recipe.context);
    writer.u32(recipe.leaves_per_step);
    writer.u64(recipe.warmup_steps);
    writer.u64(recipe.total_steps);
    for (const double value : {recipe.peak_rate, recipe.floor_ratio, recipe.beta1, recipe.beta2,
                               recipe.epsilon, recipe.weight_decay, recipe.clip_norm})
        writer.u64(std::bit_cast<std::uint64_t>(value));
    writer.u8(recipe.keep_moments ? 1 : 0);
}

Result<Recipe> decode_recipe(Reader& reader) {
    if (reader.u32() != kRecipeVersion) reader.fail("recipe: another version");
    Recipe recipe;
    recipe.leaf_tokens = reader.u32();
    recipe.context = reader.u32();
    recipe.leaves_per_step = reader.u32();
    recipe.warmup_steps = reader.u64();
    recipe.total_steps = reader.u64();
    for (double* field : {&recipe.peak_rate, &recipe.floor_ratio, &recipe.beta1, &recipe.beta2,
                          &recipe.epsilon, &recipe.weight_decay, &recipe.clip_norm}) {
        *field = std::bit_cast<double>(reader.u64());
        if (!std::isfinite(*field)) reader.fail("recipe: a value that is not finite");
    }
    const std::uint8_t keep = reader.u8();
    if (keep > 1) reader.fail("recipe: a flag that is neither 0 nor 1");
    recipe.keep_moments = keep == 1;
    RETURN_IF_ERROR(reader.status());
    return recipe;
}

}  // namespace cairn::train
