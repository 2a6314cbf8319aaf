// Proves that the vector of a text is pooled from the states of the double-precision model, of
// encoders and of language models, in batches or alone, and that what cannot be read is refused.
#include "infer/text_vectors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/oracle.h"
#include "model/test_families.h"

namespace cairn::infer {
namespace {

std::vector<double> expected_vector(const std::vector<std::vector<double>>& states,
                                    model::Pooling pooling) {
    std::vector<double> vector(states.front().size(), 0.0);
    for (std::size_t row = 0; row < states.size(); ++row) {
        const bool counts = pooling == model::Pooling::kMean ||
                            row == (pooling == model::Pooling::kFirst ? 0 : states.size() - 1);
        for (std::size_t i = 0; i < vector.size(); ++i) vector[i] += counts ? states[row][i] : 0.0;
    }
    double squares = 0;
    for (const double value : vector) squares += value * value;
    for (double& value : vector) value /= std::sqrt(squares);
    return vector;
}

TEST(TextVectors, ArePooledFromTheStates) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const model::Family& family : {model::families().front(), model::families().back()}) {
        const model::ParameterLayout layout(family.config);
        const std::vector<float> flat = model::large_parameters(layout, 7);
        const std::vector<double> exact(flat.begin(), flat.end());
        const std::vector<std::vector<std::uint32_t>> texts{
            model::random_tokens(family.config.context, family.config.vocab, 4),
            model::random_tokens(3, family.config.vocab, 5)};
        for (const model::Pooling pooling :
             {model::Pooling::kMean, model::Pooling::kFirst, model::Pooling::kLast}) {
            const TextVectors vectors(family.config, model::view_weights(layout, flat),
                                      machine.compute, pooling);
            const auto found = vectors.embed(texts).value();
            ASSERT_EQ(found.size(), 2U);
            for (std::size_t t = 0; t < texts.size(); ++t) {
                const auto wanted =
                    expected_vector(model::Oracle(layout).hidden(exact, texts[t]), pooling);
                for (std::size_t i = 0; i < wanted.size(); ++i)
                    ASSERT_NEAR(double{found[t][i]}, wanted[i], 1e-4)
                        << family.name << ' ' << model::pooling_name(pooling);
                EXPECT_EQ(vectors.embed(std::span(texts).subspan(t, 1)).value()[0], found[t]);
            }
        }
    }
}

TEST(TextVectors, RefuseWhatTheyCannotRead) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    for (const model::Family& family : {model::families().front(), model::families().back()}) {
        const model::ParameterLayout layout(family.config);
        const std::vector<float> flat = model::large_parameters(layout, 7);
        const TextVectors vectors(family.config, model::view_weights(layout, flat), machine.compute,
                                  model::default_pooling(family.config));
        using Texts = std::vector<std::vector<std::uint32_t>>;
        EXPECT_FALSE(vectors.embed(Texts{{}}).ok());
        EXPECT_FALSE(vectors.embed(Texts{{family.config.vocab}}).ok());
        EXPECT_FALSE(
            vectors.embed(Texts{std::vector<std::uint32_t>(family.config.context + 1, 1)}).ok());
        EXPECT_TRUE(vectors.embed(Texts{}).value().empty());
    }
    EXPECT_EQ(model::parse_pooling("cls").value(), model::Pooling::kFirst);
    EXPECT_FALSE(model::parse_pooling("max").ok());
}

}  // namespace
}  // namespace cairn::infer
