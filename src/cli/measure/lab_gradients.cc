#include "cli/measure/lab_gradients.h"

#include <bit>
#include <cstring>
#include <memory>
#include <ostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/models/config_json.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "model/leaf.h"
#include "tensor/philox.h"
#include "train/data.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t kLeaf = 1024;
// Noise added to the initial parameters: with biases 0 and norms 1, some errors would not show.
constexpr double kNoise = 0.1;

Result<model::ModelConfig> family_config(const std::string& family, std::uint32_t context) {
    model::ModelConfig config;
    config.dim = 64;
    config.hidden_dim = 176;
    config.layers = 3;
    config.heads = 4;
    config.kv_heads = 2;
    config.vocab = 300;
    config.context = context;
    if (family == "llama") return config;
    if (family == "qwen3") {
        config.rope_interleaved = false;
        config.qkv_bias = true;
        config.qk_norm = true;
        config.explicit_head_dim = 32;
        config.tied_head = false;
        return config;
    }
    if (family != "gpt2") return misused("--family is llama, qwen3 or gpt2");
    config.kv_heads = 4;
    config.norm = model::NormKind::kLayer;
    config.positions = model::PositionKind::kLearned;
    config.feed_forward = model::FeedForward::kGeluTanh;
    config.qkv_bias = config.out_bias = config.ffn_bias = true;
    return config;
}

std::vector<float> noisy_parameters(const model::ParameterLayout& layout, std::uint64_t seed) {
    constexpr std::uint64_t kStream = 1000;  // no tensor's
    std::vector<float> parameters = model::initial_parameters(layout, seed);
    std::vector<float> noise(parameters.size());
    tensor::philox_normal(seed, kStream, kNoise, noise);
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] += noise[i];
    return parameters;
}

// One step and everything around it.
struct Step {
    model::ParameterLayout layout;
    train::Recipe recipe;
    std::vector<float> before, gradient, after;
    std::vector<std::uint32_t> tokens, targets;
    train::StepReport report;
};

Result<Step> take_step(const model::ModelConfig& config, std::vector<float> parameters,
                       const GradientsRequest& request, const tensor::Compute& compute) {
    Step step{model::ParameterLayout(config), {}, std::move(parameters), {}, {}, {}, {}, {}};
    step.recipe.leaf_tokens = kLeaf;
    step.recipe.context = request.context;
    step.recipe.warmup_steps = 0;
    step.recipe.total_steps = 0;
    RETURN_IF_ERROR(train::validate(step.recipe, config));
    std::vector<std::uint32_t> text(4 * kLeaf);
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<std::uint32_t>((i * i * 31 + i * 7 + request.seed) % config.vocab);

    std::vector<std::uint64_t> starts;
    for (std::uint64_t i = 0; i < kLeaf / request.context; ++i)
        starts.push_back(train::window_start(request.seed, 0, i, text.size(), request.context));
    train::gather_windows(text, starts, request.context, step.tokens, step.targets);
    model::LeafPass pass(step.layout, {kLeaf, request.context, 0}, compute);
    step.gradient.resize(step.layout.size());
    pass.backward(model::view_weights(step.layout, step.before), step.tokens, step.targets,
                  step.gradient);
    for (float& value : step.gradient) value *= 1.0F / static_cast<float>(kLeaf);

    train::Trainer trainer(step.layout, step.recipe, text, request.seed, compute);
    trainer.start(step.before, 0);
    ASSIGN_OR_RETURN(step.report, trainer.step());
    step.after.assign(trainer.parameters().begin(), trainer.parameters().end());
    return step;
}

Json step_json(const Step& step) {
    return {{"learning_rate", train::learning_rate(step.recipe, 0)},
            {"beta1", step.recipe.beta1},
            {"beta2", step.recipe.beta2},
            {"epsilon", step.recipe.epsilon},
            {"weight_decay", step.recipe.weight_decay},
            {"clip_norm", step.recipe.clip_norm},
            {"loss", step.report.loss},
            {"gradient_norm", step.report.gradient_norm}};
}

