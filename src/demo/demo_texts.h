// The demo's texts: the King James Bible from Debian's bible-kjv, divided by book, so that each
// node really has private training data of its own, and none of it is in the texts that the network
// is judged by.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::demo {

struct DemoTexts {
    std::vector<std::string> private_files;  ///< one for each node
    std::vector<std::string> private_books;  ///< what is in them, in words
    std::string judge_file;                  ///< text that consensus rules measure the loss on
    std::string report_file;                 ///< text that published losses are measured on
};

/// Writes node1.txt .. node3.txt, judge.txt and report.txt into `folder`. kNotFound, with the
/// package to install, where the program `bible` is absent.
Result<DemoTexts> write_demo_texts(const std::string& folder);

}  // namespace cairn::demo
