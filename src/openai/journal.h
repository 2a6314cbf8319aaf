// Journal: what was asked of the API and how it went, counted for /metrics and told line by line to
// whoever keeps a log. An Exchange is one request under way, from its arrival to the end of its
// answer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "http/message.h"

namespace cairn::openai {

/// The status of a request whose asker left before its answer was whole, in logs only.
inline constexpr unsigned kAskerLeft = 499;

struct JournalEntry {
    std::string method;
    std::string path;
    unsigned status = 0;
    std::uint64_t took_us = 0;
    std::string model{};  ///< empty where none was asked
    std::size_t prompt_tokens = 0;
    std::size_t cached_tokens = 0;
    std::size_t completion_tokens = 0;
    std::uint64_t waited_us = 0;  ///< for a place
    std::uint64_t first_us = 0;   ///< from the arrival to the first piece of text
    std::string problem{};        ///< why it was refused, or failed
};

class Journal {
  public:
    /// `told` (may be empty) is called from any thread, one call at a time; it must not block.
    Journal(const Clock& clock, std::function<void(const JournalEntry&)> told)
        : clock_(clock), told_(std::move(told)) {}

    void began();
    void ended(const JournalEntry& entry);
    /// Prometheus text lines.
    std::string metrics() const;
    const Clock& clock() const { return clock_; }

  private:
    struct Sum {
        std::uint64_t count = 0;
        std::uint64_t took_us = 0;
    };

    const Clock& clock_;
    mutable Mutex mutex_;
    std::function<void(const JournalEntry&)> told_ GUARDED_BY(mutex_);
    std::map<std::pair<std::string, unsigned>, std::uint64_t> counts_ GUARDED_BY(mutex_);
    std::map<std::string, Sum> sums_ GUARDED_BY(mutex_);
    std::size_t under_way_ GUARDED_BY(mutex_) = 0;
};

/// The way back to the asker, noted in the journal when the answer has ended. Its functions are
/// called by one thread at a time.
class Exchange {
  public:
    Exchange(const http::Request& request, std::shared_ptr<http::Reply> reply,
             std::shared_ptr<Journal> journal);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void send(http::Response response);
    void begin_events();
    void event(std::string text) { reply_->write(std::move(text)); }
    void end_events();
    /// See Reply; whoever is called tells the exchange by left().
    void on_gone(std::function<void()> gone) { reply_->on_gone(std::move(gone)); }
    void left() { finish(kAskerLeft); }
    /// The first piece of text is there.
    void first_piece();

    /// What the journal is to know beside what it sees itself.
    JournalEntry& entry() { return entry_; }

  private:
    void finish(unsigned status);

    std::shared_ptr<http::Reply> reply_;
    std::shared_ptr<Journal> journal_;
    JournalEntry entry_;
    std::uint64_t began_us_;
    bool finished_ = false;
};

}  // namespace cairn::openai
