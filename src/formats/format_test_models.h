// One small model of every family that formats can hold, for the tests of this room's files.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "model/rope_scale.h"
#include "model/test_model.h"
#include "model/weights.h"
#include "text/bpe.h"

namespace cairn::formats {

struct NamedConfig {
    std::string name;
    model::ModelConfig config;
};

/// Widths that every block format divides but the K-quants'.
inline std::vector<NamedConfig> family_configs() {
    model::ModelConfig llama{.dim = 64,
                             .hidden_dim = 96,
                             .layers = 2,
                             .heads = 4,
                             .kv_heads = 2,
                             .vocab = 270,
                             .context = 32};
    model::ModelConfig halves = llama;
    halves.rope_interleaved = false;
    halves.tied_head = false;
    model::ModelConfig stretched = halves;
    stretched.rope_theta = 500000.0F;
    stretched.rope_scale = model::llama3_rope_scale(8.0F, 1.0F, 4.0F, 8192);
    model::ModelConfig biased = halves;
    biased.qkv_bias = biased.out_bias = biased.ffn_bias = true;
    biased.rope_scale = model::linear_rope_scale(4.0F);
    model::ModelConfig qwen2 = halves;
    qwen2.qkv_bias = true;
    qwen2.rope_scale = model::yarn_rope_scale(4.0F, 16);
    model::ModelConfig qwen3 = halves;
    qwen3.qk_norm = true;
    qwen3.explicit_head_dim = 32;
    model::ModelConfig gemma3 = qwen3;
    gemma3.tied_head = true;
    gemma3.layers = 3;
    gemma3.norm_position = model::NormPosition::kBoth;
    gemma3.feed_forward = model::FeedForward::kGeglu;
    gemma3.scaled_embedding = true;
    gemma3.rope_theta = 1e6F;
    gemma3.rope_scale = model::linear_rope_scale(8.0F);
    gemma3.window = 9;
    gemma3.window_period = 3;
    gemma3.local_rope_theta = 20000.0F;
    model::ModelConfig gpt2 = llama;
    gpt2.norm = model::NormKind::kLayer;
    gpt2.positions = model::PositionKind::kLearned;
    gpt2.feed_forward = model::FeedForward::kGeluTanh;
    gpt2.kv_heads = gpt2.heads;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;
    model::ModelConfig bert = gpt2;
    bert.norm_position = model::NormPosition::kPost;
    bert.feed_forward = model::FeedForward::kGelu;
    bert.causal = false;
    bert.embedding_norm = true;
    bert.token_types = 2;
    return {{"llama", llama},   {"halves", halves}, {"stretched", stretched},
            {"biased", biased}, {"qwen2", qwen2},   {"qwen3", qwen3},
            {"gpt2", gpt2},     {"bert", bert},     {"gemma3", gemma3}};
}

/// Random weights and a small tokenizer of our own.
inline model::Model family_model(const model::ModelConfig& config, bool with_tokenizer = true) {
    const model::ParameterLayout layout(config);
    model::Model model = model::make_model(config, model::large_parameters(layout, 11));
    if (with_tokenizer && config.causal) {
        const std::string_view text = "the cat and the hat and the theatre";
        model.tokenizer = text::train_bpe(std::span(&text, 1), 262).value()->serialise();
        model.chat_template = "{{ messages }}";
    }
    return model;
}

/// A path of this process's own that does not exist, removed at the end.
class Scratch {
  public:
    explicit Scratch(const std::string& name)
        : path_(std::filesystem::temp_directory_path() /
                ("cairn-" + std::to_string(::getpid()) + "-" + name)) {
        std::filesystem::remove_all(path_);
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace cairn::formats
