// PartPort: how the lead of a divided server asks one of its parts, and waits. Over a link it is
// part_link.h; the lead's own share, and tests, compute in the same process.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "serve/layer_part.h"

namespace cairn::serve {

class PartPort {
  public:
    virtual ~PartPort() = default;
    /// For people: "part 2 of 3 at 192.168.1.3:8600".
    virtual std::string name() const = 0;
    /// Whether it can be asked now. From any thread.
    virtual bool is_up() const = 0;
    /// Why it is not. From any thread.
    virtual std::string why_down() const = 0;
    /// Makes it so, if it is not, within about `patience_ms`. What was asked before is forgotten.
    virtual Status connect(std::uint64_t patience_ms) = 0;
    virtual Status send(PartKind kind, Bytes body) = 0;
    /// The answer to the oldest message that has none; kTimeout after `patience_ms`, and sooner of
    /// a part that is silent. After an error nothing more comes until connect().
    virtual Result<PartMessage> receive(std::uint64_t patience_ms) = 0;
    /// From any thread: whoever waits here waits no longer, and nothing is asked from now on.
    virtual void end() {}
};

/// A part in this process: it computes when its answer is waited for.
class LocalPart final : public PartPort {
  public:
    explicit LocalPart(std::unique_ptr<LayerPart> part) : part_(std::move(part)) {}

    std::string name() const override { return "the lead's own share"; }
    bool is_up() const override { return true; }
    std::string why_down() const override { return ""; }
    Status connect(std::uint64_t) override {
        waiting_.clear();
        part_->forget();
        return ok_status();
    }
    Status send(PartKind kind, Bytes body) override {
        waiting_.push_back({kind, std::move(body)});
        while (!waiting_.empty() && waiting_.front().kind == PartKind::kClose) answer_first();
        return ok_status();
    }
    Result<PartMessage> receive(std::uint64_t) override {
        while (!waiting_.empty())
            if (auto answer = answer_first()) return *std::move(answer);
        return invalid("nothing was asked");
    }

  private:
    std::optional<PartMessage> answer_first() {
        const PartMessage asked = std::move(waiting_.front());
        waiting_.pop_front();
        return part_->answer(asked.kind, asked.body);
    }

    std::unique_ptr<LayerPart> part_;
    std::deque<PartMessage> waiting_;
};

}  // namespace cairn::serve
