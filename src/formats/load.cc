#include "formats/load.h"

#include <fmt/core.h>

#include "base/files.h"
#include "formats/checkpoint.h"
#include "formats/encoder_decoder_checkpoint.h"
#include "formats/gguf_model.h"
#include "formats/hf_folder.h"
#include "formats/llama2c.h"
#include "formats/mapped_source.h"
#include "formats/safetensors.h"
#include "formats/tokenizer_file.h"

namespace cairn::formats {

namespace {

Error unsupported(const std::string& path, const std::string& what) {
    return Error{ErrorCode::kUnsupported, path + " " + what};
}

// A safetensors file begins with the length of a header and then a JSON object.
bool looks_like_safetensors(ByteView head) {
    if (head.size() < 9 || head[8] != '{') return false;
    return Reader(head.first(8)).u64() <= kMaxSafetensorsHeader;
}

}  // namespace

Result<LoadedModel> load_any(const std::string& path, EncoderDecoders encoder_decoders) {
    if (is_folder(path)) return read_hf_folder(path, encoder_decoders);
    ASSIGN_OR_RETURN(const SharedSource source, open_source(path));
    ASSIGN_OR_RETURN(const Bytes head, source->head(64));
    const std::string_view text = as_text(head);
    if (is_encoder_decoder_checkpoint(head)) {
        if (encoder_decoders == EncoderDecoders::kRefused) return encoder_decoder_refused(path);
        return read_encoder_decoder_checkpoint(source);
    }
    if (text.starts_with(kCheckpointMagic)) {
        ASSIGN_OR_RETURN(model::Model model, read_checkpoint(source));
        return LoadedModel{std::move(model), "cairn", {}};
    }
    if (text.starts_with(kGgufMagic)) return read_gguf(source);
    if (text.starts_with("24ka"))
        return unsupported(path,
                           "is a llama2.c checkpoint of version 1 or 2; export it as version 0");
    if (text.starts_with("CAIRNBPE") || text.starts_with("CAIRNVOC") ||
        text.starts_with("CAIRNWPC"))
        return invalid(path + " is a tokenizer, not a model; pass it as --tokenizer");
    if (text.starts_with("CAIRNRUN"))
        return invalid(path +
                       " is the state of a training run, not a model; the model that it wrote "
                       "lies beside it (cairn train --resume continues the run)");
    if (looks_like_safetensors(head)) {
        const std::string name = name_of(path);
        if (name != "model.safetensors" && !name.starts_with("model-"))
            return invalid(path +
                           " is a file of safetensors, but not one of those that a model's folder "
                           "has (model.safetensors); name the folder, or rename the file");
        return read_hf_folder(folder_of(path), encoder_decoders);
    }
    if (!head.empty() && (head[0] == '{' || head[0] == '['))
        return invalid(path + " is a JSON file; name the folder that holds it");
    ASSIGN_OR_RETURN(model::Model model, read_llama2c(*source));
    return LoadedModel{std::move(model), "llama2c", {}};
}

Result<LoadedModel> load_writer(const std::string& path, EncoderDecoders encoder_decoders) {
    ASSIGN_OR_RETURN(LoadedModel loaded, load_any(path, encoder_decoders));
    if (!loaded.model.config.causal)
        return unsupported(path, "is an encoder; layers are served of models that write text");
    return loaded;
}

Result<std::unique_ptr<text::Tokenizer>> find_tokenizer(const model::Model& model,
                                                        const std::string& model_path,
                                                        const std::string& explicit_path) {
    Bytes file = model.tokenizer;
    std::string where = model_path;
    if (!explicit_path.empty()) {
        ASSIGN_OR_RETURN(const auto named, load_tokenizer(explicit_path));
        file = named->serialise();
        where = explicit_path;
    }
    if (file.empty()) {
        const std::string folder = is_folder(model_path) ? model_path : folder_of(model_path);
        for (const std::string& name :
             {fmt::format("tok{}.bin", model.config.vocab), std::string("tokenizer.bin"),
              std::string("tokenizer.json"), std::string("vocab.txt")}) {
            const std::string candidate = folder + "/" + name;
            if (!is_file(candidate)) continue;
            ASSIGN_OR_RETURN(const auto beside, load_tokenizer(candidate));
            file = beside->serialise();
            where = candidate;
            break;
        }
    }
    if (file.empty())
        return not_found("no tokenizer for " + model_path + "; name one with --tokenizer FILE");
    auto tokenizer = text::parse_tokenizer(file);
    if (!tokenizer.ok()) return tokenizer.error().with_prefix(where);
    if ((*tokenizer)->vocab_size() > model.config.vocab)
        return invalid(fmt::format("{} has {} tokens, more than the model's vocabulary of {}",
                                   where, (*tokenizer)->vocab_size(), model.config.vocab));
    return tokenizer;
}

Result<std::unique_ptr<text::Tokenizer>> find_tokenizer(const LoadedModel& loaded,
                                                        const std::string& model_path,
                                                        const std::string& explicit_path) {
    // What lies beside a model that brought one is another's, which would be used in silence.
    if (explicit_path.empty() && !loaded.tokenizer_problem.empty())
        return not_found("no tokenizer for " + model_path +
                         "; name one with --tokenizer FILE (its own: " + loaded.tokenizer_problem +
                         ")");
    return find_tokenizer(loaded.model, model_path, explicit_path);
}

}  // namespace cairn::formats
