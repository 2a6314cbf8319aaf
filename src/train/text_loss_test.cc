// Proves that the loss of a text is the same integer by training's pass and by a cache of f32, for
// windows of several pieces and a text that ends inside one.
#include "train/text_loss.h"

#include <gtest/gtest.h>

#include "model/test_model.h"

namespace cairn::train {
namespace {

TEST(TextLoss, ACacheOfF32GivesTheSameInteger) {
    model::ModelConfig config = model::small_config();
    config.context = 512;
    const model::ParameterLayout layout(config);
    const model::Model dense = model::make_model(config, model::large_parameters(layout, 5));
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    const model::Model model = model::pack_model(machine.compute, dense);
    const auto stream = model::random_tokens(512 + 300, config.vocab, 9);
    for (const std::uint32_t context : {64U, 512U}) {
        const std::int64_t trained =
            text_loss(layout, model.weights, stream, context, machine.compute).value();
        EXPECT_EQ(text_loss_with({}, model, stream, context, machine.compute).value(), trained);
        EXPECT_NE(
            text_loss_with({.kv = model::KvType::kDigits}, model, stream, context, machine.compute)
                .value(),
            trained);
    }
}

}  // namespace
}  // namespace cairn::train
