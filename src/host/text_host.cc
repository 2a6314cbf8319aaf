#include "host/text_host.h"

namespace cairn::host {

std::string_view model_state_name(ModelState state) {
    switch (state) {
        case ModelState::kAsleep:
            return "asleep";
        case ModelState::kLoading:
            return "loading";
        case ModelState::kReady:
            return "ready";
        case ModelState::kFailed:
            return "failed";
    }
    return "unknown";
}

}  // namespace cairn::host
