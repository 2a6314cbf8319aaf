#include "lab/attack_list.h"

namespace cairn::lab {
namespace {

/// What works on the judge text alone.
std::vector<NamedAttack> judge_text_attacks() {
    return {
        {"gradient-0.25", {.gradient = 1, .norm = 0.25}},
        {"gradient-0.5", {.gradient = 1, .norm = 0.5}},
        {"gradient-1", {.gradient = 1, .norm = 1}},
        {"gradient-2", {.gradient = 1, .norm = 2}},
        {"signs-0.25", {.signs = 1, .norm = 0.25}},
        {"signs-1", {.signs = 1, .norm = 1}},
        {"gradient-of-8-batches", {.gradient = 1, .batches = 8, .norm = 0.5}},
        {"gradient-behind-step-0.25", {.gradient = 1, .behind_steps = 1, .norm = 0.25}},
        {"gradient-behind-step", {.gradient = 1, .behind_steps = 1, .norm = 1}},
        {"signs-behind-step-0.25", {.behind_steps = 1, .signs = 1, .norm = 0.25}},
        {"signs-behind-step", {.behind_steps = 1, .signs = 1, .norm = 1}},
        {"gradient-behind-2-steps", {.gradient = 1, .behind_steps = 2, .norm = 1}},
        {"gradient-behind-2-steps-0.25", {.gradient = 1, .behind_steps = 2, .norm = 0.25}},
        {"gradient-behind-4-steps", {.gradient = 1, .behind_steps = 4, .norm = 1}},
        {"gradient-foreseen", {.gradient = 1, .behind_steps = 1, .foreseen = true, .norm = 0.5}},
        {"gradient-line-search", {.gradient = 1, .line_search = true}},
        {"behind-step-line-search", {.gradient = 1, .behind_steps = 1, .line_search = true}},
        {"judge-1-step", {.judge = 1, .judge_steps = 1}},
        {"judge-3-steps", {.judge = 1, .judge_steps = 3}},
        {"judge-10-steps", {.judge = 1, .judge_steps = 10}},
        {"judge-30-steps", {.judge = 1, .judge_steps = 30}},
        {"judge-1-step-at-3-rates", {.judge = 1, .judge_steps = 1, .rate = 3}},
        {"judge-3-steps-at-3-rates", {.judge = 1, .judge_steps = 3, .rate = 3}},
        {"judge-10-steps-at-3-rates", {.judge = 1, .judge_steps = 10, .rate = 3}},
        {"judge-3-steps-line-search", {.judge = 1, .judge_steps = 3, .line_search = true}},
        {"judge-all-steps", {.judge = 1}},
    };
}

/// What passes on its own or others' work.
std::vector<NamedAttack> work_attacks() {
    return {
        {"honest", {.own = 1}},
        {"own-3-steps", {.own = 1, .own_steps = 3}},
        {"own-10-steps", {.own = 1, .own_steps = 10}},
        {"scaled-by-1.4", {.own = 1.4}},
        {"scaled-by-2", {.own = 2}},
        {"sign-flipped", {.own = -1}},
        {"copied-1-late", {.copies = {1}}},
        {"copied-2-late", {.copies = {0, 1}}},
        {"copied-5-late", {.copies = {0, 0, 0, 0, 1}}},
        {"mean-of-1-round", {.mean = 1, .mean_rounds = 1}},
        {"mean-of-2-rounds", {.mean = 1, .mean_rounds = 2}},
        {"mean-of-4-rounds", {.mean = 1, .mean_rounds = 4}},
        {"old-merges", {.old_merges = 1}},
        {"copy-and-gradient", {.gradient = 0.3, .behind_steps = 1, .copies = {1}}},
        {"random", {.noise = 1, .norm = 1}},
    };
}

/// Several keys, several commitments, or a block of its own.
std::vector<NamedAttack> many_keys() {
    return {
        {"honest-2-keys", {.own = 1, .keys = 2}},
        {"honest-5-keys", {.own = 1, .keys = 5}},
        {"honest-20-keys", {.own = 1, .keys = 20}},
        {"honest-5-keys-noise", {.own = 1, .keys = 5, .key_noise = 0.5}},
        {"honest-20-keys-noise", {.own = 1, .keys = 20, .key_noise = 0.5}},
        {"gradient-5-keys", {.gradient = 1, .behind_steps = 1, .norm = 0.25, .keys = 5}},
        {"gradient-20-keys", {.gradient = 1, .behind_steps = 1, .norm = 0.25, .keys = 20}},
        {"judge-3-steps-20-keys", {.judge = 1, .judge_steps = 3, .keys = 20}},
        {"reveals-best-gradient",
         {.gradient = 1,
          .behind_steps = 1,
          .norm = 0.25,
          .keys = 20,
          .key_noise = 1,
          .reveal_best = true}},
        {"reveals-best-random",
         {.noise = 1, .norm = 1, .keys = 20, .key_noise = 2, .reveal_best = true}},
        {"alone-with-gradient", {.gradient = 1, .behind_steps = 1, .norm = 0.5, .alone_every = 4}},
        {"alone-with-3-steps", {.judge = 1, .judge_steps = 3, .alone_every = 4}},
    };
}

/// Many keys that are unlike each other: parts of one update in tiles of their own, or so much
/// noise for each that weights take them for strangers.
std::vector<NamedAttack> unlike_keys() {
    return {
        {"honest-split-2", {.own = 1, .keys = 2, .split = true}},
        {"honest-split-4", {.own = 1, .keys = 4, .split = true}},
        {"honest-split-16", {.own = 1, .keys = 16, .split = true}},
        {"honest-5-keys-noise-1", {.own = 1, .keys = 5, .key_noise = 1}},
        {"honest-20-keys-noise-1", {.own = 1, .keys = 20, .key_noise = 1}},
        {"honest-20-keys-noise-2", {.own = 1, .keys = 20, .key_noise = 2}},
        {"honest-60-keys-noise-2", {.own = 1, .keys = 60, .key_noise = 2}},
        {"own-3-steps-60-keys-noise-2", {.own = 1, .own_steps = 3, .keys = 60, .key_noise = 2}},
        {"judge-3-steps-split-16", {.judge = 1, .judge_steps = 3, .keys = 16, .split = true}},
        {"judge-3-steps-60-keys-noise-2",
         {.judge = 1, .judge_steps = 3, .keys = 60, .key_noise = 2}},
        {"judge-3-steps-at-3-rates-60-keys-noise-2",
         {.judge = 1, .judge_steps = 3, .rate = 3, .keys = 60, .key_noise = 2}},
        {"gradient-split-16", {.gradient = 1, .norm = 1, .keys = 16, .split = true}},
        {"gradient-60-keys-noise-2", {.gradient = 1, .norm = 1, .keys = 60, .key_noise = 2}},
        {"gradient-behind-step-split-16",
         {.gradient = 1, .behind_steps = 1, .norm = 0.5, .keys = 16, .split = true}},
        {"mean-60-keys-noise-2", {.mean = 1, .keys = 60, .key_noise = 2}},
        {"honest-5-keys-noise-2", {.own = 1, .keys = 5, .key_noise = 2}},
        {"judge-3-steps-10-keys-noise-2",
         {.judge = 1, .judge_steps = 3, .keys = 10, .key_noise = 2}},
    };
}

}  // namespace

const std::vector<NamedAttack>& named_attacks() {
    static const std::vector<NamedAttack> all = [] {
        std::vector<NamedAttack> list = judge_text_attacks();
        for (auto&& more : {work_attacks(), many_keys(), unlike_keys()})
            list.insert(list.end(), more.begin(), more.end());
        return list;
    }();
    return all;
}

}  // namespace cairn::lab
