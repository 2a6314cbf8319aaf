// Proves that weights can be walked by the layout whatever they hold, and that a packed model has
// the values of the model that it was packed from, in memory of its own.
#include "model/weights.h"

#include <gtest/gtest.h>

#include <set>

#include "model/test_model.h"

namespace cairn::model {
namespace {

TEST(Weights, EveryTensorHasAPlaceOfItsOwn) {
    ModelConfig config = small_config(false);
    config.qkv_bias = config.out_bias = config.ffn_bias = config.qk_norm = true;
    config.norm = NormKind::kLayer;
    config.embedding_norm = true;
    config.token_types = 2;
    const ParameterLayout layout(config);
    Weights weights;
    weights.layers.resize(config.layers);
    std::set<const void*> places;
    for (const TensorInfo& info : layout.tensors())
        EXPECT_TRUE(places.insert(&tensor_at(weights, info.kind, info.layer)).second) << info.name;
}

TEST(Weights, AViewReadsBackAsTheFlatArray) {
    for (const bool tied : {false, true}) {
        const ParameterLayout layout(small_config(tied));
        const std::vector<float> flat = large_parameters(layout, 3);
        const Model model = make_model(layout.config(), flat);
        EXPECT_TRUE(model.is_dense());
        EXPECT_EQ(dense_parameters(model), flat);
        EXPECT_FALSE(model.weights.head.empty());
        EXPECT_EQ(model.weights.head.data == model.weights.token_embedding.data, tied);
    }
}

TEST(Weights, APackedModelOwnsTheSameValues) {
    for (const bool tied : {false, true}) {
        const ParameterLayout layout(small_config(tied));
        const std::vector<float> flat = large_parameters(layout, 4);
        const Machine machine(tensor::KernelSet::kReference, 1);
        Model packed;
        {
            const Model model = make_model(layout.config(), flat);
            packed = pack_model(machine.compute, model);
            EXPECT_EQ(model.storage.use_count(), 1);
        }
        EXPECT_TRUE(packed.weights.layers[1].wq.packed);
        EXPECT_TRUE(packed.weights.head.packed);
        EXPECT_FALSE(packed.is_dense());
        EXPECT_EQ(dense_parameters(packed), flat);
        const Model again = pack_model(machine.compute, packed);
        EXPECT_EQ(dense_parameters(again), flat);
    }
}

}  // namespace
}  // namespace cairn::model
