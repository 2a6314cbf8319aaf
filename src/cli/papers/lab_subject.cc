#include "cli/papers/lab_subject.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "lab/made_text.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMostTokens = 16384;

std::vector<std::uint32_t> bytes_as_tokens(std::uint64_t seed, std::size_t bytes) {
    const std::string text = lab::made_text(0, seed, bytes);
    std::vector<std::uint32_t> tokens;
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
}

// A byte-level model of 0.4 million parameters, trained for some seconds on made-up text.
Result<Subject> trained_here(const tensor::Compute& compute) {
    const model::ModelConfig config{.dim = 96,
                                    .hidden_dim = 256,
                                    .layers = 3,
                                    .heads = 6,
                                    .kv_heads = 6,
                                    .vocab = 256,
                                    .context = 128};
    train::Recipe recipe;
    recipe.total_steps = 300;
    const model::ParameterLayout layout(config);
    const std::vector<std::uint32_t> tokens = bytes_as_tokens(1, std::size_t{1} << 20);
    train::Trainer trainer(layout, recipe, tokens, 1, compute);
    trainer.start(model::initial_parameters(layout, 1), 0);
    const SystemClock clock;
    Progress progress(clock, "training", recipe.total_steps);
    for (std::uint64_t step = 0; step < recipe.total_steps; ++step) {
        ASSIGN_OR_RETURN(const train::StepReport report, trainer.step());
        progress.update(step, fmt::format("{:.3f} nats", report.loss));
    }
    const auto parameters = trainer.parameters();
    Subject subject{"a model trained here (0.4 million parameters)", {}, {}, {}, config.context};
    subject.model =
        model::make_model(config, std::vector<float>(parameters.begin(), parameters.end()));
    subject.text = bytes_as_tokens(2, kMostTokens);
    subject.calibrate = std::vector<std::uint32_t>(tokens.begin(), tokens.begin() + kMostTokens);
    return subject;
}

Result<text::Tokens> read_tokens(const std::string& path, const text::Tokenizer& tokenizer) {
    ASSIGN_OR_RETURN(text::Tokens tokens, read_stream(path, tokenizer));
    if (tokens.size() > kMostTokens) tokens.resize(kMostTokens);
    return tokens;
}

}  // namespace

void add_subject_options(const Command& command, SubjectRequest& request, SubjectText text) {
    command.add_option("--model", request.model,
                       "Model file or folder (default: a small one is trained first)");
    add_tokenizer_option(command, request.tokenizer);
    if (text == SubjectText::kMeasured)
        command.add_option("--text", request.text, "Text on which its loss is measured");
}

Result<Subject> lab_subject(const SubjectRequest& request, const tensor::Compute& compute,
                            SubjectText text) {
    if (request.model.empty()) return trained_here(compute);
    if (text == SubjectText::kMeasured && request.text.empty())
        return misused("with --model name the text on which it is measured: --text FILE");
    for (const auto& [option, path] :
         {std::pair{"--text", request.text}, std::pair{"--calibrate", request.calibrate}})
        if (!path.empty()) RETURN_IF_ERROR(check_exists(option, path));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    if (!local->model.config.ranks.empty())
        return Error{ErrorCode::kUnsupported,
                     request.model + " has factors already: name the model it was made from"};
    Subject subject{request.model, local->model, {}, {}, 0};
    subject.context = std::bit_floor(std::min(local->model.config.context, 512U));
    if (text == SubjectText::kNone) return subject;
    ASSIGN_OR_RETURN(subject.text, read_tokens(request.text, *local->tokenizer));
    if (!request.calibrate.empty()) {
        ASSIGN_OR_RETURN(subject.calibrate, read_tokens(request.calibrate, *local->tokenizer));
    }
    return subject;
}

}  // namespace cairn::cli
