#include "cli/papers/lab_pages.h"

#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "console/json_line.h"
#include "papers/result_files.h"

namespace cairn::cli {

namespace {

struct Page {
    char paper;
    const char* file;
    const char* beginning;
};

constexpr Page kPages[] = {
    {'A', "gradientcoin.md",
     "# GradientCoin, item by item\n\nWhat the paper states (arXiv 2308.10502; its items: "
     "[docs/spec/papers.md](../spec/papers.md)), what its formulas give, and what was measured. "
     "`cairn lab all --out docs/papers` makes this page again.\n\n"},
    {'B', "efedllm.md",
     "# eFedLLM, item by item\n\nWhat the paper states (arXiv 2411.16003; its items: "
     "[docs/spec/papers.md](../spec/papers.md)), what its formulas give, and what was measured. "
     "`cairn lab all --out docs/papers` makes this page again.\n\n"},
};

Status run(const LabPages& sections, const std::string& folder, bool json, std::ostream& out) {
    RETURN_IF_ERROR(check_outputs({{"--out", folder + "/" + kPages[0].file}}, {}));
    const SystemClock clock;
    Progress progress(clock, "results", sections.size());
    nlohmann::ordered_json written = nlohmann::ordered_json::array();
    std::size_t done = 0;
    for (const Page& page : kPages) {
        std::string text = page.beginning;
        for (const LabSection& section : sections) {
            if (section.paper != page.paper) continue;
            progress.update(done++);
            ASSIGN_OR_RETURN(const papers::ResultTable table, section.make());
            RETURN_IF_ERROR(papers::write_files(table, folder, nullptr));
            text += papers::to_markdown(table, section.title, section.arguments);
        }
        while (text.ends_with("\n\n")) text.pop_back();
        RETURN_IF_ERROR(write_file(folder + "/" + page.file, as_bytes(text)));
        written.push_back(folder + "/" + page.file);
        if (!json) out << "wrote " << folder << '/' << page.file << '\n';
    }
    if (json) out << console::json_line(nlohmann::ordered_json{{"wrote", written}});
    return ok_status();
}

}  // namespace

void add_lab_all(const Command& group, Invocation& invocation, LabPages pages) {
    const Command command = add_command(
        group, invocation, "all", "All results of the papers that need no input, as two pages",
        "cairn lab all --out docs/papers");
    auto folder = std::make_shared<std::string>();
    command.add_option("--out", *folder, "Folder for pages, tables and pictures").required();
    command.callback([folder, pages = std::move(pages), &invocation] {
        invocation.run = [folder, pages, json = invocation.json](std::ostream& out) {
            return run(pages, *folder, json, out);
        };
    });
}

}  // namespace cairn::cli
