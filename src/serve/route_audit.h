// An audit that is a client's text in every respect (S63): somebody writes over a whole route, by
// the very code that clients have, and computes each hop's part again. So no server can tell it by
// the rhythm of its rows, nor several that work together by rows that came out of none of those
// before. It finds what was signed for, nothing of who is silent or busy: whoever writes goes round
// those. An audit of one server alone is serve/verifier.h.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "serve/verifier.h"

namespace cairn::serve {

struct RouteAuditOptions {
    ClientOptions client{};
    Hash256 genesis{};
    AuditTextLimits texts{};
    std::optional<TextBounds> bounds{};
    AuditText* spare = nullptr;      ///< as of VerifierOptions
    std::uint64_t max_ms = 120'000;  ///< what is written by then is looked at
    /// Asked now and then while servers are waited for; true ends it. May be empty.
    std::function<bool()> cancelled{};
};

/// Of announcements of one model the addresses of `target` and of those that hold none of its
/// layers, so that it is on every route over them; of all where they do not hold all layers.
std::vector<std::string> route_through(const Announce& target, std::span<const Announce> all,
                                       const model::ModelConfig& config);

/// Writes a text over servers at these addresses, free ones, and reports of each hop that answered.
/// kNotFound where no route is there; kCancelled. kUnsupported for a decoder with cross attention.
Result<std::vector<AuditReport>> audit_route(const ModelSnapshot& model,
                                             const tensor::Compute& compute, Random& random,
                                             const Clock& clock, const RouteAuditOptions& options,
                                             const std::vector<std::string>& servers,
                                             std::span<const std::uint32_t> text);

}  // namespace cairn::serve
