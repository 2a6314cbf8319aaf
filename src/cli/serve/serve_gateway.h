// `cairn serve` over layer servers (--server, --servers-of): the same API and page, with a model
// whose layers other machines compute (gateway/gateway.h).
#pragma once

#include <functional>
#include <memory>

#include "cli/local_model.h"
#include "cli/serve/serve_command.h"
#include "host/text_host.h"

namespace cairn::cli {

/// kMisused for options that only a model on this machine has, before anything is read.
Status check_serve_over(const ServeRequest& request);

/// The model's file, or, without one, the own model of the network that --servers-of names, as
/// often as it becomes another one. `machine` and `should_stop`, which ends fetching, must outlive
/// the host.
Result<std::unique_ptr<host::TextHost>> start_gateway(const ServeRequest& request,
                                                      const Machine& machine,
                                                      const std::function<bool()>& should_stop);

}  // namespace cairn::cli
