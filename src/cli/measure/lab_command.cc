// `cairn lab NAME`: reproduces results.
#include <utility>

#include "cli/commands.h"
#include "cli/measure/lab_adversary.h"
#include "cli/measure/lab_attacks.h"
#include "cli/measure/lab_codec_training.h"
#include "cli/measure/lab_freivalds.h"
#include "cli/measure/lab_gradients.h"
#include "cli/measure/lab_hash_power.h"
#include "cli/measure/lab_mining.h"
#include "cli/measure/lab_trust.h"
#include "cli/options.h"
#include "cli/papers/lab_attention.h"
#include "cli/papers/lab_codec.h"
#include "cli/papers/lab_codec_convergence.h"
#include "cli/papers/lab_convergence.h"
#include "cli/papers/lab_digits.h"
#include "cli/papers/lab_divided.h"
#include "cli/papers/lab_factors.h"
#include "cli/papers/lab_low_rank.h"
#include "cli/papers/lab_pages.h"
#include "cli/papers/lab_paper_chain.h"
#include "cli/papers/lab_race.h"
#include "cli/papers/lab_sketches.h"

namespace cairn::cli {

void add_lab(const Command& app, Invocation& invocation) {
    const Command group = app.add_subcommand(
        "lab", "Repeat the papers' results, the attacks on the rules, and other measurements");
    group.require_subcommand();
    add_lab_gradients(group, invocation);
    add_lab_hash_power(group, invocation);
    add_lab_mining(group, invocation);
    add_lab_attacks(group, invocation);
    add_lab_adversary(group, invocation);
    LabPages pages;
    add_lab_trust(group, invocation, pages);
    add_lab_low_rank(group, invocation, pages);
    add_lab_divided(group, invocation, pages);
    add_lab_factors(group, invocation, pages);
    add_lab_attention(group, invocation, pages);
    add_lab_digits(group, invocation, pages);
    add_lab_race(group, invocation, pages);
    add_lab_convergence(group, invocation, pages);
    add_lab_paper_chain(group, invocation, pages);
    add_lab_sketches(group, invocation, pages);
    add_lab_codecs(group, invocation, pages);
    add_lab_codec_training(group, invocation, pages);
    add_lab_codec_convergence(group, invocation, pages);
    add_lab_all(group, invocation, std::move(pages));
    add_lab_freivalds(group, invocation);
}

}  // namespace cairn::cli
