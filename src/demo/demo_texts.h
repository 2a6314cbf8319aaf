// The demo's texts: the King James Bible from Debian's bible-kjv, cut by book, so that each node
// really holds private data of its own and the texts that the network is judged on are in no
// node's hands.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::demo {

struct DemoTexts {
    std::vector<std::string> private_files;  ///< one for each node
    std::vector<std::string> private_books;  ///< what is in them, in words
    std::string judge_file;                  ///< what rules measure on
    std::string report_file;                 ///< what published losses measure on
};

/// Writes node1.txt .. node3.txt, judge.txt and report.txt into `folder`. kNotFound, with the
/// package to install, where the program `bible` is absent.
Result<DemoTexts> write_demo_texts(const std::string& folder);

}  // namespace cairn::demo
