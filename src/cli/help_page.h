// How --help looks: pages of 80 columns, on which an option has one short word for its values, and
// what else there is to know of them stands behind its description:
//
//   --steps N                   Optimiser steps [default 1000; 1 or more; not
//                               with --minutes, --resume]
#pragma once

#include <cstddef>

namespace CLI {
class App;
}  // namespace CLI

namespace cairn::cli {

/// Nothing of a page is wider, but for a word that is longer by itself.
inline constexpr std::size_t kHelpColumns = 80;

/// For `app` and the commands that are added to it from now on.
void set_help_page(CLI::App& app);

}  // namespace cairn::cli
