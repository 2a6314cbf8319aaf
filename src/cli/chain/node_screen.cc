#include "cli/chain/node_screen.h"

#include <algorithm>

#include <fmt/format.h>

#include "chain/payment.h"
#include "console/screen_text.h"
#include "node/clock_watch.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kPaceMs = 30'000;
/// A chain that is so few blocks behind its headers is in step: blocks take a moment to come.
constexpr std::uint64_t kInStep = 1;
constexpr std::size_t kBarColumns = 20;

bool runs(const node::NodeStatus& status) { return status.state == node::state::kRunning; }

bool is_behind(const node::NodeStatus& status) {
    return status.headers_height > status.height + kInStep;
}

std::string ago(std::uint64_t then_ms, std::uint64_t now_ms) {
    return node::span_text(now_ms > then_ms ? now_ms - then_ms : 0) + " ago";
}

std::string height_text(const NodeScreen& screen) {
    const node::NodeStatus& status = screen.status;
    if (!is_behind(status)) {
        if (status.height == 0) return "0: no block yet";
        return fmt::format("{}, in step; last block {}", status.height,
                           ago(status.tip_time_ms, screen.now_ms));
    }
    const double part =
        static_cast<double>(status.height) / static_cast<double>(status.headers_height);
    const auto full = static_cast<std::size_t>(part * kBarColumns);
    std::string text =
        fmt::format("{} of {}  [{}{}] {:.0f} %", status.height, status.headers_height,
                    std::string(full, '#'), std::string(kBarColumns - full, '-'), part * 100);
    if (screen.left_ms) text += ", about " + node::span_text(*screen.left_ms) + " left";
    return text;
}

std::string round_text(const node::RoundView& round) {
    return fmt::format("{}, block {} of {}{}", round.number, round.block, round.length,
                       round.block == round.length ? ": the one that merges" : "");
}

std::string peers_text(const std::vector<node::PeerView>& peers) {
    const auto called =
        static_cast<std::size_t>(std::ranges::count_if(peers, &node::PeerView::outbound));
    if (peers.empty()) return "none";
    return fmt::format("{}: {} that we called, {} that called us", peers.size(), called,
                       peers.size() - called);
}

std::string loss_text(const node::LossView& loss) {
    if (!loss.report) return "none published yet: the first comes with the first merge block";
    std::string text = fmt::format("{:.3f} on the report text", *loss.report);
    if (loss.report_before)
        text +=
            fmt::format(" ({:+.3f}) at block {}", *loss.report - *loss.report_before, loss.height);
    for (const node::SourceLossView& source : loss.sources)
        text += fmt::format(", {} {:.3f}", source.name, source.report);
    return text;
}

std::string trainer_text(const node::TrainingView& training) {
    if (!training.enabled) return "off (--train FILE takes part in training)";
    std::string text = training.stage;
    if (training.steps > 0)
        text += fmt::format(", step {} of {}", training.steps, training.steps_wanted);
    if (training.local_loss) text += fmt::format(", own loss {:.3f}", *training.local_loss);
    return text;
}

std::string rate_text(double per_s) {
    if (per_s >= 1e6) return fmt::format("{:.1f} million hashes a second", per_s / 1e6);
    if (per_s >= 1e4) return fmt::format("{:.0f} thousand hashes a second", per_s / 1e3);
    return fmt::format("{:.0f} hashes a second", per_s);
}

std::string miner_text(const node::MiningView& mining) {
    if (!mining.enabled) return "off";
    if (!mining.searching) return "waits for the next block to build on";
    return fmt::format("tries block {}, {}; {} found since the start", mining.height,
                       rate_text(mining.hashes_per_s), mining.blocks);
}

std::string serving_text(const node::ServingView& serving) {
    if (serving.model.is_zero()) return "waits for a model that is deep enough in the chain";
    std::string text =
        fmt::format("layers {}-{} at {}, {} sessions, {} rows", serving.first_layer,
                    serving.end_layer, serving.address, serving.sessions, serving.rows);
    if (serving.price > 0)
        text += fmt::format(", {} coins by vouchers", chain::amount_text(serving.earned));
    return text;
}

std::string verifying_text(const node::VerifyingView& verifying) {
    std::string text =
        fmt::format("{} rounds: {} right, {} wrong, {} unanswered, {} convicted", verifying.rounds,
                    verifying.right, verifying.wrong, verifying.unanswered, verifying.convicted);
    if (verifying.spent > 0)
        text += fmt::format(", for {} coins", chain::amount_text(verifying.spent));
    return text;
}

