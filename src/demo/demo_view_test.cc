// Proves that the demo's block fits any terminal, is measured in columns and not in bytes, and is
// redrawn in place: a small terminal is simulated here, on which nothing may wrap or scroll.
#include "demo/demo_view.h"

#include <gtest/gtest.h>

#include "console/live_block.h"
#include "console/screen_text.h"

namespace cairn::demo {
namespace {

/// A terminal that knows what console::LiveBlock uses, and counts what it should never see.
class Terminal {
  public:
    explicit Terminal(console::ScreenSize size) : size_(size), rows_(size.rows) {}
    void write(const std::string& bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const char c = bytes[i];
            if (c == '\x1b') {
                i = escape(bytes, i + 2);
            } else if (c == '\r') {
                column_ = 0;
            } else if (c == '\n') {
                column_ = 0;
                line_feed();
            } else if ((c & 0xC0) == 0x80) {
                rows_[row_].back() += c;  // the rest of a character
            } else {
                put(c);
            }
        }
    }
    std::string text(std::size_t row) const {
        std::string line;
        for (const std::string& cell : rows_[row]) line += cell;
        while (line.ends_with(' ')) line.pop_back();
        return line;
    }
    std::size_t wrapped = 0, scrolled = 0;

  private:
    std::size_t escape(const std::string& bytes, std::size_t i) {
        std::size_t number = 0;
        for (; bytes[i] >= '0' && bytes[i] <= '9'; ++i)
            number = 10 * number + static_cast<std::size_t>(bytes[i] - '0');
        if (bytes[i] == 'A') row_ -= std::min(row_, number);
        if (bytes[i] == 'H') row_ = column_ = 0;
        if (bytes[i] == 'K' || bytes[i] == 'J') rows_[row_].resize(column_);
        if (bytes[i] == 'J')
            for (std::size_t row = row_ + 1; row < size_.rows; ++row) rows_[row].clear();
        return i;
    }
    void line_feed() {
        if (++row_ < size_.rows) return;
        ++scrolled;
        row_ = size_.rows - 1;
        rows_.erase(rows_.begin());
        rows_.emplace_back();
    }
    void put(char c) {
        if (column_ == size_.columns) {
            ++wrapped;
            column_ = 0;
            line_feed();
        }
        rows_[row_].resize(column_, " ");
        rows_[row_].push_back(std::string(1, c));
        ++column_;
    }

