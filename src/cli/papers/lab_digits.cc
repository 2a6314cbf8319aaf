#include "cli/papers/lab_digits.h"

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "cli/papers/lab_subject.h"
#include "cli/train/loss_bar.h"
#include "lab/attention_proof.h"
#include "lab/model_heads.h"
#include "model/leaf.h"
#include "train/text_loss.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

constexpr std::uint32_t kHeadDim = 64;  // of the heads whose costs are measured
constexpr std::uint32_t kCheatRows = 24;

struct ProofRequest {
    SubjectRequest subject;
    std::uint32_t rows = 512;  ///< of the longest head
    std::uint32_t heads = 8;   ///< of the model; 0: all
};

Result<ResultTable> losses(const SubjectRequest& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    ASSIGN_OR_RETURN(const Subject subject,
                     lab_subject(request, machine->compute(), SubjectText::kMeasured));
    const model::Model packed = model::pack_model(machine->compute(), subject.model);
    ResultTable table{"digit-loss", {}, "", {}};
    double exact = 0, digits = 0;
    for (const tensor::KvType kv : tensor::kKvTypes) {
        ASSIGN_OR_RETURN(const std::int64_t sum,
                         train::text_loss_with({.kv = kv}, packed, subject.text, subject.context,
                                               machine->compute(), loss_bar()));
        const double loss = model::nats(sum, subject.text.size() - 1);
        if (kv == tensor::KvType::kF32) exact = loss;
        if (kv == tensor::KvType::kDigits) digits = loss;
        table.rows.push_back({{"cache", std::string(tensor::kv_type_name(kv))},
                              {"loss", loss},
                              {"perplexity", std::exp(loss)},
                              {"perplexity_beside_f32", std::exp(loss - exact)}});
    }
    table.found = fmt::format(
        "Of {}, over {} tokens in windows of {}, attention by digits changes the perplexity by "
        "{:+.4f} %.",
        subject.name, subject.text.size() - 1, subject.context,
        100 * (std::exp(digits - exact) - 1));
    return table;
}

// Whether the proofs of a model's heads, made and checked, are all accepted.
struct Heads {
    std::string model;
    std::int64_t tokens = 0, heads = 0, rows = 0, accepted = 0;
};

Result<Heads> prove_heads(const ProofRequest& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    ASSIGN_OR_RETURN(const Subject subject,
                     lab_subject(request.subject, machine->compute(), SubjectText::kMeasured));
    const model::Model packed = model::pack_model(machine->compute(), subject.model);
    const std::size_t tokens = std::min({subject.text.size(), std::size_t{request.rows},
                                         std::size_t{subject.model.config.context}});
    const std::uint64_t all =
        std::uint64_t{subject.model.config.layers} * subject.model.config.heads;
    const std::uint64_t wanted =
        request.heads == 0 ? all : std::min<std::uint64_t>(all, request.heads);
    const SystemClock clock;
    Progress progress(clock, "heads proved", wanted);
    Heads found{subject.name, static_cast<std::int64_t>(tokens), 0, 0, 0};
    std::uint64_t seen = 0;
    RETURN_IF_ERROR(lab::each_model_head(
        packed, std::span(subject.text).first(tokens), machine->compute(),
        [&](const lab::ModelHead& head) -> Status {
            // Evenly over the layers.
            if (seen++ * wanted % all >= wanted) return ok_status();
            ASSIGN_OR_RETURN(const Bytes proof, argument::prove(head.statement));
            ++found.heads;
            found.rows += found.tokens;
            if (argument::verify(head.statement, proof).is_valid()) found.accepted += found.tokens;
            progress.update(static_cast<std::uint64_t>(found.heads));
            return ok_status();
        }));
    return found;
}

