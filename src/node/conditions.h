// What is wrong with this node now, or what it waits for: one list, which whatever notices
// something writes to, and which everything that shows the node to people reads (the log, the API,
// the page, the terminal). A condition stays in the list as long as it holds; what is past is in
// the log only. The names are for programs; API.md lists them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace cairn::node {

namespace condition {
inline constexpr std::string_view kNoPeers = "no_peers";
inline constexpr std::string_view kFetching = "fetching_files";
inline constexpr std::string_view kClock = "clock";
inline constexpr std::string_view kUpgrade = "upgrade";
inline constexpr std::string_view kStorage = "storage";
inline constexpr std::string_view kFault = "fault";
inline constexpr std::string_view kSecrets = "secrets_readable";
}  // namespace condition

struct ConditionView {
    std::string name;
    bool trouble = true;         ///< false: worth knowing, and nothing need be wrong
    std::uint64_t since_ms = 0;  ///< by this machine's clock
    std::string message;         ///< what is so; a sentence without its full stop
    std::string advice;          ///< what to do about it; may be empty
    bool operator==(const ConditionView&) const = default;
};

class Conditions {
  public:
    /// `clock` must outlive this.
    explicit Conditions(const Clock& clock) : clock_(clock) {}

    /// A trouble holds. Logged when it is new, or when more than numbers in its message has
    /// changed.
    void set(std::string_view name, std::string message, std::string advice);
    /// The same of what is worth knowing, and need not be wrong.
    void note(std::string_view name, std::string message, std::string advice = "");
    /// It does not hold, or no longer. The end of a trouble is logged.
    void clear(std::string_view name);
    bool holds(std::string_view name) const;
    /// The oldest first.
    const std::vector<ConditionView>& now() const { return now_; }

  private:
    void put(ConditionView condition);

    const Clock& clock_;
    std::vector<ConditionView> now_;
};

/// "what is so; what to do about it".
std::string condition_text(const ConditionView& condition);

}  // namespace cairn::node
