#include "cli/train/pair_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/text_lines.h"
#include "formats/strict_json.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMostPairs = std::size_t{1} << 26;
constexpr std::size_t kMostParts = 1000;  // of one line
constexpr const char* kExpected =
    "each line is an object {\"source\": \"what is read\", \"target\": \"what is written\"}";

Result<std::string> text_at(const nlohmann::json& object, const char* name,
                            const std::string& where) {
    const auto found = object.find(name);
    if (found == object.end())
        return invalid(fmt::format("{} has no \"{}\": {}", where, name, kExpected));
    if (!found->is_string())
        return invalid(fmt::format("{}: its \"{}\" is no text: {}", where, name, kExpected));
    return found->get<std::string>();
}

Result<TextPair> parse_pair(const std::string& line, const std::string& where) {
    const auto object = formats::parse_strict_json(line, where, kMostParts);
    if (!object.ok()) return invalid(fmt::format("{} ({})", object.error().message, kExpected));
    TextPair pair{where, {}, {}};
    ASSIGN_OR_RETURN(pair.source, text_at(*object, "source", where));
    ASSIGN_OR_RETURN(pair.target, text_at(*object, "target", where));
    return pair;
}

Error too_long(const TextPair& pair, const char* side, std::size_t tokens, std::size_t most) {
    return invalid(
        fmt::format("{}: its {} is {} tokens long, and {} are taken at most: shorten "
                    "it, or give a greater --context (a model that --init names takes "
                    "no more than its own)",
                    pair.where, side, tokens, most));
}

}  // namespace

Result<std::vector<TextPair>> read_pairs(const std::vector<std::string>& paths) {
    std::vector<TextPair> pairs;
    for (const std::string& path : paths) {
        const std::size_t before = pairs.size();
        ASSIGN_OR_RETURN(const std::vector<TextLine> lines, read_lines(path, kMostPairs));
        for (const TextLine& line : lines) {
            if (line.text.find_first_not_of(" \t") == std::string::npos) continue;
            ASSIGN_OR_RETURN(TextPair pair,
                             parse_pair(line.text, fmt::format("{}, line {}", path, line.number)));
            pairs.push_back(std::move(pair));
        }
        if (pairs.size() == before)
            return invalid(fmt::format("{} has no pairs: {}", path, kExpected));
    }
    return pairs;
}

Result<std::uint32_t> end_of_text(const text::Tokenizer& tokenizer) {
    const std::uint32_t end = tokenizer.end_token().value_or(tokenizer.begin_token());
    if (!tokenizer.is_end(end))
        return invalid(
            "the tokenizer has no token that ends a text, so a decoder could not learn to end; "
            "name another one with --tokenizer");
    return end;
}

Result<train::PairSet> encode_pairs(const text::Tokenizer& tokenizer, const PairFrame& frame,
                                    const std::vector<TextPair>& pairs) {
    train::PairSet set;
    set.given = frame.begins.size();
    set.pairs.reserve(pairs.size());
    for (const TextPair& pair : pairs) {
        train::PairSet::Pair tokens{tokenizer.encode_whole(pair.source), frame.begins};
        if (tokens.source.empty())
            return invalid(pair.where + ": its source has no tokens; give it a text");
        if (tokens.source.size() > frame.source_tokens)
            return too_long(pair, "source", tokens.source.size(), frame.source_tokens);
        const text::Tokens text = tokenizer.encode(pair.target);
        tokens.target.insert(tokens.target.end(), text.begin(), text.end());
        if (tokens.target.size() > frame.target_tokens)
            return too_long(pair, "target", tokens.target.size(), frame.target_tokens);
        tokens.target.push_back(frame.end);
        set.pairs.push_back(std::move(tokens));
    }
    return set;
}

}  // namespace cairn::cli
