// StopStrings: ends a text where one of some strings begins, also when tokens cut the string in the
// middle. What could still become a stop string is held back, so that a reader never sees one
// begin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn::infer {

class StopStrings {
  public:
    static constexpr std::size_t kMaxStrings = 64;
    static constexpr std::size_t kMaxBytes = 1024;  ///< of one string

    /// kInvalid for an empty string, too many or too long ones.
    static Result<StopStrings> create(std::vector<std::string> stops);
    StopStrings() = default;  ///< never stops, holds nothing back

    /// The text that may be shown now. After a stop nothing comes any more.
    std::string push(std::string_view piece);
    bool stopped() const { return stopped_; }
    /// What is still held back when the text ends without a stop.
    std::string finish();

  private:
    std::vector<std::string> stops_;
    std::string held_;
    bool stopped_ = false;
};

}  // namespace cairn::infer
