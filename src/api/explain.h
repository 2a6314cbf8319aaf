// Why a contribution earned what it earned, in sentences for people: `cairn explain` and the page.
#pragma once

#include <cstdint>
#include <string>

#include "chain/payment.h"
#include "store/records.h"

namespace cairn::api {

using chain::amount_text;

/// What was contributed, how it was judged, and what it earned or why it did not.
std::string explain(const store::ContributionRecord& record);

/// What one merge block did to the model and whom it paid.
std::string explain(const store::MergeRecord& merge);

}  // namespace cairn::api
