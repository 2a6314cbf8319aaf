#include "api/explain.h"

#include <fmt/format.h>

#include "store/int128_text.h"

namespace cairn::api {

namespace {

// Norms are in units of 2^-24, as parameters are.
constexpr double kNormUnit = 1.0 / (1 << 24);

constexpr std::string_view kMerged = "merged: ";

// Recorded reasons are clauses like "its score is negative": makes a sentence of one.
std::string sentence(std::string_view text) {
    if (text.starts_with(kMerged)) text.remove_prefix(kMerged.size());
    while (text.ends_with('.') || text.ends_with(' ')) text.remove_suffix(1);
    std::string full(text);
    if (full.empty()) return full;
    if (full[0] >= 'a' && full[0] <= 'z') full[0] = static_cast<char>(full[0] - 'a' + 'A');
    return full + ".";
}

// What the rules measured of a contribution.
std::string judged(const store::ContributionRecord& record) {
    if (record.norm == 0) return {};
    const double norm = static_cast<double>(record.norm) * kNormUnit;
    if (record.score == 0) return fmt::format(" Its norm is {:.4g}.", norm);
    return fmt::format(
        " Its norm is {:.4g} and its score {} (how far it leads down the judge's loss, in the "
        "middle of what the round did, and new); its worth, what it would bring of the "
        "round's gain if it counted whole, is {}, and full pay begins at {}.",
        norm, store::to_decimal(record.score), store::to_decimal(record.worth),
        store::to_decimal(record.worth_reference));
}

std::string earned(const store::ContributionRecord& record) {
    if (record.reward == 0) return "earned nothing";
    return "brought its contributor " + amount_text(record.reward) + " coins";
}

}  // namespace

std::string explain(const store::ContributionRecord& record) {
    const std::string who =
        fmt::format("Contribution {} by {} for round {}", short_hex(record.commitment_id),
                    short_hex(record.contributor), record.round);
    const std::string reason = sentence(record.reason);
    if (record.merged)
        return fmt::format("{} was merged into the model by block {} and {}.{}{}{}", who,
                           record.height, earned(record), judged(record), reason.empty() ? "" : " ",
                           reason);
    return fmt::format("{} was not merged at height {} and earned nothing. {}{}", who,
                       record.height, reason.empty() ? "No reason was recorded." : reason,
                       judged(record));
}

std::string explain(const store::MergeRecord& merge) {
    const std::string joined =
        merge.contributions == 0   ? "merged no contribution, so the model stayed as it was"
        : merge.contributions == 1 ? "merged one contribution"
                                   : fmt::format("merged {} contributions", merge.contributions);
    std::string text = fmt::format("Block {} ({}) {} and minted {} coins.", merge.height,
                                   short_hex(merge.block), joined, amount_text(merge.minted));
    if (merge.judge_loss_before && merge.judge_loss_after)
        text +=
            fmt::format(" On the judge's batch the loss went from {:.4f} to {:.4f} nats per token.",
                        *merge.judge_loss_before, *merge.judge_loss_after);
    if (merge.report_loss)
        text += fmt::format(" On the report text, which no rule reads, it is {:.4f}.",
                            *merge.report_loss);
    return text;
}

}  // namespace cairn::api
