// Verdict: the outcome of judging somebody else's data. It keeps "their data breaks a rule" apart
// from "we could not tell": a full disk or a clock that runs behind must never make a block
// invalid, because invalid is for ever.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace cairn {

/// The chain's rules, by their numbers in docs/spec/chain.md. kNone: judged by none of them.
enum class Rule : std::uint8_t { kNone = 0, kC1, kC2, kC3, kC4, kC5, kC6, kC7, kC8 };

/// "C4", as the specification writes it; empty for kNone.
inline std::string rule_name(Rule rule) {
    if (rule == Rule::kNone) return "";
    std::string name = "C";
    name += std::to_string(static_cast<int>(rule));
    return name;
}

class [[nodiscard]] Verdict {
  public:
    enum class Kind { kValid, kInvalid, kUndecided };

    static Verdict valid() { return Verdict(Kind::kValid, Rule::kNone, {}); }
    static Verdict invalid(std::string reason) {
        return Verdict(Kind::kInvalid, Rule::kNone, std::move(reason));
    }
    /// Breaks a rule of the chain, whose number goes behind the reason.
    static Verdict invalid(Rule rule, const std::string& reason) {
        return Verdict(Kind::kInvalid, rule, reason + " (" + rule_name(rule) + ")");
    }
    /// Our own failure, or not yet. Ask again later; hold nothing against the sender.
    static Verdict undecided(std::string reason) {
        return Verdict(Kind::kUndecided, Rule::kNone, std::move(reason));
    }
    /// The same verdict, whose reason begins with what it is about: "contribution 1234: why".
    Verdict with_prefix(const std::string& what) const {
        return Verdict(kind_, rule_, what + ": " + reason_);
    }

    Kind kind() const { return kind_; }
    bool is_valid() const { return kind_ == Kind::kValid; }
    bool is_invalid() const { return kind_ == Kind::kInvalid; }
    bool is_undecided() const { return kind_ == Kind::kUndecided; }
    /// The rule of the chain that is broken, for programs; kNone unless invalid by one.
    Rule rule() const { return rule_; }
    /// What is wrong, or what failed, for people: "payment makes more than it spends (C3)". Empty
    /// when valid.
    const std::string& reason() const { return reason_; }

  private:
    Verdict(Kind kind, Rule rule, std::string reason)
        : kind_(kind), rule_(rule), reason_(std::move(reason)) {}

    Kind kind_;
    Rule rule_;
    std::string reason_;
};

}  // namespace cairn

/// Leaves the function with the verdict of `expression` unless it is valid.
#define RETURN_UNLESS_VALID(expression)                        \
    do {                                                       \
        ::cairn::Verdict return_verdict = (expression);        \
        if (!return_verdict.is_valid()) return return_verdict; \
    } while (false)
