// The two pages that `cairn lab all` makes: a section for every result that needs no input.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "papers/result_table.h"

namespace cairn::cli {

class Command;

struct LabSection {
    char paper = 'A';  ///< papers A or B (docs/spec/papers.md)
    std::string title;
    std::function<Result<papers::ResultTable>()> make;
    std::string arguments{};  ///< with which the command gives the same, where it needs any
};
using LabPages = std::vector<LabSection>;

/// `cairn lab all --out DIR`: gradientcoin.md and efedllm.md, with tables and pictures beside them.
void add_lab_all(const Command& group, Invocation& invocation, LabPages pages);

}  // namespace cairn::cli
