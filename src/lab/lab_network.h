// The network in which `cairn lab attacks` and `cairn lab adversary` play: a preset's sizes, texts
// from files or made up, and the tokens that everybody trains on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chain/network.h"
#include "tensor/kernels.h"

namespace cairn::lab {

inline constexpr std::size_t kHonest = 3;

struct LabTexts {
    std::string kind = "like";  ///< of texts made up: like, or unlike (each its own language)
    std::string judge, report;  ///< files; empty: made up
    /// Files: three for the honest, and a fourth, if there is one, for the attacker, who else holds
    /// what the first honest trainer holds.
    std::vector<std::string> train;
};

struct LabNetwork {
    chain::NetworkDefinition definition;
    std::vector<std::uint32_t> judge, report;
    std::vector<std::vector<std::uint32_t>> trainers;  ///< kHonest, then the attacker's
};

/// Which network is played.
struct LabNetworkChoice {
    std::string preset = "tiny";     ///< or a network.json
    std::uint32_t local_steps = 0;   ///< 0: the preset's
    std::uint32_t decay_rounds = 0;  ///< 0: the preset's
    LabTexts texts{};
    std::optional<chain::CodecSpec> codec{};  ///< else the preset's
};

/// The seed decides the first weights. kMisused for a choice that does not fit together.
Result<LabNetwork> make_lab_network(const LabNetworkChoice& choice, std::uint64_t seed,
                                    const tensor::Kernels* kernels);

}  // namespace cairn::lab
