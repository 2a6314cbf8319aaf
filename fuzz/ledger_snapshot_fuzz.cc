// Fuzzes the readers of a ledger's snapshot: coins and rules state encode to the same bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "consensus/coins.h"
#include "consensus/rules_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto check_same = [&](const auto& read) {
        Writer writer;
        read.write(writer);
        CHECK(std::equal(writer.out().begin(), writer.out().end(), data, data + size));
    };
    Reader coins_reader(ByteView(data, size));
    const auto coins = consensus::CoinSet::read(coins_reader);
    if (coins.ok() && coins_reader.finish().ok()) check_same(*coins);
    Reader rules_reader(ByteView(data, size));
    const auto rules = consensus::RulesState::read(rules_reader);
    if (rules.ok() && rules_reader.finish().ok()) check_same(*rules);
    return 0;
}
