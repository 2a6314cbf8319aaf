#include "model/llama2c_tokenizer.h"

#include <bit>
#include <cmath>
#include <limits>
#include <queue>

#include <fmt/core.h>

#include "base/codec.h"

namespace cairn::model {

namespace {

constexpr std::uint32_t kFirstByte = 3;
constexpr std::uint32_t kFirstPiece = kFirstByte + 256;
constexpr std::uint32_t kMaxEntries = 1U << 19;
constexpr std::uint32_t kMaxPieceBytes = 1024;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// "<0x0A>" -> 10.
std::optional<char> byte_piece(std::string_view piece) {
    if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    const int high = digit(piece[3]);
    const int low = digit(piece[4]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

// A doubly linked list of the pieces so far, so that a merge costs nothing but its neighbours.
struct Node {
    std::uint32_t token;
    std::uint32_t previous;
    std::uint32_t next;
};

struct Candidate {
    float score;
    std::uint32_t left;  // node
    std::uint32_t right;
    std::uint32_t left_token;  // as they were when this was found
    std::uint32_t right_token;
    std::uint32_t merged;
    // Greater means merged first: best score, then leftmost.
    bool operator<(const Candidate& other) const {
        return score != other.score ? score < other.score : left > other.left;
    }
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

Result<std::unique_ptr<Llama2cTokenizer>> Llama2cTokenizer::parse(ByteView file) {
    if (file.size() > kMaxTokenizerBytes) return invalid("tokenizer: file is too large");
    std::unique_ptr<Llama2cTokenizer> tokenizer(new Llama2cTokenizer);
    Reader reader(file);
    tokenizer->longest_ = reader.u32();
    while (!reader.failed() && reader.remaining() > 0) {
        const float score = std::bit_cast<float>(reader.u32());
        std::string text = reader.text(kMaxPieceBytes);
        if (reader.failed()) break;
        if (!std::isfinite(score)) return invalid("tokenizer: a score is not a number");
        if (tokenizer->entries_.size() == kMaxEntries) return invalid("tokenizer: too many tokens");
        tokenizer->entries_.push_back({score, std::move(text)});
    }
    RETURN_IF_ERROR(reader.finish());
    if (tokenizer->entries_.size() < kFirstPiece)
        return invalid(
            "tokenizer: neither a Cairn tokenizer nor a llama2.c tokenizer.bin (too few tokens)");
    for (std::uint32_t byte = 0; byte < 256; ++byte)
        if (byte_piece(tokenizer->entries_[kFirstByte + byte].text) != static_cast<char>(byte))
            return invalid(
                fmt::format("tokenizer: token {} is not byte {}", kFirstByte + byte, byte));
    // Special tokens and bytes are never the result of a merge: typing "<s>" must not make one.
    // The first of equal pieces stays.
    for (std::uint32_t id = kFirstPiece; id < tokenizer->entries_.size(); ++id)
        tokenizer->ids_.emplace(tokenizer->entries_[id].text, id);
    if (!tokenizer->ids_.contains(" ")) return invalid("tokenizer: no token for a blank");
    return tokenizer;
}

std::uint32_t Llama2cTokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(entries_.size());
}

Tokens Llama2cTokenizer::encode(std::string_view text) const {
    if (text.empty()) return {};
    std::vector<Node> nodes;
    const auto append = [&](std::uint32_t token) {
        const auto at = static_cast<std::uint32_t>(nodes.size());
        nodes.push_back({token, at == 0 ? kNone : at - 1, kNone});
        if (at > 0) nodes[at - 1].next = at;
    };
    const auto append_character = [&](std::string_view character) {
        const auto found = ids_.find(character);
        if (found != ids_.end()) return append(found->second);
        for (const char c : character) append(kFirstByte + static_cast<unsigned char>(c));
    };
    append_character(" ");
    for (std::size_t at = 0; at < text.size();) {
        std::size_t length = 1;
        while (length < 4 && at + length < text.size() && is_continuation(text[at + length]))
            ++length;
        append_character(text.substr(at, length));
        at += length;
    }

    std::priority_queue<Candidate> queue;
    std::string joined;
    const auto consider = [&](std::uint32_t left) {
        const std::uint32_t right = left == kNone ? kNone : nodes[left].next;
        if (right == kNone) return;
        joined = entries_[nodes[left].token].text + entries_[nodes[right].token].text;
        const auto found = ids_.find(joined);
        if (found == ids_.end()) return;
        queue.push({entries_[found->second].score, left, right, nodes[left].token,
                    nodes[right].token, found->second});
    };
    for (std::uint32_t i = 0; i < nodes.size(); ++i) consider(i);
    while (!queue.empty()) {
        const Candidate best = queue.top();
        queue.pop();
        Node& left = nodes[best.left];
        if (left.token != best.left_token || left.next != best.right ||
            nodes[best.right].token != best.right_token)
            continue;  // one of the two was merged meanwhile
        left.token = best.merged;
        left.next = nodes[best.right].next;
        nodes[best.right].token = kNone;
        if (left.next != kNone) nodes[left.next].previous = best.left;
        consider(left.previous);
        consider(best.left);
    }
    Tokens out;
    for (std::uint32_t i = 0; i != kNone; i = nodes[i].next) out.push_back(nodes[i].token);
    return out;
}

std::string Llama2cTokenizer::piece(std::uint32_t previous, std::uint32_t token) const {
    if (token < kFirstByte || token >= entries_.size()) return {};
    const std::string& text = entries_[token].text;
    if (token < kFirstPiece) return std::string(1, static_cast<char>(token - kFirstByte));
    if (previous == begin_token() && text.starts_with(' ')) return text.substr(1);
    return text;
}

Bytes Llama2cTokenizer::serialise() const {
    Writer writer;
    writer.u32(longest_);
    for (const Entry& entry : entries_) {
        writer.u32(std::bit_cast<std::uint32_t>(entry.score));
        writer.text(entry.text);
    }
    return std::move(writer).take();
}

}  // namespace cairn::model
