// The named attackers of `cairn lab attacks`.
#pragma once

#include <string>
#include <vector>

#include "lab/mixture.h"

namespace cairn::lab {

struct NamedAttack {
    std::string name;
    Mixture mixture;
};

const std::vector<NamedAttack>& named_attacks();

}  // namespace cairn::lab
