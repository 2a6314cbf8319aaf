#include "formats/tokenizer_file.h"

#include "base/files.h"
#include "base/foreign_file.h"
#include "formats/checkpoint.h"
#include "formats/gguf_model.h"
#include "formats/load.h"
#include "formats/mapped_source.h"
#include "formats/source.h"
#include "text/tokenizer_json.h"
#include "text/wordpiece.h"

namespace cairn::formats {

namespace {

// A companion file, or nothing where there is none.
Result<std::string> read_beside(const std::string& file, const char* name, std::size_t max_bytes) {
    const std::string path = folder_of(file) + "/" + name;
    if (!is_file(path)) return std::string();
    ASSIGN_OR_RETURN(const Bytes bytes, read_checked_file(path, max_bytes));
    return std::string(as_text(bytes));
}

// With what lies beside `path`.
Result<std::unique_ptr<text::Tokenizer>> make_json(const std::string& path,
                                                   text::TokenizerJson files) {
    ASSIGN_OR_RETURN(files.config,
                     read_beside(path, "tokenizer_config.json", text::kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.special,
                     read_beside(path, "special_tokens_map.json", text::kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.added,
                     read_beside(path, "added_tokens.json", text::kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.chat_template,
                     read_beside(path, "chat_template.jinja", text::kMaxChatTemplateBytes));
    ASSIGN_OR_RETURN(files.generation,
                     read_beside(path, "generation_config.json", text::kMaxTokenizerBytes));
    ASSIGN_OR_RETURN(files.model_config,
                     read_beside(path, "config.json", text::kMaxTokenizerBytes));
    ASSIGN_OR_RETURN(text::VocabularyParts parts, text::read_tokenizer_json(files));
    return text::make_tokenizer(std::move(parts));
}

Result<std::unique_ptr<text::Tokenizer>> load_gguf(const std::string& path) {
    ASSIGN_OR_RETURN(const SharedSource source, open_source(path));
    ASSIGN_OR_RETURN(const GgufHeader header, read_gguf_header(source));
    ASSIGN_OR_RETURN(text::VocabularyParts parts, gguf_vocabulary(header));
    return text::make_tokenizer(std::move(parts));
}

// The one inside a model of ours.
Result<std::unique_ptr<text::Tokenizer>> load_checkpoints(const std::string& path) {
    ASSIGN_OR_RETURN(const LoadedModel loaded, load_any(path, EncoderDecoders::kTaken));
    if (loaded.model.tokenizer.empty())
        return Error{ErrorCode::kNotFound,
                     "this model has no tokenizer inside; name the file that it was made with"};
    return text::parse_tokenizer(loaded.model.tokenizer);
}

Result<std::unique_ptr<text::Tokenizer>> load(const std::string& path) {
    ASSIGN_OR_RETURN(const FileSource source, FileSource::open(path));
    ASSIGN_OR_RETURN(const Bytes head, source.head(64));
    const std::string_view start = as_text(head);
    if (start.starts_with(kGgufMagic)) return load_gguf(path);
    const std::size_t first = start.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && start[first] == '{') {
        ASSIGN_OR_RETURN(const Bytes file, read_file(path, text::kMaxTokenizerJsonBytes));
        text::TokenizerJson files;
        files.tokenizer = as_text(file);
        return make_json(path, std::move(files));
    }
    ASSIGN_OR_RETURN(const Bytes file, read_file(path, text::kMaxTokenizerBytes));
    if (text::looks_like_vocab_txt(as_text(file))) {
        text::TokenizerJson files;
        files.vocab = as_text(file);
        return make_json(path, std::move(files));
    }
    if (start.starts_with(kCheckpointMagic)) return load_checkpoints(path);
    if (start.starts_with("CAIRNRUN"))
        return invalid(
            "it is the state of a training run; its tokenizer is in the checkpoint beside it, "
            "whose "
            "name has no .run behind it");
    auto tokenizer = text::parse_tokenizer(file);
    if (tokenizer.ok() || start.starts_with("CAIRN")) return tokenizer;
    if (path.ends_with(".model"))
        return Error{ErrorCode::kUnsupported,
                     "it is no tokenizer that this program knows; if it is SentencePiece's, name "
                     "the tokenizer.json or the GGUF file of the same model"};
    return invalid(
        "it is no tokenizer that this program knows (its own, tokenizer.json, vocab.txt, GGUF, "
        "llama2.c's tokenizer.bin; as the last: " +
        tokenizer.error().message + ")");
}

}  // namespace

Result<std::unique_ptr<text::Tokenizer>> load_tokenizer(const std::string& path) {
    std::string file = path;
    if (is_folder(path)) {
        const std::string json = path + "/tokenizer.json", lines = path + "/vocab.txt";
        file = !exists(json) && exists(lines) ? lines : json;
    }
    auto tokenizer = load(file);
    if (tokenizer.ok() || tokenizer.error().message.find(file) != std::string::npos)
        return tokenizer;
    return tokenizer.error().with_prefix(file);
}

}  // namespace cairn::formats
