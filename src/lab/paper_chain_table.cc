#include "lab/paper_chain_table.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "chain/codec_kinds.h"

namespace cairn::lab {

namespace {

using papers::ResultTable;
using papers::Row;

constexpr std::uint32_t kSlowTrainingMs = 1'250;
constexpr std::uint32_t kCurvePoints = 10;

struct Played {
    std::string network;
    PaperChainCase given;
    PaperChainOutcome outcome;
};

const chain::CodecSpec kDense{chain::CodecKind::kDense, 0, 8};
const chain::CodecSpec kSigns{chain::kSrht2, 3, 1};
const chain::CodecSpec kBytes{chain::kCountSketch, 3, 8};

std::vector<Played> cases(const std::vector<PaperMiner>& miners) {
    using chain::Optimiser;
    std::vector<PaperMiner> equal(miners.size(), miners.front()), slow = miners;
    for (PaperMiner& miner : equal) miner.hashes = 2;
    slow.back().training_ms = kSlowTrainingMs;
    const PaperChainCase paper{true, Optimiser::kSgd, false, kDense, miners};
    const auto with = [](PaperChainCase given, const chain::CodecSpec& codec) {
        given.codec = codec;
        return given;
    };
    PaperChainCase merged = paper, adam = paper, late = paper;
    merged.one_winner = adam.one_winner = false;
    adam.optimiser = Optimiser::kAdamW;
    late.miners = slow;
    PaperChainCase unlike = paper, unlike_equal = paper, unlike_merged = merged;
    unlike.unlike = unlike_equal.unlike = unlike_merged.unlike = true;
    unlike_equal.miners = equal;
    return {{"one winner", with(paper, kDense), {}},
            {"one winner", with(paper, kSigns), {}},
            {"one winner", with(paper, kBytes), {}},
            {"merged", with(merged, kDense), {}},
            {"merged", with(merged, kSigns), {}},
            {"merged", with(merged, kBytes), {}},
            {"merged, adamw", with(adam, kSigns), {}},
            {"one winner, the strongest trains slowly", late, {}},
            {"one winner, unlike texts", unlike, {}},
            {"one winner, unlike texts, equal power", unlike_equal, {}},
            {"merged, unlike texts", unlike_merged, {}}};
}

std::vector<double> shares_of(const std::vector<PaperMiner>& miners) {
    double all = 0;
    for (const PaperMiner& miner : miners) all += miner.hashes;
    std::vector<double> shares;
    for (const PaperMiner& miner : miners) shares.push_back(miner.hashes / all);
    return shares;
}

Row summary_of(const Played& played, std::uint32_t blocks) {
    const auto& [network, given, outcome] = played;
    return {{"network", network},
            {"codec", std::string(chain::name_of(given.codec.kind))},
            {"bits", static_cast<std::int64_t>(given.codec.bits)},
            {"payload_bytes", static_cast<std::int64_t>(outcome.payload_bytes)},
            {"blocks", static_cast<std::int64_t>(blocks)},
            {"merged", static_cast<std::int64_t>(outcome.merged)},
            {"made", static_cast<std::int64_t>(outcome.made)},
            {"rescaled", static_cast<std::int64_t>(outcome.rescaled)},
            {"report_loss_before", outcome.losses.front().mean},
            {"report_loss_after", outcome.losses.back().mean}};
}

/// Of one winner a block: who found the blocks. Adds the square of how far off each is, in standard
/// errors, to `chi`.
void add_winners(const Played& played, std::uint32_t blocks, std::vector<Row>& rows, double& chi) {
    const auto& [network, given, outcome] = played;
    const auto shares = shares_of(given.miners);
    const auto expected = expected_wins(given.miners, outcome.block_hashes);
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const double won = outcome.won[i] / static_cast<double>(blocks);
        const double error = std::sqrt(expected[i] * (1 - expected[i]) / blocks);
        chi += blocks * (won - expected[i]) * (won - expected[i]) / expected[i];
        rows.push_back({{"network", network},
                        {"codec", std::string(chain::name_of(given.codec.kind))},
                        {"miner", static_cast<std::int64_t>(i + 1)},
                        {"training_ms", static_cast<std::int64_t>(given.miners[i].training_ms)},
                        {"hash_power", shares[i]},
                        {"expected", expected[i]},
                        {"won", won},
                        {"standard_error", error}});
    }
}

void add_texts(const Played& played, std::uint32_t blocks, std::vector<Row>& rows) {
    const auto& [network, given, outcome] = played;
    const auto shares = shares_of(given.miners);
    for (std::size_t i = 0; i < shares.size(); ++i)
        rows.push_back({{"network", network},
                        {"text_of_miner", static_cast<std::int64_t>(i + 1)},
                        {"hash_power", shares[i]},
                        {"blocks_won", outcome.won[i] / static_cast<double>(blocks)},
                        {"text_loss_before", outcome.losses.front().by_text[i]},
                        {"text_loss_after", outcome.losses.back().by_text[i]}});
}

/// How far apart the texts' losses are in the end.
double spread_of(const Played& played) {
    const auto& last = played.outcome.losses.back().by_text;
    const auto [least, most] = std::ranges::minmax_element(last);
    return *most - *least;
}

/// Of a network's losses those that are shown.
std::vector<PaperChainOutcome::Losses> shown_of(const Played& played, std::uint32_t blocks) {
    const std::uint32_t every = std::max(1U, blocks / kCurvePoints);
    std::vector<PaperChainOutcome::Losses> shown;
    for (const auto& point : played.outcome.losses)
        if (shown.empty() || point.block >= shown.back().block + every ||
            &point == &played.outcome.losses.back())
            shown.push_back(point);
    return shown;
}

void add_curve(const Played& played, std::uint32_t blocks, std::vector<Row>& rows) {
    for (const auto& point : shown_of(played, blocks))
        rows.push_back({{"line", fmt::format("{}, {}", played.network,
                                             chain::name_of(played.given.codec.kind))},
                        {"block", static_cast<std::int64_t>(point.block)},
                        {"report_loss", point.mean}});
}

/// The most that a loss of these networks moves between two points shown, from the middle on.
double largest_move(std::span<const Played> networks, std::uint32_t blocks) {
    double most = 0;
    for (const Played& played : networks) {
        const auto shown = shown_of(played, blocks);
        for (std::size_t i = 1; i < shown.size(); ++i)
            if (2 * shown[i - 1].block >= blocks)
                most = std::max(most, std::fabs(shown[i].mean - shown[i - 1].mean));
    }
    return most;
}

std::string found(const std::vector<Played>& all, std::uint32_t blocks, double chi,
                  std::size_t freedom) {
    const auto after = [&](std::size_t i) { return all[i].outcome.losses.back().mean; };
    const auto& miners = all[8].given.miners;
    const auto [weakest, strongest] = std::ranges::minmax_element(miners, {}, &PaperMiner::hashes);
    const auto moved = [&](std::ptrdiff_t miner) {
        const auto text = static_cast<std::size_t>(miner);
        return all[8].outcome.losses.back().by_text[text] -
               all[9].outcome.losses.back().by_text[text];
    };
    return fmt::format(
        "From {:.2f} nats a token, {} blocks of one winner take the report loss to {:.2f} (dense), "
        "{:.2f} (signs) and {:.2f} (count-sketch), where merging everybody's steps of the same "
        "descent takes it to {:.2f}, {:.2f} and {:.2f} and of AdamW to {:.2f}; from the middle on "
        "the first three move by up to {:.2f} between two points shown, so that the last block "
        "alone says little, the merged ones by up to {:.2f}; blocks fall to miners by hash power "
        "and by who is done with training first (chi-squared {:.1f} with {} degrees of freedom, "
        "were networks of one seed independent); with unlike texts, unequal power moves the loss "
        "of the strongest's by {:+.2f} and of the weakest's by {:+.2f} against equal power, and "
        "the texts' losses end {:.2f} apart, with equal power {:.2f}, where all are merged {:.2f} "
        "(one seed).",
        all[0].outcome.losses.front().mean, blocks, after(0), after(1), after(2), after(3),
        after(4), after(5), after(6), largest_move(std::span(all).subspan(0, 3), blocks),
        largest_move(std::span(all).subspan(3, 3), blocks), chi, freedom,
        moved(strongest - miners.begin()), moved(weakest - miners.begin()), spread_of(all[8]),
        spread_of(all[9]), spread_of(all[10]));
}

}  // namespace

