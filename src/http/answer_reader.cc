#include "http/answer_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace cairn::http {

namespace {

constexpr std::size_t kMaxHeadBytes = 64 * 1024;
constexpr std::size_t kMaxChunkLine = 64;

std::optional<std::size_t> number(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, problem] =
        std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (problem != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::string> Answer::field(const std::string& name) const {
    std::string lower = head;
    for (char& letter : lower)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const std::string sought = "\r\n" + name + ":";
    std::size_t at = lower.find(sought);
    if (at == std::string::npos) return std::nullopt;
    at = lower.find_first_not_of(' ', at + sought.size());
    return at == std::string::npos ? "" : lower.substr(at, lower.find("\r\n", at) - at);
}

bool AnswerReader::take(std::string_view bytes) {
    total_ += bytes.size();
    if (total_ > kMaxAnswerBytes) return false;
    waiting_ += bytes;
    if (!in_body_) read_head();
    if (in_body_ && !broken_) read_body();
    return true;
}

void AnswerReader::read_head() {
    const std::size_t end = waiting_.find("\r\n\r\n");
    if (end == std::string::npos) {
        broken_ = waiting_.size() > kMaxHeadBytes;
        return;
    }
    answer_.head = waiting_.substr(0, end);
    waiting_.erase(0, end + 4);
    in_body_ = true;
    ++parts_;
    const bool http = answer_.head.starts_with("HTTP/1.1 ") && answer_.head.size() >= 12;
    const auto status = number(http ? std::string_view(answer_.head).substr(9, 3) : "", 10);
    broken_ = !status;
    if (!status) return;
    answer_.status = static_cast<unsigned>(*status);
    chunked_ = answer_.field("transfer-encoding") == "chunked";
    const auto stated = answer_.field("content-length");
    const auto length = stated ? number(*stated, 10) : std::nullopt;
    stated_ = length.has_value();
    left_ = length.value_or(0);
}

void AnswerReader::give(std::string_view piece) {
    if (piece_ && answer_.status == 200)
        piece_(piece);
    else
        answer_.body += piece;
}

void AnswerReader::read_body() {
    if (chunked_) return read_chunks();
    const std::size_t count = stated_ ? std::min(left_, waiting_.size()) : waiting_.size();
    give(std::string_view(waiting_).substr(0, count));
    left_ -= stated_ ? count : 0;
    // More than was stated is no answer of ours.
    broken_ = stated_ && waiting_.size() > count;
    waiting_.clear();
    answer_.complete = stated_ && left_ == 0 && !broken_;
}

void AnswerReader::read_chunks() {
    while (!done()) {
        if (left_ > 0) {  // of the chunk and the line end behind it
            const std::size_t text = left_ > 2 ? std::min(left_ - 2, waiting_.size()) : 0;
            give(std::string_view(waiting_).substr(0, text));
            const std::size_t count = std::min(left_, waiting_.size());
            waiting_.erase(0, count);
            left_ -= count;
            if (left_ > 0) return;
            parts_ += piece_ ? 1 : 0;
        }
        const std::size_t end = waiting_.find("\r\n");
        if (end == std::string::npos) {
            broken_ = waiting_.size() > kMaxChunkLine;
            return;
        }
        const auto size = number(std::string_view(waiting_).substr(0, end), 16);
        broken_ = !size || *size > kMaxAnswerBytes;
        if (broken_) return;
        waiting_.erase(0, end + 2);
        answer_.complete = *size == 0;
        left_ = *size + 2;
    }
}

Answer AnswerReader::finish() {
    if (in_body_ && !stated_ && !chunked_ && !broken_) answer_.complete = true;
    return std::move(answer_);
}

}  // namespace cairn::http
