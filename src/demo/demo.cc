#include "demo/demo.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/files.h"
#include "chain/payment.h"
#include "console/interrupt.h"
#include "console/live_block.h"
#include "console/screen_text.h"
#include "demo/demo_ending.h"
#include "demo/demo_network.h"
#include "demo/demo_node.h"
#include "demo/demo_texts.h"
#include "http/http_server.h"

namespace cairn::demo {

namespace {

constexpr useconds_t kLookUs = 500'000;
/// How long the second half's words stay on the screen before the nodes come back.
constexpr int kReadingUs = 12'000'000;
constexpr std::uint64_t kSampleEveryMerges = 2;
constexpr std::size_t kLogColumns = 80;
constexpr std::size_t kAnswerIndent = 18;

/// The run of one demo: its folder, its nodes, and what has been seen so far. On a terminal all
/// that it says is one block, drawn again in place; else lines of a log.
class Demo {
  public:
    Demo(const DemoOptions& options, std::ostream& out)
        : options_(options), lines_(options.json ? std::cerr : out), out_(out) {}

    Status run() {
        const Status done = go_on();
        for (DemoNode& node : nodes_) node.ask_to_end();
        if (late_.node) late_.node->ask_to_end();
        nodes_.clear();
        late_.node.reset();
        tidy_up(done);
        if (!done.ok() || !options_.json) return done;
        out_ << demo_json(view_.merges, answer_, late_, failover_, audits_);
        return ok_status();
    }

  private:
    Status go_on() {
        RETURN_IF_ERROR(prepare());
        RETURN_IF_ERROR(start_nodes());
        RETURN_IF_ERROR(watch());
        RETURN_IF_ERROR(finish());
        RETURN_IF_ERROR(serve());
        if (options_.headless) return ok_status();
        return stay();
    }
    Status prepare();
    Status start_nodes();
    Status watch();
    Status finish();
    Status serve();
    Status stay();
    Status look();
    void show();
    void draw();
    void tidy_up(const Status& done);
    bool reached() const;
    bool stopped() const { return interrupt_.raised(); }
    Status unless_stopped() const {
        if (stopped()) return stopped_early();
        return ok_status();
    }
    std::uint64_t elapsed_s() const { return (clock_.monotonic_us() - started_us_) / 1'000'000; }
    /// A line of the log, or of the block.
    void say(const std::string& line, std::size_t indent = 2);

