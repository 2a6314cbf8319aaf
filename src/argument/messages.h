// What a prover says in field elements: Speaker writes each message down and tells the transcript,
// Listener hears the same messages again. Both therefore draw the same challenges.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "argument/transcript.h"
#include "base/check.h"

namespace cairn::argument {

class Speaker {
  public:
    Speaker(Transcript& transcript, std::vector<Fp2>& said)
        : transcript_(transcript), said_(said) {}

    void say(std::string_view name, std::span<const Fp2> message) {
        transcript_.absorb(name, message);
        said_.insert(said_.end(), message.begin(), message.end());
    }
    Transcript& transcript() { return transcript_; }

  private:
    Transcript& transcript_;
    std::vector<Fp2>& said_;
};

class Listener {
  public:
    /// Whoever makes one has seen to it that there are as many elements as will be heard.
    Listener(Transcript& transcript, std::span<const Fp2> said)
        : transcript_(transcript), rest_(said) {}

    std::span<const Fp2> hear(std::string_view name, std::size_t count) {
        CHECK(count <= rest_.size());
        const std::span<const Fp2> message = rest_.first(count);
        rest_ = rest_.subspan(count);
        transcript_.absorb(name, message);
        return message;
    }
    Transcript& transcript() { return transcript_; }
    /// What was not heard yet.
    std::span<const Fp2> rest() const { return rest_; }

  private:
    Transcript& transcript_;
    std::span<const Fp2> rest_;
};

}  // namespace cairn::argument
