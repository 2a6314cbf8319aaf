#include "cli/train/train_start.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "model/files/source.h"
#include "model/files/tokenizer_file.h"
#include "model/text/bpe.h"
#include "train/data.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kLeastWarmup = 3;
constexpr std::size_t kMaxStateBytes = std::size_t{1} << 38;

Result<std::unique_ptr<model::Tokenizer>> new_tokenizer(const TrainRequest& request,
                                                        const std::vector<std::string>& texts) {
    const std::uint32_t vocab = request.characters ? model::kFirstMerge : request.shape.vocab;
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning a tokenizer", vocab - model::kFirstMerge);
    ASSIGN_OR_RETURN(std::unique_ptr<model::Tokenizer> tokenizer,
                     model::train_bpe(views, vocab, [&](std::uint64_t done, std::uint64_t) {
                         progress.update(done);
                     }));
    return tokenizer;
}

Status fresh_start(TrainStart& start, const std::vector<std::string>& texts) {
    const TrainRequest& request = start.request;
    if (request.tokenizer.empty()) {
        ASSIGN_OR_RETURN(start.tokenizer, new_tokenizer(request, texts));
    } else {
        ASSIGN_OR_RETURN(start.tokenizer, model::load_tokenizer(request.tokenizer));
    }
    model::ModelConfig config = request.shape;
    config.vocab = start.tokenizer->vocab_size();
    config.context = request.recipe.context;
    if (config.hidden_dim == 0) config.hidden_dim = (config.dim * 8 / 3 + 15) / 16 * 16;
    RETURN_IF_ERROR(model::validate(config));
    const model::ParameterLayout layout(config);
    start.config = config;
    start.parameters = model::initial_parameters(layout, request.seed);
    start.tokenizer_file = start.tokenizer->serialise();
    return ok_status();
}

Status start_from(TrainStart& start, const std::string& path) {
    ASSIGN_OR_RETURN(model::LoadedModel loaded, model::load_any(path));
    ASSIGN_OR_RETURN(start.tokenizer, model::find_tokenizer(loaded, path, start.request.tokenizer));
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
    ASSIGN_OR_RETURN(const Bytes file, read_file(path, kMaxStateBytes));
    auto state = train::decode_run_state(file);
    if (!state.ok()) return Error{state.error().code, path + ": " + state.error().message};
    return state;
}

// What decides the run comes from its state; what may change (threads, where to stop) is asked.
Status go_on(TrainStart& start) {
    TrainRequest& request = start.request;
    ASSIGN_OR_RETURN(train::RunState state, read_state(request.resume));
    const train::RunOptions asked = std::move(request.options);
    request.out = request.resume;
    request.recipe = state.recipe;
    request.options = state.options;
    if (!asked.log.empty()) request.options.log = asked.log;
    if (asked.save_every != 0) request.options.save_every = asked.save_every;
    if (asked.valid_every != 0) request.options.valid_every = asked.valid_every;
    if (!asked.texts.empty()) request.options.texts = asked.texts;
    if (!asked.valid.empty()) request.options.valid = asked.valid;
    start.config = state.config;
    start.tokenizer_file = state.tokenizer;
    ASSIGN_OR_RETURN(start.tokenizer, model::parse_tokenizer(state.tokenizer));
    start.resumed = std::move(state);
    return ok_status();
}

// All texts as one stream, each behind a begin token.
model::Tokens encode_texts(const model::Tokenizer& tokenizer,
                           const std::vector<std::string>& texts) {
    model::Tokens stream;
    for (const std::string& text : texts) {
        stream.push_back(tokenizer.begin_token());
        const model::Tokens tokens = tokenizer.encode(text);
        stream.insert(stream.end(), tokens.begin(), tokens.end());
    }
    return stream;
}

Status check_request(const TrainRequest& request) {
    if (!request.resume.empty()) return ok_status();
    if (request.options.texts.empty()) return invalid("name what to learn from with --text FILE");
    if (request.out.empty() && !request.dry_run)
        return invalid("name the checkpoint to write with --out FILE");
    if (request.options.minutes > 0 && request.recipe.warmup_steps < kLeastWarmup)
        return invalid(
            fmt::format("with --minutes the warm-up takes at least {} steps: the "
                        "machine's speed is measured in it",
                        kLeastWarmup));
    if (request.options.valid_every != 0 && request.options.valid.empty())
        return invalid("--valid-every needs a held-out text: --valid FILE");
    return ok_status();
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

Result<TrainStart> prepare_training(const TrainRequest& request) {
    RETURN_IF_ERROR(check_request(request));
    TrainStart start;
    start.request = request;
    start.request.options.model = model_arguments(request);
    if (!request.resume.empty()) RETURN_IF_ERROR(go_on(start));
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_texts(start.request.options.texts));
    if (request.resume.empty())
        RETURN_IF_ERROR(request.init.empty() ? fresh_start(start, texts)
                                             : start_from(start, request.init));
    RETURN_IF_ERROR(train::validate(start.request.recipe, start.config));
    start.stream = encode_texts(*start.tokenizer, texts);
    RETURN_IF_ERROR(
        train::check_tokens(start.stream, start.request.recipe.context, start.config.vocab));
    if (start.resumed && start.resumed->text_hash != train::hash_tokens(start.stream))
        return invalid("the text is not the one that " + request.resume +
                       " was learning; name the unchanged files with --text");
    if (!start.request.options.valid.empty()) {
        ASSIGN_OR_RETURN(const std::string text, read_text_file(start.request.options.valid));
        start.held_out = encode_texts(*start.tokenizer, {text});
    }
    return start;
}

std::string repeat_command(const TrainRequest& request) {
    const train::Recipe& recipe = request.recipe;
    std::string line = "cairn train";
    for (const std::string& text : request.options.texts) line += " --text " + quoted(text);
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