    // A second Ctrl-C would end the program without its folder being removed.
    const console::Interrupt interrupt_{console::Interrupt::SecondCtrlC::kIsOneMore};
    const Stop stop_ = [this] { return stopped(); };
    DemoOptions options_;
    std::ostream& lines_;
    std::ostream& out_;
    SystemClock clock_;
    std::uint64_t started_us_ = 0;
    std::string folder_;
    bool temporary_ = false;
    DemoTexts texts_;
    DemoNetwork network_;
    std::vector<DemoNode> nodes_;
    std::vector<std::vector<store::MergeRecord>> merges_;  // by node
    DemoView view_;
    DemoAnswer answer_;
    DemoLatecomer late_;
    DemoFailover failover_;
    DemoAudits audits_;
    console::LiveBlock block_;
    bool watching_ = false;           // the block shows the nodes
    std::vector<std::string> notes_;  // what else the block shows
    std::size_t told_ = 0;            // merges already in the log
    std::size_t sampled_ = 0;         // merges at the latest sample
};

void Demo::say(const std::string& line, std::size_t indent) {
    if (options_.headless) {
        for (const std::string& part : console::wrap(line, kLogColumns, indent))
            lines_ << part << '\n';
        lines_.flush();
        return;
    }
    for (std::string& part : console::wrap(line, console::screen_size().columns, indent))
        notes_.push_back(std::move(part));
    draw();
}

// Straight to the terminal, which must get the block's escapes; every text in it is cleaned.
void Demo::draw() {
    const console::ScreenSize size = console::screen_size();
    std::vector<std::string> lines;
    if (watching_) {
        const std::size_t below = std::min(notes_.size(), size.rows > 8 ? size.rows - 8 : 0);
        lines = render_demo(view_, {size.columns, size.rows - below});
    }
    lines.insert(lines.end(), notes_.begin(), notes_.end());
    const std::string bytes = block_.redraw(lines, size);
    (void)std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::fflush(stdout);
}

Status Demo::prepare() {
    if (options_.port != 0) {
        const Status free =
            http::HttpServer::can_listen("127.0.0.1:" + std::to_string(options_.port), "");
        if (!free.ok())
            return Error{
                ErrorCode::kRefused,
                fmt::format("port {} is taken, perhaps by another demo or node: choose "
                            "another with --port {}, or --port 0 for any that is free",
                            options_.port, options_.port == 65535 ? 8420 : options_.port + 1)};
    }
    folder_ = options_.directory;
    if (folder_.empty()) {
        ASSIGN_OR_RETURN(folder_, make_temporary_folder("cairn-demo"));
        temporary_ = true;
    } else if (exists(folder_ + "/network")) {
        return invalid(folder_ + " holds an earlier demo; remove it or name another --dir");
    }
    RETURN_IF_ERROR(make_folders(folder_ + "/texts"));
    say("Cairn demo in " + folder_);
    ASSIGN_OR_RETURN(texts_, write_demo_texts(folder_ + "/texts"));
    RETURN_IF_ERROR(unless_stopped());
    say("  texts      the King James Bible, cut by book; judged on 1 Samuel and Mark,");
    say("             reported on 2 Samuel and Luke");
    ASSIGN_OR_RETURN(
        network_, create_demo_network(folder_ + "/network", texts_, options_.seed, options_.work));
    say("  network    " + network_.summary.front());
    for (std::size_t i = 1; i < network_.summary.size(); ++i)
        say("             " + network_.summary[i]);
    return unless_stopped();
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
                             .mine = true,
                             .serve = i == 0 ? "" : kDemoLayers[i - 1],
                             .price = i == 0 ? "" : kDemoPrice};
        ASSIGN_OR_RETURN(DemoNode started, DemoNode::start(node, stop_));
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
        if (Result<std::vector<store::MergeRecord>> merges = nodes_[i].merges(); merges.ok())
            merges_[i] = *std::move(merges);
    }
    view_.merges = merges_.front();
    if (view_.merges.size() >= sampled_ + kSampleEveryMerges) {
        if (Result<std::string> text = nodes_.front().generate(options_.prompt, 48); text.ok())
            view_.sample = options_.prompt + *text;
        sampled_ = view_.merges.size();
    }
    return ok_status();
}

void Demo::show() {
    if (!options_.headless) return draw();
    for (; told_ < view_.merges.size() && view_.merges[told_].report_loss; ++told_) {
        if (told_ == 0) say(merge_heading());
        say(render_merge(view_.merges[told_], told_ + 1, view_.elapsed_s));
    }
}

/// Every node has the wanted merge block, the same one, with its losses computed.
bool Demo::reached() const {
    const std::size_t last = options_.blocks - 1;
    for (const std::vector<store::MergeRecord>& merges : merges_)
        if (merges.size() <= last || merges[last].block != merges_.front()[last].block ||
            !merges[last].report_loss)
            return false;
    return true;
}

Status Demo::watch() {
    watching_ = true;
    notes_.clear();
    while (!reached()) {
        RETURN_IF_ERROR(unless_stopped());
        RETURN_IF_ERROR(look());
        show();
        ::usleep(kLookUs);
    }
    return ok_status();
}

Status Demo::finish() {
    view_.merges.resize(options_.blocks);
    show();
    say("");
    say("  Every node has the same model. Two processes that hold half of its layers each");
    say("  now answer a prompt, as does one that holds them all.");
    ASSIGN_OR_RETURN(answer_,
                     answer_over_processes(nodes_, network_, folder_, options_.prompt, stop_));
    say("  one process     " + options_.prompt + answer_.text, kAnswerIndent);
    say("  two processes   " + options_.prompt + answer_.network_text, kAnswerIndent);
    say(std::string("  same tokens, same bits of every logit: ") + (answer_.equal ? "yes" : "NO"));
    ASSIGN_OR_RETURN(late_, join_late(nodes_, network_, folder_, view_.merges.back(), stop_));
    say(fmt::format("  a fourth node joined late and replayed {} blocks in {} s:", late_.height,
                    late_.seconds));
    say(fmt::format("  its state is {} {}", short_hex(late_.state_root),
                    late_.equal ? "(the same)" : "(NOT the same)"));
    if (!answer_.equal) return invalid("the split model wrote another text than the whole one");
    if (!late_.equal) return invalid("the late node arrived at another state root");
    return ok_status();
}

