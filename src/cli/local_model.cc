#include "cli/local_model.h"

#include <algorithm>
#include <thread>

#include "base/files.h"
#include "cli/options.h"

namespace cairn::cli {

Result<std::unique_ptr<Machine>> Machine::create(std::size_t threads) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    return std::unique_ptr<Machine>(new Machine(std::min(threads, kMaxThreads), kernels));
}

std::string Machine::kernels() const {
    return std::string(tensor::kernel_set_name(tensor::kernel_set_of(*compute_.kernels)));
}

Option add_threads_option(const Command& command, std::size_t& threads,
                          const std::string& of_what) {
    return command
        .add_option(
            "--threads", threads,
            of_what + (of_what.empty() ? "C" : "c") + "omputing threads; 0: one per processor")
        .check(range(std::size_t{0}, kMaxThreads))
        .capture_default_str();
}

Status check_exists(const std::string& option, const std::string& path) {
    if (path.empty()) return misused(option + " is empty: name a file");
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind != FileKind::kNone) return ok_status();
    return not_found("cannot open " + with_lost_target(path) + ", which " + option +
                     " names: there is no such file");
}

Result<text::Tokens> read_stream(const std::string& path, const text::Tokenizer& tokenizer) {
    ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
    text::Tokens stream{tokenizer.begin_token()};
    const text::Tokens words = tokenizer.encode(text);
    stream.insert(stream.end(), words.begin(), words.end());
    if (stream.size() < 2) return invalid(path + " is empty: there is nothing to predict");
    return stream;
}

Result<std::unique_ptr<LocalModel>> load_local_model(const std::string& model_path,
                                                     const std::string& tokenizer_path, Needs needs,
                                                     const std::string& option) {
    RETURN_IF_ERROR(check_exists(option, model_path));
    if (!tokenizer_path.empty()) RETURN_IF_ERROR(check_exists("--tokenizer", tokenizer_path));
    ASSIGN_OR_RETURN(formats::LoadedModel loaded,
                     formats::load_any(model_path, needs == Needs::kAnswer
                                                       ? formats::EncoderDecoders::kTaken
                                                       : formats::EncoderDecoders::kRefused));
    if (needs != Needs::kStates && !loaded.model.config.has_head())
        return Error{ErrorCode::kUnsupported,
                     model_path +
                         " is an encoder: it writes no text; `cairn embed` makes vectors "
                         "with it"};
    ASSIGN_OR_RETURN(auto tokenizer, formats::find_tokenizer(loaded, model_path, tokenizer_path));
    const model::ParameterLayout layout = loaded.model.layout();
    return std::unique_ptr<LocalModel>(
        new LocalModel{std::move(loaded.model), std::move(loaded.format), std::move(tokenizer),
                       layout, loaded.pooling, std::move(loaded.encoder)});
}

Option add_tokenizer_option(const Command& command, std::string& path) {
    return command.add_option("--tokenizer", path,
                              "Tokenizer file (default: in the model or beside it)");
}

void pack_local_model(const tensor::Compute& compute, LocalModel& local) {
    const tensor::Weight embedding = local.model.weights.token_embedding;
    local.model = model::pack_model(compute, local.model);
    if (!local.encoder) return;
    // Where the halves have one token embedding, it is packed once; the decoder's memory holds it.
    model::Model& encoder = local.encoder->encoder;
    const bool shared = encoder.weights.token_embedding.data == embedding.data;
    if (shared) encoder.weights.token_embedding = {};
    encoder = model::pack_model(compute, encoder);
    if (shared) encoder.weights.token_embedding = local.model.weights.token_embedding;
}

}  // namespace cairn::cli
