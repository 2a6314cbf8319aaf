// Verdict: the outcome of judging somebody else's data. It keeps "their data breaks a rule" apart
// from "we could not tell": a full disk or a clock that runs behind must never make a block
// invalid, because invalid is for ever.
#pragma once

#include <string>
#include <utility>

namespace cairn {

class [[nodiscard]] Verdict {
  public:
    enum class Kind { kValid, kInvalid, kUndecided };

    static Verdict valid() { return Verdict(Kind::kValid, {}); }
    static Verdict invalid(std::string reason) {
        return Verdict(Kind::kInvalid, std::move(reason));
    }
    /// Our own failure, or not yet. Ask again later; hold nothing against the sender.
    static Verdict undecided(std::string reason) {
        return Verdict(Kind::kUndecided, std::move(reason));
    }

    Kind kind() const { return kind_; }
    bool is_valid() const { return kind_ == Kind::kValid; }
    bool is_invalid() const { return kind_ == Kind::kInvalid; }
    bool is_undecided() const { return kind_ == Kind::kUndecided; }
    /// Which rule was broken, or what failed. Empty when valid.
    const std::string& reason() const { return reason_; }

  private:
    Verdict(Kind kind, std::string reason) : kind_(kind), reason_(std::move(reason)) {}

    Kind kind_;
    std::string reason_;
};

}  // namespace cairn

/// Leaves the function with the verdict of `expression` unless it is valid.
#define RETURN_UNLESS_VALID(expression)                        \
    do {                                                       \
        ::cairn::Verdict return_verdict = (expression);        \
        if (!return_verdict.is_valid()) return return_verdict; \
    } while (false)