Result<ResultTable> paper_chain_table(const PaperChainRequest& request,
                                      const papers::TableProgress& progress) {
    const std::vector<PaperMiner>& miners = request.miners;
    std::vector<Played> all = cases(miners);
    const std::uint64_t total = all.size() * request.blocks;
    std::uint64_t before = 0;
    for (Played& played : all) {
        ASSIGN_OR_RETURN(played.outcome, run_paper_chain(played.given, request.blocks, request.seed,
                                                         [&](std::uint32_t height) {
                                                             if (progress)
                                                                 progress(before + height, total);
                                                         }));
        before += request.blocks;
    }
    ResultTable table{"paper-chain", {}, "", {}};
    std::vector<Row> winners, texts, curves;
    double chi = 0;
    std::size_t freedom = 0;
    for (const Played& played : all) {
        table.rows.push_back(summary_of(played, request.blocks));
        if (played.given.one_winner) {
            add_winners(played, request.blocks, winners, chi);
            freedom += miners.size() - 1;
        }
        if (played.given.unlike)
            add_texts(played, request.blocks, texts);
        else
            add_curve(played, request.blocks, curves);
    }
    for (const auto* rows : {&winners, &texts, &curves})
        table.rows.insert(table.rows.end(), rows->begin(), rows->end());
    table.found = found(all, request.blocks, chi, freedom);
    table.pictures = {{"One winner a block beside merging all", "block", "report_loss", "line",
                       "blocks", "loss of the report text, nats a token"}};
    return table;
}

}  // namespace cairn::lab
