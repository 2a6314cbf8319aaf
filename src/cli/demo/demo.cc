#include "cli/demo/demo.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "cli/demo/demo_ending.h"
#include "cli/demo/demo_network.h"
#include "cli/demo/demo_node.h"
#include "cli/demo/demo_texts.h"
#include "cli/interrupt.h"

namespace cairn::cli {

namespace {

constexpr useconds_t kLookUs = 500'000;
constexpr std::uint64_t kSampleEveryMerges = 2;

std::size_t terminal_columns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

/// The run of one demo: its folder, its nodes, and what has been seen so far.
class Demo {
  public:
    explicit Demo(const DemoOptions& options) : options_(options) {}

    Status run() {
        RETURN_IF_ERROR(prepare());
        RETURN_IF_ERROR(start_nodes());
        RETURN_IF_ERROR(watch());
        RETURN_IF_ERROR(finish());
        if (options_.headless) return ok_status();
        return stay();
    }

  private:
    Status prepare();
    Status start_nodes();
    Status watch();
    Status finish();
    Status stay();
    Status look();
    void show();
    bool reached() const;
    std::uint64_t elapsed_s() const { return (clock_.monotonic_us() - started_us_) / 1'000'000; }
    void say(const std::string& line) const {
        fmt::print(options_.json ? stderr : stdout, "{}\n", line);
        std::fflush(options_.json ? stderr : stdout);
    }

    const Interrupt interrupt_;
    DemoOptions options_;
    SystemClock clock_;
    std::uint64_t started_us_ = 0;
    std::string folder_;
    DemoTexts texts_;
    DemoNetwork network_;
    std::vector<DemoNode> nodes_;
    std::vector<std::vector<DemoMerge>> merges_;  // by node
    DemoView view_;
    std::size_t told_ = 0;     // merges already printed
    std::size_t sampled_ = 0;  // merges at the latest sample
};

Status Demo::prepare() {
    folder_ = options_.directory;
    if (folder_.empty()) {
        ASSIGN_OR_RETURN(folder_, make_temporary_folder("cairn-demo"));
    } else if (exists(folder_ + "/network")) {
        return invalid(folder_ + " holds an earlier demo; remove it or name another --dir");
    }
    RETURN_IF_ERROR(make_folders(folder_ + "/texts"));
    say("Cairn demo in " + folder_);
    ASSIGN_OR_RETURN(texts_, write_demo_texts(folder_ + "/texts"));
    say("  texts      the King James Bible, cut by book; judged on " +
        std::string("1 Samuel and Mark, reported on 2 Samuel and Luke"));
    ASSIGN_OR_RETURN(network_, create_demo_network(folder_ + "/network", texts_, options_.seed));
    say("  network    " + network_.summary);
    return ok_status();
}

Status Demo::start_nodes() {
    started_us_ = clock_.monotonic_us();
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < texts_.private_files.size(); ++i) {
        const std::string name = std::to_string(i + 1);
        DemoNodeOptions node{.directory = folder_ + "/node" + name,
                             .network_file = network_.file,
                             .train_file = texts_.private_files[i],
                             .books = texts_.private_books[i],
                             .connect = addresses,
                             .api_port = i == 0 ? options_.port : std::uint16_t{0},
                             .seed = options_.seed + i,
                             .mine = true};
        ASSIGN_OR_RETURN(DemoNode started, DemoNode::start(node));
        addresses.push_back(started.address());
        say(fmt::format("  node {}     {:<38} {}", name, node.books, started.dashboard()));
        nodes_.push_back(std::move(started));
    }
    view_.network = network_.genesis_id;
    view_.dashboard = nodes_.front().dashboard();
    view_.wanted = options_.blocks;
    merges_.resize(nodes_.size());
    return ok_status();
}

Status Demo::look() {
    view_.elapsed_s = elapsed_s();
    view_.nodes.clear();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        ASSIGN_OR_RETURN(const DemoNodeView seen, nodes_[i].look());
        view_.nodes.push_back(seen);
        if (!seen.answering) continue;
        if (Result<std::vector<DemoMerge>> merges = nodes_[i].merges(); merges.ok())
            merges_[i] = *std::move(merges);
    }
    view_.merges = merges_.front();
    if (view_.merges.size() >= sampled_ + kSampleEveryMerges) {
        if (Result<std::string> text = nodes_.front().generate(options_.prompt, 48); text.ok())
            view_.sample = *std::move(text);
        sampled_ = view_.merges.size();
    }
    return ok_status();
}

void Demo::show() {
    if (!options_.headless) {
        fmt::print("\x1b[H\x1b[J{}", render_demo(view_, terminal_columns()));
        std::fflush(stdout);
        return;
    }
    for (; told_ < view_.merges.size() && view_.merges[told_].report_loss; ++told_)
        say(render_merge(view_.merges[told_], told_ + 1, view_.elapsed_s));
}

/// Every node has the wanted merge block, the same one, with its losses computed.
bool Demo::reached() const {
    const std::size_t last = options_.blocks - 1;
    for (const std::vector<DemoMerge>& merges : merges_)
        if (merges.size() <= last || merges[last].block != merges_.front()[last].block ||
            !merges[last].report_loss)
            return false;
    return true;
}

Status Demo::watch() {
    if (!options_.headless) fmt::print("\x1b[2J");
    while (!reached()) {
        if (interrupt_.raised()) return Error{ErrorCode::kCancelled, "stopped before the end"};
        RETURN_IF_ERROR(look());
        show();
        ::usleep(kLookUs);
    }
    return ok_status();
}

Status Demo::finish() {
    view_.merges.resize(options_.blocks);
    show();
    say("\n  Every node has the same model. Now two processes that hold half of the layers each "
        "answer a prompt.");
    ASSIGN_OR_RETURN(const DemoAnswer answer,
                     answer_over_processes(nodes_, network_, folder_, options_.prompt));
    say("  one process     " + answer.text);
    say("  two processes   " + answer.network_text);
    say(std::string("  same tokens, same bits of every logit: ") + (answer.equal ? "yes" : "NO"));
    ASSIGN_OR_RETURN(const DemoLatecomer late,
                     join_late(nodes_, network_, folder_, view_.merges.back()));
    say(fmt::format("  a fourth node joined late and replayed {} blocks in {} s: state {} {}",
                    late.height, late.seconds, late.state_root.substr(0, 12),
                    late.equal ? "(the same)" : "(NOT the same)"));
    if (options_.json) {
        for (DemoNode& node : nodes_) node.stop();
        fmt::print("{}\n", demo_json(view_.merges, answer, late));
        std::fflush(stdout);
    }
    if (!answer.equal) return invalid("the split model wrote another text than the whole one");
    if (!late.equal) return invalid("the late node arrived at another state root");
    return ok_status();
}

Status Demo::stay() {
    say("\n  The nodes go on training: " + view_.dashboard + "   Ctrl-C stops.");
    while (!interrupt_.raised()) {
        RETURN_IF_ERROR(look());
        ::usleep(4 * kLookUs);
    }
    say("  stopped; everything is in " + folder_);
    return ok_status();
}

}  // namespace

Status run_demo(const DemoOptions& options) {
    if (options.blocks == 0 || options.blocks > 10'000)
        return invalid("--blocks wants a number from 1 to 10000");
    return Demo(options).run();
}

}  // namespace cairn::cli
