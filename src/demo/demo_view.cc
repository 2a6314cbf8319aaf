#include "demo/demo_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "console/screen_text.h"

namespace cairn::demo {

namespace {

constexpr std::uint64_t kCoin = 100'000'000;

std::string loss_text(const std::optional<double>& loss) {
    return loss ? fmt::format("{:.3f}", *loss) : std::string("...");
}

std::string training_text(const DemoNodeView& node) {
    if (!node.answering) return "starting";
    const node::TrainingView& training = node.status.training;
    if (training.stage != "training") return training.stage;
    if (training.steps == 0) return "starting";
    return fmt::format("step {}/{}, loss {:.2f}", training.steps, training.steps_wanted,
                       training.local_loss.value_or(0));
}

std::string clock_text(std::uint64_t seconds) {
    return fmt::format("{:2}:{:02}", seconds / 60, seconds % 60);
}

std::string merge_cells(const store::MergeRecord& merge) {
    return fmt::format("{:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {}", merge.height,
                       loss_text(merge.report_loss), loss_text(merge.judge_loss_after),
                       merge.contributions, coins_text(merge.minted), short_hex(merge.state_root));
}

constexpr std::string_view kMergeCells = "height  report   judge  merged  minted  state";
constexpr std::size_t kMostMerges = 8;

std::vector<std::string> node_lines(const DemoView& view) {
    std::vector<std::string> lines = {
        "  node  height  peers  mined  earned  training                 private books"};
    for (std::size_t i = 0; i < view.nodes.size(); ++i) {
        const DemoNodeView& node = view.nodes[i];
        const node::NodeStatus& status = node.status;
        lines.push_back(fmt::format("  {:<4}  {:>6}  {:>5}  {:>5}  {:>6}  {}  {}", i + 1,
                                    status.height, status.peers.size(), status.mining.blocks,
                                    coins_text(node.earned),
                                    console::fill_to(training_text(node), 23), node.books));
    }
    return lines;
}

std::vector<std::string> loss_lines(const DemoView& view, std::size_t columns) {
    std::vector<double> losses;
    for (const store::MergeRecord& merge : view.merges)
        if (merge.report_loss) losses.push_back(*merge.report_loss);
    std::vector<std::string> lines = {
        view.merges.size() > view.wanted
            ? fmt::format("  merge blocks {}", view.merges.size())
            : fmt::format("  merge blocks {} of {}", view.merges.size(), view.wanted)};
    if (losses.empty()) return lines;
    const std::string text =
        fmt::format("  loss on text that no node holds  {:.3f} -> {:.3f} nats per token  ",
                    losses.front(), losses.back());
    const std::size_t used = console::columns_of(text);
    lines.push_back(
        text + sparkline(losses, columns > used ? std::min<std::size_t>(columns - used, 40) : 0));
    return lines;
}

}  // namespace

std::string coins_text(std::uint64_t amount) {
    return fmt::format("{}.{:02}", amount / kCoin, amount % kCoin / (kCoin / 100));
}

std::string sparkline(const std::vector<double>& values, std::size_t width) {
    static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    if (values.empty()) return {};
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double range = std::max(*high - *low, 1e-9);
    std::string text;
    const std::size_t columns = std::min(width, values.size());
    for (std::size_t i = 0; i < columns; ++i) {
        const double value = values[i * values.size() / columns];
        text += kBars[static_cast<std::size_t>((value - *low) / range * 7.0 + 0.5)];
    }
    return text;
}

std::string merge_heading() { return "   time  merge  " + std::string(kMergeCells); }

std::string render_merge(const store::MergeRecord& merge, std::size_t number,
                         std::uint64_t elapsed_s) {
    return fmt::format("  {}  {:>5}  {}", clock_text(elapsed_s), number, merge_cells(merge));
}

std::vector<std::string> render_demo(const DemoView& view, console::ScreenSize size) {
    std::vector<std::string> lines = {
        fmt::format("Cairn demo  three nodes, private books, no server {}",
                    clock_text(view.elapsed_s)),
        fmt::format("network {}   {}   Ctrl-C stops", view.network.substr(0, 12), view.dashboard),
        ""};
    const auto add = [&](const std::vector<std::string>& more) {
        lines.insert(lines.end(), more.begin(), more.end());
    };
    add(node_lines(view));
    lines.emplace_back();
    add(loss_lines(view, size.columns));
    // The cursor needs the last row; a sample of text takes two rows.
    const std::size_t taken = lines.size() + 1 + (view.sample.empty() ? 0 : 2) + 1;
    const std::size_t room = size.rows > taken ? size.rows - taken : 0;
    const std::size_t shown = std::min({view.merges.size(), kMostMerges, room});
    if (shown > 0) lines.push_back("  " + std::string(kMergeCells));
    for (std::size_t i = view.merges.size() - shown; i < view.merges.size(); ++i)
        lines.push_back("  " + merge_cells(view.merges[i]));
    if (!view.sample.empty()) {
        lines.emplace_back();
        lines.push_back("  it writes: " + view.sample);
    }
    for (std::string& line : lines) line = console::cut_to(line, size.columns);
    if (lines.size() >= size.rows) lines.resize(std::max<std::size_t>(size.rows, 2) - 1);
    return lines;
}

}  // namespace cairn::demo
