#include "cli/train/train_start.h"

#include <fmt/format.h>

#include "base/disk.h"
#include "base/files.h"
#include "base/foreign_file.h"
#include "cli/local_model.h"
#include "cli/train/new_tokenizer.h"
#include "cli/train/train_options.h"
#include "cli/train/train_pairs.h"
#include "formats/source.h"
#include "formats/tokenizer_file.h"
#include "train/data.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxStateBytes = std::size_t{1} << 38;

Status fresh_start(TrainStart& start, const std::vector<std::string>& texts,
                   const console::Interrupt& interrupt) {
    const TrainRequest& request = start.request;
    if (request.tokenizer.empty()) {
        ASSIGN_OR_RETURN(start.tokenizer,
                         new_tokenizer(request, {texts.begin(), texts.end()}, interrupt));
    } else {
        ASSIGN_OR_RETURN(start.tokenizer, formats::load_tokenizer(request.tokenizer));
    }
    const model::ModelConfig config = fresh_config(request, start.tokenizer->vocab_size());
    RETURN_IF_ERROR(model::validate(config));
    const model::ParameterLayout layout(config);
    start.config = config;
    start.parameters = model::initial_parameters(layout, request.seed);
    start.tokenizer_file = start.tokenizer->serialise();
    return ok_status();
}

Status start_from(TrainStart& start, const std::string& path) {
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(path));
    ASSIGN_OR_RETURN(start.tokenizer,
                     formats::find_tokenizer(loaded, path, start.request.tokenizer));
    start.config = loaded.model.config;
    start.parameters = model::dense_parameters(loaded.model);
    start.tokenizer_file = start.tokenizer->serialise();
    return ok_status();
}

Result<train::RunState> read_state(const std::string& out) {
    const std::string path = run_state_path(out);
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind == FileKind::kNone)
        return not_found(fmt::format(
            "there is no {}: the run is complete or was never saved; --init {} begins a new one "
            "from its result",
            path, out));
    ASSIGN_OR_RETURN(const Bytes file, read_checked_file(path, kMaxStateBytes));
    auto state = train::decode_run_state(file);
    if (!state.ok()) return state.error().with_prefix(path);
    return state;
}

// All texts as one stream, each behind a begin token.
text::Tokens encode_texts(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
    text::Tokens stream;
    for (const std::string& text : texts) {
        stream.push_back(tokenizer.begin_token());
        const text::Tokens tokens = tokenizer.encode(text);
        stream.insert(stream.end(), tokens.begin(), tokens.end());
    }
    return stream;
}

// For a shell.
std::string quoted(const std::string& word) {
    const bool plain = word.find_first_of(" \t\n'\"\\\\$`*?[](){}<>|&;!#~") == std::string::npos;
    if (plain && !word.empty()) return word;
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string model_arguments(const TrainRequest& request) {
    std::string line;
    if (!request.init.empty()) line += " --init " + quoted(request.init);
    if (!request.tokenizer.empty()) line += " --tokenizer " + quoted(request.tokenizer);
    if (!request.init.empty()) return line;
    const model::ModelConfig& shape = request.shape;
    if (request.tokenizer.empty())
        line += request.characters ? " --characters" : fmt::format(" --vocab {}", shape.vocab);
    return line + fmt::format(" --dim {} --hidden {} --layers {} --heads {} --kv-heads {}",
                              shape.dim, shape.hidden_dim, shape.layers, shape.heads,
                              shape.kv_heads);
}

Result<std::vector<std::string>> read_texts(const std::vector<std::string>& paths) {
    std::vector<std::string> texts;
    for (const std::string& path : paths) {
        ASSIGN_OR_RETURN(std::string text, read_text_file(path));
        texts.push_back(std::move(text));
    }
    return texts;
}

}  // namespace

std::string run_state_path(const std::string& out) { return out + ".run"; }

// What decides the run comes from its state; what may change (threads, where to stop) is asked.
Result<TrainRequest> request_to_run(const TrainRequest& asked, TrainStart& start) {
    TrainRequest request = asked;
    request.options.model = model_arguments(asked);
    if (asked.resume.empty()) return request;
    ASSIGN_OR_RETURN(train::RunState state, read_state(asked.resume));
    request.out = asked.resume;
    request.recipe = state.recipe;
    request.options = state.options;
    if (!asked.options.log.empty()) request.options.log = asked.options.log;
    if (asked.options.save_every != 0) request.options.save_every = asked.options.save_every;
    if (asked.options.valid_every != 0) request.options.valid_every = asked.options.valid_every;
    if (!asked.options.texts.empty()) request.options.texts = asked.options.texts;
    if (!asked.options.valid.empty()) request.options.valid = asked.options.valid;
    if (!asked.options.texts.empty() && asked.pairs != state.encoder_decoder.has_value())
        return misused(fmt::format("{} learns {}: name the same with {}", asked.resume,
                                   state.encoder_decoder ? "pairs of texts" : "a text",
                                   state.encoder_decoder ? "--pairs" : "--text"));
    request.pairs = state.encoder_decoder.has_value();
    start.resumed = std::move(state);
    return request;
}

Status prepare_training(TrainStart& start, const console::Interrupt& interrupt) {
    const TrainRequest& request = start.request;
    if (request.pairs) return prepare_pairs(start, interrupt);
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_texts(request.options.texts));
    std::string held_out;
    if (!request.options.valid.empty()) {
        ASSIGN_OR_RETURN(held_out, read_text_file(request.options.valid));
    }
    if (start.resumed) {
        start.config = start.resumed->config;
        start.tokenizer_file = start.resumed->tokenizer;
        ASSIGN_OR_RETURN(start.tokenizer, text::parse_tokenizer(start.tokenizer_file));
    } else if (request.init.empty()) {
        RETURN_IF_ERROR(fresh_start(start, texts, interrupt));
    } else {
        RETURN_IF_ERROR(start_from(start, request.init));
    }
    RETURN_IF_ERROR(train::validate(request.recipe, start.config));
    start.stream = encode_texts(*start.tokenizer, texts);
    RETURN_IF_ERROR(train::check_tokens(start.stream, request.recipe.context, start.config.vocab));
    if (start.resumed && start.resumed->text_hash != train::hash_tokens(start.stream))
        return invalid("the text is not the one that " + request.resume +
                       " was learning; name the unchanged files with --text");
    if (!request.options.valid.empty()) start.held_out = encode_texts(*start.tokenizer, {held_out});
    return ok_status();
}

std::string repeat_command(const TrainRequest& request) {
    const train::Recipe& recipe = request.recipe;
    std::string line = "cairn train";
    for (const std::string& text : request.options.texts)
        line += (request.pairs ? " --pairs " : " --text ") + quoted(text);
    return line + request.options.model +
           fmt::format(
               " --context {} --leaf {} --leaves {} --steps {} --warmup {} --rate {} "
               "--floor {} --beta1 {} --beta2 {} --epsilon {} --decay {} --clip {} "
               "--seed {}",
               recipe.context, recipe.leaf_tokens, recipe.leaves_per_step, recipe.total_steps,
               recipe.warmup_steps, recipe.peak_rate, recipe.floor_ratio, recipe.beta1,
               recipe.beta2, recipe.epsilon, recipe.weight_decay, recipe.clip_norm, request.seed);
}

}  // namespace cairn::cli