class SafetensorsBuilder {
  public:
    void add(const std::string& name, const char* type, const Json& shape, const void* data,
             std::size_t bytes) {
        header_[name] = {{"dtype", type},
                         {"shape", shape},
                         {"data_offsets", {data_.size(), data_.size() + bytes}}};
        const auto* begin = static_cast<const std::uint8_t*>(data);
        data_.insert(data_.end(), begin, begin + bytes);
    }
    void metadata(const std::string& key, const std::string& value) {
        header_["__metadata__"][key] = value;
    }
    Bytes finish() const {
        const std::string header = console::json_text(header_);
        Writer writer;
        writer.u64(header.size());
        writer.raw(as_bytes(header));
        writer.raw(data_);
        return std::move(writer).take();
    }

  private:
    Json header_;
    Bytes data_;
};

Bytes encode_step(const Step& step) {
    SafetensorsBuilder file;
    file.metadata("config", console::json_text(config_json(step.layout.config())));
    file.metadata("step", console::json_text(step_json(step)));
    const Json batch = {kLeaf / step.recipe.context, step.recipe.context};
    file.add("tokens", "I32", batch, step.tokens.data(), kLeaf * sizeof(std::uint32_t));
    file.add("targets", "I32", batch, step.targets.data(), kLeaf * sizeof(std::uint32_t));
    const std::pair<const char*, const std::vector<float>*> states[] = {
        {"parameter/", &step.before}, {"gradient/", &step.gradient}, {"updated/", &step.after}};
    for (const auto& [prefix, values] : states)
        for (const model::TensorInfo& info : step.layout.tensors()) {
            const Json shape =
                info.is_matrix ? Json{info.rows, info.cols} : Json::array({info.cols});
            file.add(prefix + info.name, "F32", shape, values->data() + info.offset,
                     info.size() * sizeof(float));
        }
    return file.finish();
}

}  // namespace

Status run_lab_gradients(const GradientsRequest& request, std::ostream& out) {
    if (!std::has_single_bit(request.context) || request.context > kLeaf)
        return misused(
            fmt::format("--context {} is not a power of two up to {}", request.context, kLeaf));
    if (!request.model.empty()) RETURN_IF_ERROR(check_exists("--model", request.model));
    RETURN_IF_ERROR(check_outputs({{"--out", request.out}}, {{"--model", request.model}}));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    model::ModelConfig config;
    std::vector<float> parameters;
    if (request.model.empty()) {
        ASSIGN_OR_RETURN(config, family_config(request.family, request.context));
        RETURN_IF_ERROR(model::validate(config));
        parameters = noisy_parameters(model::ParameterLayout(config), request.seed);
    } else {
        ASSIGN_OR_RETURN(const formats::LoadedModel loaded, formats::load_any(request.model));
        if (!loaded.model.is_dense())
            return invalid(request.model +
                           " is not plain fp32; convert it first: cairn model "
                           "convert");
        config = loaded.model.config;
        parameters = model::dense_parameters(loaded.model);
    }
    RETURN_IF_ERROR(model::validate(model::LeafShape{kLeaf, request.context, 0}, config));
    ASSIGN_OR_RETURN(const Step step,
                     take_step(config, std::move(parameters), request, machine->compute()));
    const Bytes file = encode_step(step);
    RETURN_IF_ERROR(write_file(request.out, file));
    if (request.json)
        out << console::json_line(Json{{"out", request.out},
                                       {"loss", step.report.loss},
                                       {"gradient_norm", step.report.gradient_norm},
                                       {"kernels", machine->kernels()}});
    else
        out << fmt::format(
            "loss {:.6f}, gradient norm {:.6f}; try: tools/oracle/torch-gradients "
            "{}\n",
            step.report.loss, step.report.gradient_norm, request.out);
    return ok_status();
}

void add_lab_gradients(const Command& group, Invocation& invocation) {
    const Command command =
        add_command(group, invocation, "gradients",
                    "One training step written down, for another program to compute again",
                    "cairn lab gradients --family gpt2 --out step.safetensors");
    auto request = std::make_shared<GradientsRequest>();
    command.add_option("--out", request->out, "File to write").required();
    command.add_option("--family", request->family, "llama, qwen3 or gpt2, small and random")
        .capture_default_str();
    command.add_option("--model", request->model, "A model file instead");
    command.add_option("--context", request->context, "Tokens per sequence, a power of two")
        .check(range(1U, kLeaf))
        .capture_default_str();
    command.add_option("--seed", request->seed, "Of the weights and tokens")
        .check(any_seed())
        .capture_default_str();
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_lab_gradients(*request, out); };
    });
}

}  // namespace cairn::cli