std::int64_t whole(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Result<ResultTable> proofs(const ProofRequest& request) {
    ResultTable table{"attention-proof", {}, "", {}};
    const SystemClock clock;
    SeededRandom random(1);
    ASSIGN_OR_RETURN(const Heads heads, prove_heads(request));
    lab::AttentionProofCost last;
    std::uint32_t longest = 0;
    for (std::uint32_t rows = 64; rows <= request.rows; rows *= 2) {
        const argument::Statement head = lab::drawn_head(rows, kHeadDim, random);
        ASSIGN_OR_RETURN(const lab::AttentionProofCost cost,
                         lab::measure_attention_proof(head, clock));
        table.rows.push_back({{"rows", std::int64_t{rows}},
                              {"head_dim", std::int64_t{kHeadDim}},
                              {"computed_ms", 1e3 * cost.computed},
                              {"proved_ms", 1e3 * cost.proved},
                              {"checked_ms", 1e3 * cost.checked},
                              {"half_ms", 1e3 * cost.shares[1]},
                              {"quarter_ms", 1e3 * cost.shares[2]},
                              {"combined_ms", 1e3 * cost.combined},
                              {"proof_bytes", whole(cost.proof_bytes)},
                              {"digit_bytes", whole(cost.digit_bytes)},
                              {"accepted", cost.accepted}});
        last = cost;
        longest = rows;
    }
    table.rows.push_back({{"model", heads.model},
                          {"tokens", heads.tokens},
                          {"heads", heads.heads},
                          {"rows_proved", heads.rows},
                          {"rows_accepted", heads.accepted}});
    ASSIGN_OR_RETURN(const auto cheats,
                     lab::play_attention_cheats(lab::drawn_head(kCheatRows, kHeadDim, random)));
    std::size_t refused = 0;
    for (const lab::AttentionCheat& cheat : cheats) {
        table.rows.push_back(
            {{"cheat", cheat.cheat}, {"refused", cheat.refused}, {"verdict", cheat.verdict}});
        refused += cheat.refused ? 1 : 0;
    }
    table.found = fmt::format(
        "{} of {} rows of a model's heads accepted, {} of {} cheats refused; at {} rows of width "
        "{} a proof takes {:.0f} times as long as the head, and checking it {:.2f} times.",
        heads.accepted, heads.rows, refused, cheats.size(), longest, kHeadDim,
        last.proved / last.computed, last.checked / last.computed);
    table.pictures = {{.title = "Checking a head's attention beside computing it",
                       .x = "rows",
                       .y = "checked_ms",
                       .group = "",
                       .x_label = "rows",
                       .y_label = "ms on one thread",
                       .beside = "computed_ms"}};
    return table;
}

}  // namespace

void add_lab_digits(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto subject = std::make_shared<SubjectRequest>();
    Command command =
        add_result_command(group, invocation, "digit-loss",
                           "Loss of a model by the type of its cache, digits among them",
                           "cairn lab digit-loss --model smollm2-135m.gguf --text valid.txt",
                           [subject] { return losses(*subject); });
    add_subject_options(command, *subject, SubjectText::kMeasured);

    const auto request = std::make_shared<ProofRequest>();
    command = add_result_command(
        group, invocation, "attention-proof",
        "What proving attention by digits costs, and checking it, alone or divided; and cheats",
        "cairn lab attention-proof --model smollm2-135m.gguf --text valid.txt --rows 512",
        [request] { return proofs(*request); });
    add_subject_options(command, request->subject, SubjectText::kMeasured);
    command
        .add_option("--rows", request->rows,
                    "Costs are measured from 64 rows to this many; the model reads so many "
                    "tokens. Proving 4096 takes 12 GB of memory, 2048 three")
        .check(range(64U, std::uint32_t{argument::kMaxRows}))
        .capture_default_str();
    command.add_option("--heads", request->heads, "Heads of the model to prove; 0: all")
        .check(range(0U, 1U << 20))
        .capture_default_str();
    pages.push_back({'B', "Equations 18 to 22 in a session: loss by the type of the cache",
                     [] { return losses({}); }});
}

}  // namespace cairn::cli