std::string evidence_text(const node::EvidenceView& evidence) {
    std::string text =
        fmt::format("{} judged here, {} convict a server", evidence.judged, evidence.convicting);
    if (evidence.unchecked > 0) text += fmt::format(", {} not checked here", evidence.unchecked);
    return text;
}

bool is_empty(const node::EvidenceView& evidence) {
    return evidence.judged == 0 && evidence.unchecked == 0;
}

std::string state_text(const node::NodeStatus& status) {
    if (status.state == node::state::kFetching)
        return fmt::format("fetching {} of the network's files from peers",
                           status.missing_assets.size());
    return "reading the model and the chain on this disk";
}

}  // namespace

void SyncPace::see(std::uint64_t height, std::uint64_t now_ms) {
    if (!seen_.empty() && height < seen_.back().height) seen_.clear();  // another branch
    seen_.push_back({now_ms, height});
    while (seen_.size() > 2 && seen_.front().ms + kPaceMs < now_ms) seen_.pop_front();
}

std::optional<std::uint64_t> SyncPace::left_ms(std::uint64_t target) const {
    if (seen_.size() < 2) return std::nullopt;
    const std::uint64_t blocks = seen_.back().height - seen_.front().height;
    const std::uint64_t ms = seen_.back().ms - seen_.front().ms;
    if (blocks == 0 || ms == 0 || target < seen_.back().height) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<double>(target - seen_.back().height) *
                                      static_cast<double>(ms) / static_cast<double>(blocks));
}

std::vector<std::string> render_node(const NodeScreen& screen, std::size_t columns) {
    const node::NodeStatus& status = screen.status;
    std::vector<std::string> lines;
    lines.push_back(
        fmt::format("Cairn node of {} ({}){}", status.network_name, short_hex(status.genesis_id),
                    screen.up_ms ? ", up " + node::span_text(*screen.up_ms) : std::string()));
    for (const node::ConditionView& condition : status.conditions) {
        const std::string text = fmt::format(
            "  {} {} (for {})", condition.trouble ? '!' : '-', condition_text(condition),
            node::span_text(screen.now_ms > condition.since_ms ? screen.now_ms - condition.since_ms
                                                               : 0));
        for (std::string& line : console::wrap(text, columns, 4)) lines.push_back(std::move(line));
    }
    const auto row = [&](const char* name, const std::string& value) {
        lines.push_back(fmt::format("  {:<8} {}", name, value));
    };
    if (runs(status)) {
        row("height", height_text(screen));
        row("round", round_text(status.round));
        row("peers", peers_text(status.peers));
        row("loss", loss_text(status.loss));
        row("earned", fmt::format("{} coins; {} contributions merged",
                                  chain::amount_text(status.earned), status.training.merged));
        row("trainer", trainer_text(status.training));
        row("miner", miner_text(status.mining));
        if (status.serving) row("serves", serving_text(*status.serving));
        if (status.verifying) row("audits", verifying_text(*status.verifying));
        if (!is_empty(status.evidence)) row("exhibits", evidence_text(status.evidence));
    } else {
        row("state", state_text(status));
    }
    if (!screen.api.empty()) row("page", "http://" + screen.api + "/");
    if (!status.listen_address.empty()) row("address", status.listen_address + " for other nodes");
    for (std::string& line : lines) line = console::cut_to(line, columns);
    return lines;
}

std::string node_line(const node::NodeStatus& status) {
    const std::string troubles = node::troubles_text(status);
    const std::string end = troubles.empty() ? "" : ". In trouble: " + troubles;
    if (!runs(status)) return state_text(status) + end;
    std::string text = fmt::format("height {}", status.height);
    if (is_behind(status)) text += fmt::format(" of {}", status.headers_height);
    text += fmt::format(", round {} block {}/{}, {} peers", status.round.number, status.round.block,
                        status.round.length, status.peers.size());
    if (status.loss.report) text += fmt::format(", report loss {:.3f}", *status.loss.report);
    text += fmt::format(", earned {}", chain::amount_text(status.earned));
    if (status.training.enabled) text += ", trainer: " + trainer_text(status.training);
    if (status.mining.enabled) text += ", miner: " + miner_text(status.mining);
    if (status.serving) text += ", serves: " + serving_text(*status.serving);
    if (status.verifying) text += ", audits: " + verifying_text(*status.verifying);
    if (!is_empty(status.evidence)) text += ", exhibits: " + evidence_text(status.evidence);
    return text + end;
}

}  // namespace cairn::cli
