// `cairn plot`: training logs (train/train_log.h) as one SVG picture: per run the loss of the
// steps, averaged over short stretches, and the held-out loss where it was measured. It also draws
// what `cairn demo --json` prints: report and judge loss over merge blocks.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

enum class PlotAxis { kSteps, kTokens, kMinutes };

struct PlotRequest {
    std::vector<std::string> logs;
    std::vector<std::string> names;  ///< of the runs in the legend; default: the file's name
    std::string out;                 ///< SVG file
    std::string title = "loss, nats per token";
    PlotAxis axis = PlotAxis::kSteps;
    std::vector<double> marks;     ///< horizontal lines
    std::optional<double> top;     ///< highest loss shown; default: after the first hundredth
    std::optional<double> bottom;  ///< lowest loss shown
    bool json = false;
};

/// JSON: out, runs (name, steps, last_loss, best_valid_loss, last_valid_loss), cut_off (logs whose
/// last line is not whole, if any).
Status run_plot(const PlotRequest& request, std::ostream& out);

}  // namespace cairn::cli
