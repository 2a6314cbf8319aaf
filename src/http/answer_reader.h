// AnswerReader: the bytes of an HTTP answer, as they come, to head and body; a body of stated
// length, in chunks (RFC 9112, 7.1), or up to the end. What is not HTTP is never an error here: its
// status is 0, and who asked says what that means.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/client.h"

namespace cairn::http {

class AnswerReader {
  public:
    /// `piece` gets the body of a 200 answer; without it the answer holds its body.
    explicit AnswerReader(std::function<void(std::string_view)> piece) : piece_(std::move(piece)) {}

    /// False once the answer is longer than kMaxAnswerBytes.
    bool take(std::string_view bytes);
    /// Whether the body is complete, or will never be.
    bool done() const { return answer_.complete || broken_; }
    /// How much has come whole, so that the next may take its time: the head, and each chunk where
    /// pieces are wanted.
    std::size_t parts() const { return parts_; }
    Answer finish();

  private:
    void read_head();
    void read_body();
    void read_chunks();
    void give(std::string_view piece);

    std::function<void(std::string_view)> piece_;
    Answer answer_;
    std::string waiting_;  ///< not understood yet
    std::size_t total_ = 0;
    std::size_t parts_ = 0;
    std::size_t left_ = 0;  ///< of the body, or of a chunk
    bool in_body_ = false;
    bool stated_ = false;  ///< the head states a length
    bool chunked_ = false;
    bool broken_ = false;
};

}  // namespace cairn::http
