// Why a contribution earned what it earned, in sentences for people: `cairn explain` and the page.
#pragma once

#include <cstdint>
#include <string>

#include "store/records.h"

namespace cairn::api {

/// "1.25" of an amount in the smallest units, 10^-8.
std::string amount_text(std::uint64_t amount);

/// What was contributed, how it was judged, and what it earned or why it did not.
std::string explain(const store::ContributionRecord& record);

/// What one merge block did to the model and whom it paid.
std::string explain(const store::MergeRecord& merge);

}  // namespace cairn::api
