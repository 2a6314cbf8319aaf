// `cairn generate --prompts`: many texts at once, computed as one batch. Each comes out with the
// bits that it would have alone; together they are written several times faster, because a step
// reads the weights once for all of them.
#pragma once

#include <iosfwd>

#include "cli/local_model.h"
#include "cli/write/generate_command.h"

namespace cairn::cli {

inline constexpr std::size_t kMaxPrompts = 1'000'000;
inline constexpr std::size_t kMaxTogether = 1024;

/// One prompt per line, empty lines skipped; in a file named .jsonl each line is an object with a
/// "prompt" (anything else in it is left alone). "-": lines from standard input. kInvalid names the
/// line.
Result<std::vector<std::string>> read_prompts(const std::string& path);

/// Writes the texts in the order of the prompts, each as soon as it and all before it are done: for
/// people under a heading, as JSON one object a line with index, prompt and what WrittenText
/// reports. Ctrl-C ends after the texts that are done. `local` is packed.
Status run_generate_many(const GenerateRequest& request, const LocalModel& local,
                         const Machine& machine, std::vector<std::string> prompts,
                         std::ostream& out);

}  // namespace cairn::cli
