// WrittenText turns the tokens that a model samples for one text into what is reported: pieces to
// show, where the text ends, log-probabilities, and a digest of the logits' bits. Commands that
// write one text and those that write many (generate_many.h) both use it and report the same.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "crypto/hash.h"
#include "infer/continuation.h"
#include "infer/stop_strings.h"
#include "text/tokenizer.h"

namespace cairn::cli {

class WrittenText {
  public:
    /// `tokenizer` must outlive it; `prompt` are the tokens that the user's text became, without a
    /// begin token. kInvalid for stop strings that are not valid.
    static Result<WrittenText> create(const text::Tokenizer& tokenizer, const text::Tokens& prompt,
                                      std::vector<std::string> stops);

    /// The prompt as its tokens spell it.
    const std::string& prompt() const { return prompt_; }
    /// Takes a sampled token and returns the text that may be shown now, often none.
    std::string take(const infer::GeneratedStep& step);
    /// Whether a stop string has come: nothing more is wanted.
    bool stopped() const { return stop_.stopped(); }
    /// What was held back; once, at the end.
    std::string finish();

    /// What every report of a text says: text, tokens, digest, stop ("steps", "context", "end",
    /// "string"), and `logprobs` [{token, logprob, top [{token, logprob}]}] where they were asked
    /// for. After finish(), once.
    nlohmann::json report(infer::StopReason reason, bool logprobs);

  private:
    WrittenText(const text::Tokenizer& tokenizer, infer::StopStrings stop)
        : tokenizer_(&tokenizer), decoder_(tokenizer), stop_(std::move(stop)) {}

    struct Probable {
        float logprob;
        std::vector<tensor::TokenLogprob> top;
    };

    const text::Tokenizer* tokenizer_;
    text::StreamDecoder decoder_;
    infer::StopStrings stop_;
    std::string prompt_;
    std::string text_;
    text::Tokens tokens_;  // without an end token
    std::vector<Probable> probable_;
    crypto::Sha256 hash_;
};

}  // namespace cairn::cli
