#include "model/files/tokenizer_file.h"

#include <filesystem>

#include "model/files/gguf_model.h"
#include "model/files/mapped_source.h"
#include "model/files/source.h"
#include "model/text/tokenizer_json.h"
#include "model/text/wordpiece.h"

namespace cairn::model {

namespace fs = std::filesystem;

namespace {

// A companion file, or nothing where there is none.
Result<std::string> read_beside(const fs::path& file, const char* name, std::size_t max_bytes) {
    const fs::path path = file.parent_path() / name;
    std::error_code failure;
    if (!fs::is_regular_file(path, failure)) return std::string();
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path.string(), max_bytes));
    return std::string(as_text(bytes));
}

// With what lies beside `path`.
Result<std::unique_ptr<Tokenizer>> make_json(const fs::path& path, TokenizerJson files) {
    ASSIGN_OR_RETURN(files.config,
                     read_beside(path, "tokenizer_config.json", kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.special,
                     read_beside(path, "special_tokens_map.json", kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.added,
                     read_beside(path, "added_tokens.json", kMaxTokenizerJsonBytes));
    ASSIGN_OR_RETURN(files.chat_template,
                     read_beside(path, "chat_template.jinja", kMaxChatTemplateBytes));
    ASSIGN_OR_RETURN(VocabularyParts parts, read_tokenizer_json(files));
    return make_tokenizer(std::move(parts));
}

Result<std::unique_ptr<Tokenizer>> load_gguf(const std::string& path) {
    ASSIGN_OR_RETURN(const SharedSource source, open_source(path));
    ASSIGN_OR_RETURN(const GgufHeader header, read_gguf_header(source));
    ASSIGN_OR_RETURN(VocabularyParts parts, gguf_vocabulary(header));
    return make_tokenizer(std::move(parts));
}

Result<std::unique_ptr<Tokenizer>> load(const std::string& path) {
    ASSIGN_OR_RETURN(const FileSource source, FileSource::open(path));
    ASSIGN_OR_RETURN(const Bytes head, source.head(64));
    const std::string_view start = as_text(head);
    if (start.starts_with(kGgufMagic)) return load_gguf(path);
    const std::size_t first = start.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && start[first] == '{') {
        ASSIGN_OR_RETURN(const Bytes file, read_file(path, kMaxTokenizerJsonBytes));
        TokenizerJson files;
        files.tokenizer = as_text(file);
        return make_json(path, std::move(files));
    }
    ASSIGN_OR_RETURN(const Bytes file, read_file(path, kMaxTokenizerBytes));
    if (looks_like_vocab_txt(as_text(file))) {
        TokenizerJson files;
        files.vocab = as_text(file);
        return make_json(path, std::move(files));
    }
    return parse_tokenizer(file);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const std::string& path) {
    std::error_code failure;
    std::string file = path;
    if (fs::is_directory(path, failure)) {
        const fs::path json = fs::path(path) / "tokenizer.json";
        const fs::path lines = fs::path(path) / "vocab.txt";
        const bool only_lines = !fs::exists(json, failure) && fs::exists(lines, failure);
        file = (only_lines ? lines : json).string();
    }
    auto tokenizer = load(file);
    if (tokenizer.ok() || tokenizer.error().message.find(file) != std::string::npos)
        return tokenizer;
    return Error{tokenizer.error().code, file + ": " + tokenizer.error().message};
}

}  // namespace cairn::model
