// Proves that layers count as held when no parameter of them is lacking.
#include "model/held_layers.h"

#include <gtest/gtest.h>

#include "model/test_families.h"

namespace cairn::model {
namespace {

TEST(HeldLayers, AreThoseOfWhichNothingIsLacking) {
    for (const Family& family : families()) {
        const ParameterLayout layout(family.config);
        const Model whole = make_model(family.config, large_parameters(layout, 1));
        const std::uint32_t layers = family.config.layers;
        EXPECT_TRUE(has_layers(family.config, whole.weights, {0, layers}));
        EXPECT_FALSE(has_layers(family.config, whole.weights, {0, layers + 1}));
        EXPECT_FALSE(has_layers(family.config, whole.weights, {1, 1}));
        for (const TensorInfo& info : layout.tensors()) {
            if (!is_per_layer(info.kind) || info.layer != 1) continue;
            Weights lacking = whole.weights;
            tensor_at(lacking, info.kind, 1) = {};
            EXPECT_FALSE(has_layers(family.config, lacking, {0, layers}));
            EXPECT_TRUE(has_layers(family.config, lacking, {0, 1}));
        }
    }
}

}  // namespace
}  // namespace cairn::model