Status Demo::serve() {
    // The screen is for this part alone now: with the nodes above it would be too tall.
    watching_ = false;
    notes_.clear();
    say("");
    say("  The nodes serve the model, too, for coins: node 2 the first half of its layers, nodes 3 "
        "and 4 the second. Node 1 opens payment channels, waits until six blocks stand on them, "
        "which takes up to half a minute, and asks.");
    const auto tell = [this](const std::string& sentence) { say("  " + sentence); };
    std::vector<DemoNode*> all;
    for (DemoNode& node : nodes_) all.push_back(&node);
    all.push_back(&*late_.node);
    ASSIGN_OR_RETURN(failover_, answer_through_a_crash(all, folder_, options_.prompt, stop_, tell));
    say("  over the nodes  " + options_.prompt + failover_.text, kAnswerIndent);
    say(fmt::format("  the longest wait: {} ms; the same bits as one process writes alone: {}",
                    failover_.stall_ms, failover_.equal ? "yes" : "NO"));
    say(fmt::format("  paid: {} coins, {} for each token of prompt and text, a few tokens ahead",
                    chain::amount_text(failover_.paid), chain::amount_text(failover_.token_price)));
    if (failover_.killed != 0) RETURN_IF_ERROR(all[failover_.killed - 1]->restart(stop_));
    say("");
    say("  Two more servers, of which one lies in one bit of its answers. An auditor asks both, as "
        "a client would:");
    ASSIGN_OR_RETURN(audits_,
                     find_the_liar(nodes_.front(), network_, folder_, texts_.report_file, stop_));
    say(fmt::format("  {} audits; the one that lies is convicted: {}", audits_.audits,
                    audits_.sentence));
    say("  anyone can judge the proof, which " + audits_.verdict);
    for (int waited = 0; !options_.headless && waited < kReadingUs; waited += kLookUs) {
        RETURN_IF_ERROR(unless_stopped());
        ::usleep(kLookUs);
    }
    if (!failover_.equal) return invalid("the text over the nodes is another than alone");
    if (failover_.killed == 0 || failover_.failovers == 0)
        return invalid("no node was lost in mid-sentence: the text was ready too soon");
    if (!audits_.liar_convicted) return invalid("the server that lies was not found out");
    return ok_status();
}

Status Demo::stay() {
    watching_ = true;
    notes_.clear();
    say(fmt::format("  Node {} was killed in mid-sentence, and the text came out to the same bits.",
                    failover_.killed));
    say(fmt::format("  Node 1 paid {} coins for it. The server that lied was convicted by a proof.",
                    chain::amount_text(failover_.paid)));
    say(fmt::format("  The demo's {} merge blocks are done; the nodes go on training until Ctrl-C.",
                    options_.blocks));
    while (!stopped()) {
        RETURN_IF_ERROR(look());
        draw();
        ::usleep(kLookUs);
    }
    return ok_status();
}

/// The bytes of all files in a folder.
std::uint64_t size_of(const std::string& folder) {
    std::uint64_t bytes = 0;
    const auto names = list_folder(folder);
    if (!names.ok()) return 0;
    for (const std::string& name : *names) {
        const std::string path = folder + "/" + name;
        if (is_folder(path)) bytes += size_of(path);
        if (const auto size = file_size(path); is_file(path) && size.ok()) bytes += *size;
    }
    return bytes;
}

void Demo::tidy_up(const Status& done) {
    if (folder_.empty() || !exists(folder_)) return;
    const bool failed = !done.ok() && done.error().code != ErrorCode::kCancelled;
    if (temporary_ && !options_.keep && !failed) {
        if (const Status removed = remove_tree(folder_); removed.ok())
            return say("  the nodes are stopped and their folder is removed (--keep leaves it)");
    }
    say(fmt::format("  everything is in {} ({:.0f} MB)", folder_,
                    static_cast<double>(size_of(folder_)) / 1e6));
}

}  // namespace

Status run_demo(const DemoOptions& options, std::ostream& out) {
    if (options.blocks == 0 || options.blocks > 10'000)
        return misused("--blocks wants a number from 1 to 10000");
    return Demo(options, out).run();
}

}  // namespace cairn::demo
