#include "cli/demo/demo_view.h"

#include <algorithm>

#include <fmt/format.h>

namespace cairn::cli {

namespace {

constexpr std::uint64_t kCoin = 100'000'000;

std::string loss_text(const std::optional<double>& loss) {
    return loss ? fmt::format("{:.3f}", *loss) : std::string("  ...");
}

std::string training_text(const DemoNodeView& node) {
    if (!node.answering) return "starting";
    if (node.stage == "training")
        return fmt::format("step {}/{}, loss {:.2f}", node.step, node.steps, node.local_loss);
    return node.stage;
}

std::string one_line(std::string text, std::size_t width) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (text.size() > width) text.resize(width);
    return text;
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

std::string render_merge(const DemoMerge& merge, std::size_t number, std::uint64_t elapsed_s) {
    return fmt::format(
        "{:2}:{:02}  merge {:2} at height {:3}  report loss {}  judge loss {}  contributions {}  "
        "minted {}  state {}",
        elapsed_s / 60, elapsed_s % 60, number, merge.height, loss_text(merge.report_loss),
        loss_text(merge.judge_loss), merge.contributions, coins_text(merge.reward),
        merge.state_root.substr(0, 12));
}

std::string render_demo(const DemoView& view, std::size_t columns) {
    const std::size_t width = std::max<std::size_t>(columns, 60);
    std::string out =
        fmt::format("\x1b[1mCairn demo\x1b[0m  three nodes, private books, no server   {}:{:02}\n",
                    view.elapsed_s / 60, view.elapsed_s % 60);
    out += fmt::format("network {}   dashboard {}   Ctrl-C stops\n\n", view.network.substr(0, 12),
                       view.dashboard);
    out +=
        fmt::format("  node  {:<38} height  peers  mined  earned    training\n", "private books");
    for (std::size_t i = 0; i < view.nodes.size(); ++i) {
        const DemoNodeView& node = view.nodes[i];
        out += fmt::format("  {:<5} {:<38} {:>6}  {:>5}  {:>5}  {:>6}    {}\n", i + 1, node.books,
                           node.height, node.peers, node.mined, coins_text(node.earned),
                           training_text(node));
    }
    std::vector<double> losses;
    for (const DemoMerge& merge : view.merges)
        if (merge.report_loss) losses.push_back(*merge.report_loss);
    out += fmt::format("\n  merge blocks {} of {}\n", view.merges.size(), view.wanted);
    if (!losses.empty())
        out +=
            fmt::format("  loss on text that no node holds  {:.3f} -> {:.3f} nats per token  {}\n",
                        losses.front(), losses.back(), sparkline(losses, 40));
    const std::size_t shown = std::min<std::size_t>(view.merges.size(), 6);
    for (std::size_t i = view.merges.size() - shown; i < view.merges.size(); ++i) {
        const DemoMerge& merge = view.merges[i];
        out += fmt::format(
            "    height {:>4}  report {}  judge {}  contributions {}  minted {}  state {}\n",
            merge.height, loss_text(merge.report_loss), loss_text(merge.judge_loss),
            merge.contributions, coins_text(merge.reward), merge.state_root.substr(0, 12));
    }
    if (!view.sample.empty())
        out += fmt::format("\n  it writes: \x1b[3m{}\x1b[0m\n", one_line(view.sample, width - 14));
    return out;
}

}  // namespace cairn::cli
