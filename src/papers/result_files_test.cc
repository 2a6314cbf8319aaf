// Proves that a table is written for people and for programs: CSV whose words may hold commas, a
// file for each block of rows, pictures, and a section of a page that names them.
#include "papers/result_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/files.h"

namespace cairn::papers {
namespace {

ResultTable example() {
    ResultTable table{"example", {}, "A sentence.", {}};
    for (const std::int64_t x : {1, 2})
        table.rows.push_back({{"way", std::string("plain, \"quick\"")},
                              {"x", x},
                              {"y", 0.5 * static_cast<double>(x)}});
    table.rows.push_back({{"held", true}, {"list", std::vector<double>{1, 2.25}}});
    table.pictures = {
        {.title = "Y by x", .x = "x", .y = "y", .group = "way", .x_label = "x", .y_label = "y"}};
    return table;
}

TEST(ResultFiles, EachBlockIsAFileOfCommasAndEachPictureADrawing) {
    const std::string folder = testing::TempDir() + "cairn_result_files";
    std::filesystem::create_directories(folder);
    std::ostringstream said;
    ASSERT_TRUE(write_files(example(), folder, &said).ok());
    EXPECT_EQ(read_text_file(folder + "/example.csv").value(),
              "way,x,y\n\"plain, \"\"quick\"\"\",1,0.5\n\"plain, \"\"quick\"\"\",2,1\n");
    EXPECT_EQ(read_text_file(folder + "/example-2.csv").value(), "held,list\nyes,1 2.25\n");
    const std::string svg = read_text_file(folder + "/example.svg").value();
    EXPECT_NE(svg.find("plain, &quot;quick&quot;"), std::string::npos);
    EXPECT_TRUE(said.str().starts_with("wrote " + folder + "/example.csv, ")) << said.str();
    EXPECT_TRUE(write_files(example(), folder, nullptr).ok());
    std::filesystem::remove_all(folder);
}

TEST(ResultFiles, ASectionHasItsSentenceRowsAndPictures) {
    const std::string page = to_markdown(example(), "An example");
    EXPECT_TRUE(page.starts_with("## An example\n\n`cairn lab example`: A sentence.\n\n"));
    EXPECT_NE(page.find("| way | x | y |\n|---|---|---|\n"), std::string::npos) << page;
    EXPECT_NE(page.find("| yes | 1 2.25 |\n"), std::string::npos);
    EXPECT_TRUE(page.ends_with("![Y by x](example.svg)\n\n"));
}

TEST(ResultFiles, ValuesAreShownShortly) {
    EXPECT_EQ(text_of(Value(std::int64_t{-7})), "-7");
    EXPECT_EQ(text_of(Value(1.0 / 3)), "0.333333");
    EXPECT_EQ(text_of(Value(2e12)), "2000000000000");
    EXPECT_EQ(text_of(Value(false)), "no");
    EXPECT_EQ(text_of(Value(std::vector<double>(7, 1.5))), "1.5 1.5 1.5 1.5 1.5 1.5 ...");
}

}  // namespace
}  // namespace cairn::papers