    console::ScreenSize size_;
    std::vector<std::vector<std::string>> rows_;
    std::size_t row_ = 0, column_ = 0;
};

node::NodeStatus busy_status() {
    node::NodeStatus status;
    status.height = 160;
    status.peers.resize(2);
    status.training.stage = "training";
    status.training.steps = status.training.steps_wanted = 100;
    status.training.local_loss = 4.71;
    status.mining.blocks = 50;
    return status;
}

DemoView view_of(std::size_t merges) {
    DemoView view;
    view.network = std::string(64, 'a');
    view.dashboard = "http://127.0.0.1:8420/";
    view.elapsed_s = 5'999;
    view.wanted = 20;
    for (int i = 0; i < 3; ++i)
        view.nodes.push_back({.books = "Kings to the Song of Solomon",
                              .answering = true,
                              .status = busy_status(),
                              .earned = 1'234'567'890});
    for (std::size_t i = 1; i <= merges; ++i) {
        store::MergeRecord& merge = view.merges.emplace_back();
        merge.height = 8 * i;
        merge.report_loss = 6.0 - 0.1 * static_cast<double>(i);
        merge.contributions = 3;
        merge.minted = 300'000'000;
    }
    view.sample = "And the LORD said\n\x1b[2J unto \xE2\x96\x81 " + std::string(200, 'x');
    return view;
}

TEST(ScreenText, MeasuresColumnsNotBytes) {
    EXPECT_EQ(console::columns_of("▇▆▅"), 3U);
    EXPECT_EQ(console::columns_of("山本"), 4U);
    EXPECT_EQ(console::cut_to("▇▆▅▄▃", 3), "▇▆…");
    EXPECT_EQ(console::cut_to("▇▆▅", 3), "▇▆▅");
    EXPECT_EQ(console::columns_of(console::fill_to("山本", 3)), 3U)
        << "half a character is not shown";
    EXPECT_EQ(console::fill_to("ab", 4), "ab  ");
}

TEST(ScreenText, WrapsAtBlanks) {
    EXPECT_EQ(console::wrap("  one two three", 10, 4),
              (std::vector<std::string>{"  one two", "    three"}));
    EXPECT_EQ(console::wrap("", 10, 2), std::vector<std::string>{""});
    for (const std::string& line :
         console::wrap("word " + std::string(300, 'y') + " ▇▇ end", 20, 6))
        EXPECT_LE(console::columns_of(line), 20U);
}

TEST(LiveBlock, NeitherWrapsNorScrollsInAnySize) {
    for (const console::ScreenSize size :
         {console::ScreenSize{80, 24}, console::ScreenSize{100, 30}, console::ScreenSize{40, 10},
          console::ScreenSize{200, 60}, console::ScreenSize{20, 4}}) {
        Terminal terminal(size);
        console::LiveBlock block;
        for (std::size_t merges = 0; merges <= 20; ++merges)
            terminal.write(block.redraw(render_demo(view_of(merges), size), size));
        EXPECT_EQ(terminal.wrapped, 0U) << size.columns;
        EXPECT_EQ(terminal.scrolled, 0U) << size.columns;
        EXPECT_TRUE(terminal.text(0).starts_with("Cairn demo")) << terminal.text(0);
        if (size.columns >= 80) {
            EXPECT_EQ(terminal.text(4).substr(0, 15), "  1        160 ");
        }
    }
}

TEST(LiveBlock, LinesOfALogPassAboveIt) {
    const console::ScreenSize size{40, 12};
    Terminal terminal(size);
    console::LiveBlock block;
    terminal.write(block.redraw({"title", "first"}, size));
    terminal.write(block.redraw({"title", "second"}, size, {"a line of the log"}));
    terminal.write(block.redraw({"title", "third"}, size,
                                {"another line, which is longer than the screen is wide"}));
    EXPECT_EQ(terminal.text(0), "a line of the log");
    EXPECT_EQ(terminal.text(1), "another line, which is longer than the");
    EXPECT_EQ(terminal.text(3), "title");
    EXPECT_EQ(terminal.text(4), "third");
    EXPECT_EQ(terminal.text(5), "");
    EXPECT_EQ(terminal.wrapped, 0U);
}

TEST(LiveBlock, WithoutColourItHasNoBoldLine) {
    const console::ScreenSize size{40, 12};
    EXPECT_EQ(console::LiveBlock(false).redraw({"title"}, size).find("\x1b[1m"), std::string::npos);
    EXPECT_NE(console::LiveBlock(true).redraw({"title"}, size).find("\x1b[1m"), std::string::npos);
}

TEST(LiveBlock, StandsBelowWhatWasThere) {
    const console::ScreenSize size{40, 10};
    Terminal terminal(size);
    console::LiveBlock block;
    terminal.write("$ cairn demo\n");
    for (int i = 0; i < 5; ++i)
        terminal.write(block.redraw({"title", "line " + std::to_string(i)}, size));
    EXPECT_EQ(terminal.text(0), "$ cairn demo");
    EXPECT_EQ(terminal.text(1), "title");
    EXPECT_EQ(terminal.text(2), "line 4");
    EXPECT_EQ(terminal.text(3), "");
    terminal.write(block.redraw({"title"}, size));
    EXPECT_EQ(terminal.text(2), "") << "a shorter block leaves nothing behind";
}

TEST(DemoView, NothingIsToldBeforeItIsKnown) {
    DemoView view = view_of(0);
    view.nodes[0].status.training.steps = 0;
    view.nodes[0].status.training.local_loss = 0;
    std::string all;
    for (const std::string& line : render_demo(view, {100, 30})) all += line + "\n";
    EXPECT_EQ(all.find("step 0"), std::string::npos);
    EXPECT_EQ(all.find("0.00,"), std::string::npos);
    EXPECT_NE(all.find("starting"), std::string::npos);
    EXPECT_EQ(all.find('\x1b'), std::string::npos) << "what a model writes is cleaned";
}

TEST(DemoView, LogLinesAreShort) {
    const DemoView view = view_of(20);
    EXPECT_LE(console::columns_of(merge_heading()), 80U);
    EXPECT_LE(console::columns_of(render_merge(view.merges.back(), 10'000, 359'999)), 80U);
    EXPECT_EQ(console::columns_of(merge_heading().substr(0, merge_heading().find("  state"))),
              console::columns_of(render_merge(view.merges[0], 1, 5)) - 14)
        << "each figure below its heading";
}

}  // namespace
}  // namespace cairn::demo
