#include "train/recipe.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/core.h>

#include "model/leaf.h"
#include "train/pair_lessons.h"

namespace cairn::train {

namespace {

constexpr std::uint32_t kMaxLeavesPerStep = 1U << 16;
/// Bits of the flags.
constexpr std::uint8_t kKeepMoments = 1;
constexpr std::uint8_t kPlainDescent = 2;

// Inside [low, high], which a NaN never is. `field` is followed by the option that sets it.
Status check_range(const char* field, double value, double low, double high) {
    if (value >= low && value <= high) return ok_status();
    return invalid(fmt::format("recipe: {} is {}, must be {} to {}", field, value, low, high));
}

// All but the shape of a leaf.
Status check_numbers(const Recipe& recipe) {
    RETURN_IF_ERROR(
        check_range("leaves_per_step (--leaves)", recipe.leaves_per_step, 1, kMaxLeavesPerStep));
    RETURN_IF_ERROR(check_range("peak_rate (--rate)", recipe.peak_rate, 1e-9, 10));
    RETURN_IF_ERROR(check_range("floor_ratio (--floor)", recipe.floor_ratio, 0, 1));
    RETURN_IF_ERROR(check_range("beta1 (--beta1)", recipe.beta1, 0, 0.99999));
    RETURN_IF_ERROR(check_range("beta2 (--beta2)", recipe.beta2, 0, 0.9999999));
    RETURN_IF_ERROR(check_range("epsilon (--epsilon)", recipe.epsilon, 1e-20, 1));
    RETURN_IF_ERROR(check_range("weight_decay (--decay)", recipe.weight_decay, 0, 10));
    RETURN_IF_ERROR(check_range("clip_norm (--clip)", recipe.clip_norm, 0, 1e9));
    if (recipe.total_steps != 0 && recipe.total_steps < recipe.warmup_steps)
        return invalid("recipe: the warm-up is longer than the run");
    return ok_status();
}

}  // namespace

Status validate(const Recipe& recipe, const model::ModelConfig& config) {
    RETURN_IF_ERROR(model::validate(
        model::LeafShape{recipe.leaf_tokens, recipe.context, /*microbatch=*/0}, config));
    return check_numbers(recipe);
}

Status validate(const Recipe& recipe, const model::EncoderDecoderLayout& layout) {
    // The bounds of leaves are the same whatever is learnt: those of a plain model of this context.
    model::ModelConfig plain = layout.decoder().config();
    plain.cross_context = 0;
    plain.head_bias = false;
    plain.context = std::max(plain.context, recipe.context);
    RETURN_IF_ERROR(model::validate(
        model::LeafShape{recipe.leaf_tokens, recipe.context, /*microbatch=*/0}, plain));
    return check_numbers(recipe);
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
    writer.u8(static_cast<std::uint8_t>((recipe.keep_moments ? kKeepMoments : 0) |
                                        (recipe.plain_descent ? kPlainDescent : 0)));
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
    const std::uint8_t flags = reader.u8();
    if (flags > (kKeepMoments | kPlainDescent)) reader.fail("recipe: a flag that is not known");
    recipe.keep_moments = (flags & kKeepMoments) != 0;
    recipe.plain_descent = (flags & kPlainDescent) != 0;
    RETURN_IF_ERROR(reader.status());
    return recipe;
}

}  // namespace cairn::train
