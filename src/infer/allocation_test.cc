// Proves that the token loop takes no memory: operator new is counted over 50 decode steps of every
// family, type of weights and cache, alone and in a batch.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "infer/batch.h"
#include "infer/generate.h"
#include "model/test_families.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    void* memory =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(size == 0 ? 1 : size)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory == nullptr) std::abort();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new[](std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size, 1); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size, 1); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace cairn::infer {
namespace {

constexpr std::size_t kWarm = 20;
constexpr std::size_t kSteps = 50;

GenerateOptions options(bool sampled) {
    GenerateOptions o;
    o.max_tokens = kWarm + kSteps + 2;
    o.logprobs = true;
    o.top_logprobs = 5;
    if (!sampled) return o;
    o.sampling = {.temperature = 1.0F,
                  .top_k = 40,
                  .top_p = 0.95F,
                  .min_p = 0.01F,
                  .repetition_penalty = 1.1F,
                  .seed = 3};
    o.logit_bias = {{1, 2.0F}};
    return o;
}

TEST(TokenLoop, TakesNoMemory) {
    for (const model::Family& family : model::causal_families()) {
        for (const tensor::WeightType type : model::weight_types()) {
            const model::Machine machine(tensor::available_kernel_sets().back(), 2);
            const model::Model model =
                model::pack_model(machine.compute, model::family_model(family, type));
            const model::ModelConfig& c = model.config;
            model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute,
                                           {});
            for (const bool sampled : {false, true}) {
                model::KvCache cache(c, model::all_layers(c), c.context,
                                     sampled ? model::KvType::kF16 : model::KvType::kF32);
                LocalLayers layers(transformer, cache);
                std::size_t before = 0;
                std::size_t taken = 1;
                const text::Tokens prompt{1, 2, 3};
                ASSERT_TRUE(generate(machine.compute, transformer, layers, prompt, options(sampled),
                                     {},
                                     [&](const GeneratedStep& step) {
                                         if (step.index == kWarm) before = allocations;
                                         if (step.index == kWarm + kSteps)
                                             taken = allocations - before;
                                         return true;
                                     })
                                .ok());
                EXPECT_EQ(taken, 0U) << family.name << ' ' << tensor::weight_type_name(type)
                                     << (sampled ? " sampled" : " greedy");
            }
        }
    }
}

TEST(TokenLoop, TakesNoMemoryInABatch) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 2);
    const model::Model model = model::pack_model(
        machine.compute,
        model::family_model(model::causal_families()[0], tensor::WeightType::kQ8_0));
    const model::ModelConfig& c = model.config;
    model::Transformer transformer(c, model.weights, model::all_layers(c), machine.compute, {});
    BatchEngine engine(transformer, machine.compute, {.max_sequences = 4});
    for (std::size_t i = 0; i < 4; ++i)
        ASSERT_TRUE(engine
                        .add({.prompt = model::random_tokens(3 + i, c.vocab, i),
                              .options = options(i % 2 == 1)})
                        .ok());
    const BatchCallback callback = [](const BatchEvent&) { return true; };
    for (std::size_t step = 0; step < kWarm; ++step) engine.step(callback);
    const std::size_t before = allocations;
    for (std::size_t step = 0; step < kSteps; ++step) engine.step(callback);
    EXPECT_EQ(allocations - before, 0U);
}

}  // namespace
}  // namespace cairn::infer
