// What the demo does once the model is trained: a prompt answered by the whole model and by two
// processes with half of its layers each, a fourth node that replays the chain, and all of it as
// one line of JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "demo/demo_network.h"
#include "demo/demo_node.h"
#include "demo/demo_serving.h"

namespace cairn::demo {

struct DemoAnswer {
    std::string text;          ///< by one process
    std::string network_text;  ///< over two
    bool equal = false;        ///< same token ids and same digest over the bits of all logits
};

/// The second and the third node export their models; one process serves the first half of the
/// layers from one export, another the second half from the other.
Result<DemoAnswer> answer_over_processes(const std::vector<DemoNode>& nodes,
                                         const DemoNetwork& network, const std::string& folder,
                                         const std::string& prompt, const Stop& stop);

struct DemoLatecomer {
    std::uint64_t height = 0;
    std::uint64_t seconds = 0;
    Hash256 state_root;
    bool equal = false;
    std::optional<DemoNode> node;  ///< runs on
};

/// A fourth node that neither trains nor mines joins and must reach `last`; it serves layers, too.
Result<DemoLatecomer> join_late(const std::vector<DemoNode>& nodes, const DemoNetwork& network,
                                const std::string& folder, const store::MergeRecord& last,
                                const Stop& stop);

/// The demo's last line.
std::string demo_json(const std::vector<store::MergeRecord>& merges, const DemoAnswer& answer,
                      const DemoLatecomer& late, const DemoFailover& failover,
                      const DemoAudits& audits);

}  // namespace cairn::demo
