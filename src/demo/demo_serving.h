// The demo's second half: the nodes serve the model that they trained, for coins. A prompt is
// answered over two of them, one of which is killed in mid-sentence while a third takes over; and
// an auditor finds the one that lies.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "demo/demo_network.h"
#include "demo/demo_node.h"

namespace cairn::demo {

/// Takes sentences for people.
using Tell = std::function<void(const std::string&)>;

/// Which layers the demo's second, third and fourth node serve, and for how much: in coins for
/// 1,000 tokens through one layer.
inline constexpr const char* kDemoLayers[] = {"0-2", "2-4", "2-4"};
inline constexpr const char* kDemoPrice = "0.01";

/// A text over servers of which one was killed.
struct DemoFailover {
    std::string text;
    std::size_t killed = 0;  ///< which node, counted from 1; 0: none
    std::size_t failovers = 0;
    std::uint64_t stall_ms = 0;     ///< the longest wait while another took over
    bool equal = false;             ///< the same bits as by one process without any of that
    std::uint64_t paid = 0;         ///< smallest units; what is in hand at the end included
    std::uint64_t token_price = 0;  ///< of all layers, smallest units
};

/// Of four nodes the first asks and pays from its wallet, and the others serve. Of the two that
/// hold the second half of the layers, the one that leads is killed while the text is written.
Result<DemoFailover> answer_through_a_crash(const std::vector<DemoNode*>& nodes,
                                            const std::string& folder, const std::string& prompt,
                                            const Stop& stop, const Tell& tell);

/// What an auditor found.
struct DemoAudits {
    std::size_t audits = 0;
    std::size_t convicted = 0;
    bool liar_convicted = false;  ///< the liar, and nobody else
    std::string sentence;         ///< what it was caught by
    std::string verdict;          ///< of the proof, judged anew from its file
};

/// Two servers of the node's model, of which one flips a bit of each answer and signs it all the
/// same, are audited with prompts from the text.
Result<DemoAudits> find_the_liar(DemoNode& model_of, const DemoNetwork& network,
                                 const std::string& folder, const std::string& text_file,
                                 const Stop& stop);

}  // namespace cairn::demo
