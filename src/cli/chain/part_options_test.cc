// Proves that the options of a divided server fit each other, and that what does not is said before
// anything is read.
#include "cli/chain/part_options.h"
#include "cli/options.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace cairn::cli {
namespace {

struct Parsed {
    std::string error;  ///< of the command line, or of check_parts()
    ServeLayersRequest request;
};

Parsed parse(const std::string& line) {
    CLI::App app{"node"};
    Parsed parsed;
    const Command command(app);
    add_part_options(command, parsed.request,
                     command.add_option("--serve", parsed.request.layers, "Which"));
    try {
        app.parse(line);
    } catch (const CLI::ParseError& error) {
        parsed.error = error.what();
        return parsed;
    }
    if (const Status status = check_parts(parsed.request); !status.ok()) {
        EXPECT_EQ(status.error().code, ErrorCode::kMisused);
        parsed.error = status.error().message;
    }
    return parsed;
}

TEST(PartOptions, NameALeadsPartsOrItsKey) {
    const Parsed lead =
        parse("--serve 0-6 --part 10.0.0.2:8600 --part 10.0.0.3:8600 --part-key k --shares 2,1,1");
    EXPECT_EQ(lead.error, "");
    EXPECT_EQ(lead.request.parts, (std::vector<std::string>{"10.0.0.2:8600", "10.0.0.3:8600"}));
    EXPECT_EQ(lead.request.shares, (std::vector<std::uint32_t>{2, 1, 1}));
    const Parsed part = parse("--serve 0-6 --part-of k");
    EXPECT_EQ(part.error, "");
    EXPECT_EQ(part.request.part_of, "k");
    EXPECT_EQ(parse("--serve 0-6").error, "");
}

TEST(PartOptions, WhatDoesNotFitIsSaid) {
    EXPECT_NE(parse("--serve 0-6 --part 10.0.0.2:8600").error.find("--part-key FILE"),
              std::string::npos);
    EXPECT_NE(parse("--serve 0-6 --part here --part-key k").error.find("'here' is no address"),
              std::string::npos);
    EXPECT_EQ(parse("--serve 0-6 --part 10.0.0.2:8600 --part-key k --shares 1").error,
              "--shares wants 2 numbers, this machine's first; got 1");
    EXPECT_EQ(parse("--serve 0-6 --part-of k --part 10.0.0.2:8600").error,
              "--part excludes --part-of");
    EXPECT_EQ(parse("--serve 0-6 --shares 1,1").error, "--shares requires --part");
    EXPECT_EQ(parse("--part-of k").error, "--part-of requires --serve");
    ServeLayersRequest request;
    request.part_of = "k";
    request.lie = true;
    EXPECT_NE(check_parts(request).error().message.find("computes for its lead alone"),
              std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
