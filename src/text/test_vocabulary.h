// For tests of tokenizers: two small vocabularies, llama.cpp's published cases, and a reader of the
// metadata of its test vocabularies that is independent of ours.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/test_data.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace cairn::text::test {

// Bytes, some merges of a, b, c and blanks, a control and two user-defined pieces.
inline std::shared_ptr<Tokenizer> byte_level_toy() {
    VocabularyParts parts;
    parts.model = "gpt2";
    parts.pre = "qwen2";
    for (int byte = 0; byte < 256; ++byte)
        parts.pieces.push_back(spell_bytes(std::string(1, static_cast<char>(byte))));
    const auto merge = [&](const std::string& left, const std::string& right) {
        parts.merges.push_back(spell_bytes(left) + ' ' + spell_bytes(right));
        parts.pieces.push_back(spell_bytes(left + right));
    };
    merge("a", "b");
    merge("b", "c");
    merge(" ", "a");
    merge("ab", "c");
    merge("a", "a");
    merge("c", "aa");
    merge(" a", "bc");
    parts.types.assign(parts.pieces.size(), 1);
    for (const char* piece : {"<tag>", "<tag>>"}) {
        parts.pieces.emplace_back(piece);
        parts.types.push_back(4);
    }
    parts.pieces.emplace_back("<|end|>");
    parts.types.push_back(3);
    parts.eos = static_cast<std::uint32_t>(parts.pieces.size() - 1);
    parts.chat_template = "template";
    return make_tokenizer(std::move(parts)).value();
}

// Scored pieces with byte fallback. "abc" can be made only of "ab" and "c"; the character of U+4E2D
// is part of a piece and no piece itself.
inline std::shared_ptr<Tokenizer> scored_toy() {
    VocabularyParts parts;
    parts.model = "llama";
    const auto add = [&](const std::string& piece, std::int32_t type, float score = 0.0F) {
        parts.pieces.push_back(piece);
        parts.types.push_back(type);
        parts.scores.push_back(score);
    };
    add("<unk>", 2);
    add("<s>", 3);
    add("<|end|>", 3);
    const char* digits = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte)
        add(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + '>', 6);
    float score = 0.0F;
    for (const char* piece : {"ab",
                              "\xE2\x96\x81"
                              "a",
                              "bc", "abc", "\xE2\x96\x81\xE2\x96\x81", "aa", "caa", "\xE2\x96\x81",
                              "a", "b", "c", "d", "\xE4\xB8\xAD\xE4\xB8\xAD"})
        add(piece, 1, score -= 1.0F);
    add("<tag>", 4);
    add("<tag>>", 4);
    parts.unk = 0;
    parts.bos = 1;
    parts.eos = 2;
    parts.chat_template = "template";
    return make_tokenizer(std::move(parts)).value();
}

// The files end with a separator: what follows it, no text and no ids, is the last case.
inline std::vector<std::string> split(std::string_view file, std::string_view separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= file.size();) {
        const std::size_t end = std::min(file.find(separator, at), file.size());
        parts.emplace_back(file.substr(at, end - at));
        at = end + separator.size();
    }
    return parts;
}

inline std::vector<std::string> read_cases(const std::string& name) {
    return split(read_test_data(name), "\n__ggml_vocab_test__\n");
}

inline std::vector<Tokens> read_ids(const std::string& name) {
    std::vector<Tokens> lines;
    for (const std::string& line : split(read_test_data(name), "\n")) {
        std::istringstream words(line);
        Tokens ids;
        for (std::uint32_t id = 0; words >> id;) ids.push_back(id);
        lines.push_back(std::move(ids));
    }
    return lines;
}

// The tokenizer's part of a GGUF file's metadata; nothing if there is no such file.
inline std::optional<VocabularyParts> parts_of_gguf(const std::string& name) {
    const std::string bytes = read_test_data(name);
    if (bytes.empty()) return std::nullopt;
    Reader reader(as_bytes(bytes));
    reader.raw(16);  // magic, version, count of tensors
    const std::uint64_t count = reader.u64();
    const auto text = [&] { return std::string(as_text(reader.raw(reader.u64()))); };
    const auto scalar = [&](std::uint32_t type) {
        const std::uint64_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        std::uint64_t value = 0;
        for (std::uint64_t i = 0; i < sizes[type]; ++i)
            value |= std::uint64_t{reader.u8()} << (8 * i);
        return value;
    };
    VocabularyParts parts;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string key = text();
        const std::uint32_t type = reader.u32();
        if (type == 8) {
            const std::string value = text();
            if (key == "tokenizer.ggml.model") parts.model = value;
            if (key == "tokenizer.ggml.pre") parts.pre = value;
        } else if (type == 9) {
            const std::uint32_t element = reader.u32();
            const std::uint64_t elements = reader.u64();
            for (std::uint64_t k = 0; k < elements; ++k) {
                if (element == 8 && key == "tokenizer.ggml.tokens")
                    parts.pieces.push_back(text());
                else if (element == 8)
                    parts.merges.push_back(text());
                else if (key == "tokenizer.ggml.scores")
                    parts.scores.push_back(std::bit_cast<float>(reader.u32()));
                else
                    parts.types.push_back(reader.i32());
            }
        } else {
            const auto value = static_cast<std::uint32_t>(scalar(type));
            if (key == "tokenizer.ggml.bos_token_id") parts.bos = value;
            if (key == "tokenizer.ggml.eos_token_id") parts.eos = value;
            if (key == "tokenizer.ggml.unknown_token_id") parts.unk = value;
            if (key == "tokenizer.ggml.add_bos_token") parts.add_bos = value != 0;
        }
    }
    return reader.failed() ? std::nullopt : std::optional(parts);
}

}  // namespace cairn::text::test
