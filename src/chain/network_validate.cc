// CONSENSUS: changing a result here splits the network.
//
// The bounds of a network definition: each field's own, then those between fields.
#include <bit>

#include "chain/codec_kinds.h"
#include "chain/network_fields.h"
#include "chain/payment.h"
#include "chain/target.h"

namespace cairn::chain {
namespace {

class CheckBounds {
  public:
    void begin(const char* name) { group_ = std::string(name) + "."; }
    void end() { group_.clear(); }
    void number(const char* name, std::uint64_t value, std::uint64_t min, std::uint64_t max) {
        if (value < min || value > max)
            fail(name, "must be " + std::to_string(min) + " to " + std::to_string(max) + ", is " +
                           std::to_string(value));
    }
    void flag(const char*, bool) {}
    static bool is_name(const std::string& value) {
        bool good = !value.empty() && value.size() <= fields::kMaxName;
        for (const char c : value)
            good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
        return good;
    }
    void text(const char* name, const std::string& value) {
        if (!is_name(value)) fail(name, "must be 1 to 64 letters, digits, '-', '_' or '.'");
    }
    void hash(const char*, const Hash256&) {}
    void codec_kind(const char*, CodecKind) {}
    void work(const char*, WorkFunction) {}
    void optimiser(const char*, Optimiser) {}
    void upgrades(const char* name, const std::vector<Upgrade>& list) {
        if (list.size() > fields::kMaxUpgrades) fail(name, "must be at most 64");
    }
    void members(const char* name, const std::vector<crypto::PublicKey>& list) {
        if (list.size() > fields::kMaxMembers) fail(name, "must be at most 4096 keys");
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (i > 0 && !(list[i - 1] < list[i])) fail(name, "must be sorted, each key once");
            if (!crypto::is_valid(list[i])) fail(name, "has " + to_hex(list[i]) + ", not a key");
        }
    }
    void sources(const char* name, const std::vector<TextSource>& list) {
        if (list.size() == 1 || list.size() > fields::kMaxSources)
            fail(name, "must be 2 to 16, or none where there is one text");
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (!is_name(list[i].name))
                fail(name, "must have names of 1 to 64 letters, digits, '-', '_' or '.'");
            for (std::size_t j = 0; j < i; ++j)
                if (list[i].name == list[j].name) fail(name, "has " + list[i].name + " twice");
        }
    }
    template <typename N, typename Fields>
    void extension(std::uint16_t, const N& network, const Fields& visit) {
        visit(network, *this);
    }
    void fail(const std::string& name, const std::string& what) {
        fail(group_ + name + " " + what);
    }
    void fail(const std::string& sentence) {
        if (message_.empty()) message_ = "network definition: " + sentence;
    }
    const std::string& message() const { return message_; }

  private:
    std::string group_;
    std::string message_;
};

bool is_power_of_two(std::uint32_t value) { return std::has_single_bit(value); }

/// Tiles of 4096 parameters; each tensor begins one (chain.md, section 6).
std::uint64_t tiles_of(const Architecture& a) {
    constexpr std::uint64_t kTile = 4096;
    const auto tiles = [](std::uint64_t rows, std::uint64_t columns) {
        return (rows * columns + kTile - 1) / kTile;
    };
    const std::uint64_t kv = std::uint64_t{a.kv_heads} * (a.dim / a.heads);
    const std::uint64_t layer = 2 * tiles(1, a.dim) + 2 * tiles(a.dim, a.dim) +
                                2 * tiles(kv, a.dim) + 3 * tiles(a.hidden_dim, a.dim);
    return a.layers * layer + (a.tied_head ? 1 : 2) * tiles(a.vocab, a.dim) + tiles(1, a.dim);
}

/// A sketch whose matrix has no zeros takes time as that matrix has entries, for every contribution
/// of a merge block, on every node.
void check_codec(const NetworkDefinition& n, CheckBounds& bounds) {
    if (const Status codec = validate(n.codec); !codec.ok())
        return bounds.fail(codec.error().message);
    if (!is_dense_sketch(n.codec.kind)) return;
    const std::uint64_t entries =
        tiles_of(n.architecture) * 4096 * (4096U >> n.codec.log2_ratio) * n.max_contributions;
    if (entries > fields::kMaxSketchEntries)
        bounds.fail("codec: " + std::string(name_of(n.codec.kind)) + " would take " +
                    std::to_string(entries) +
                    " steps for a merge block of this network, more than " +
                    std::to_string(fields::kMaxSketchEntries) +
                    "; raise codec.log2_ratio, lower max_contributions, or take count-sketch");
}

void check_model(const NetworkDefinition& n, CheckBounds& bounds) {
    const Architecture& a = n.architecture;
    if (a.dim % a.heads != 0 || (a.dim / a.heads) % 2 != 0)
        bounds.fail("architecture.heads", "must divide dim into an even number of columns each");
    if (a.heads % a.kv_heads != 0)
        bounds.fail("architecture.kv_heads", "must divide architecture.heads");
    if (!is_power_of_two(a.context) || a.context > n.judge_leaf_tokens)
        bounds.fail("architecture.context", "must be a power of two, at most judge_leaf_tokens");
    if (!is_power_of_two(n.judge_leaf_tokens))
        bounds.fail("judge_leaf_tokens", "must be a power of two");
    for (const TextSource& source : n.sources) {
        const bool reported = n.sources.front().report_tokens != 0;
        if (source.judge_tokens <= a.context ||
            (reported ? source.report_tokens <= a.context : source.report_tokens != 0))
            bounds.fail("sources",
                        "must have more tokens each than the context; report_tokens may "
                        "be 0 for all");
    }
    check_codec(n, bounds);
}

/// Each raises a version or both, and none ever falls.
void check_upgrades(const NetworkDefinition& n, CheckBounds& bounds) {
    std::uint32_t height = 0;
    Versions versions = n.versions_at(0);
    for (const Upgrade& upgrade : n.upgrades) {
        if (upgrade.height <= height)
            bounds.fail("upgrades", "must have ascending heights above 0");
        const auto rises = [](std::uint16_t next, std::uint16_t now) {
            return next == 0 || next > now;
        };
        const bool idle = upgrade.numerics_version == 0 && upgrade.rules_version == 0;
        if (idle || !rises(upgrade.numerics_version, versions.numerics) ||
            !rises(upgrade.rules_version, versions.rules))
            bounds.fail("upgrades", "must name a version above the one before, each of them");
        height = upgrade.height;
        versions = n.versions_at(height);
    }
}

/// What a network of one winner a block has no use for says so: a definition promises nothing that
/// its rules do not keep.
void check_one_winner(const NetworkDefinition& n, CheckBounds& bounds) {
    constexpr const char* kWhere = " in a network whose round_length is 1";
    if (n.max_contributions != 1 || n.paid_contributions != 1)
        bounds.fail("max_contributions", std::string("and paid_contributions must be 1") + kWhere);
    if (n.carry_share != 0) bounds.fail("carry_share", std::string("must be 0") + kWhere);
    if (n.novelty_rounds != 0) bounds.fail("novelty_rounds", std::string("must be 0") + kWhere);
}

void check_chain(const NetworkDefinition& n, CheckBounds& bounds) {
    if (n.one_winner()) check_one_winner(n, bounds);
    if (n.reveal_depth != 0 && n.reveal_depth + 2 > n.round_length)
        bounds.fail("reveal_depth", "must leave a block for commitments: at most round_length - 2");
    if (n.paid_contributions > n.max_contributions)
        bounds.fail("paid_contributions", "must be at most max_contributions");
    if (n.halflife_ms < n.spacing_ms) bounds.fail("halflife_ms", "must be at least spacing_ms");
    const Result<U256> first = target_from_compact(n.first_target);
    const Result<U256> limit = target_from_compact(n.pow_limit);
    if (!first.ok()) bounds.fail("first_target", "is no " + first.error().message);
    if (!limit.ok()) bounds.fail("pow_limit", "is no " + limit.error().message);
    if (first.ok() && limit.ok() && *first > *limit)
        bounds.fail("first_target", "must not be easier than pow_limit");
    // Room for the header and for a coinbase that pays every contributor: more than
    // reserved_bytes() in consensus/ledger_assemble.cc.
    const std::uint64_t reserved =
        1024 + std::uint64_t{kKeyOutputBytes} * (n.max_contributions + 1);
    if (n.max_payload_bytes + reserved > n.max_block_bytes)
        bounds.fail("max_block_bytes",
                    "must be at least max_payload_bytes + 1024 + 41 * "
                    "(max_contributions + 1)");
    // Units halve, so all rounds together mint less than twice what the first halving_rounds mint.
    const std::uint64_t per_round = n.subsidy_unit * n.paid_contributions;
    if (per_round != 0 && n.halving_rounds > kMaxAmount / 2 / per_round)
        bounds.fail("subsidy_unit",
                    "times paid_contributions times halving_rounds must stay below 2^61");
}

}  // namespace

Status validate(const NetworkDefinition& network) {
    CheckBounds bounds;
    fields::visit_network(network, bounds);
    fields::visit_extensions(network, bounds);
    if (bounds.message().empty()) {
        check_upgrades(network, bounds);
        check_model(network, bounds);
        check_chain(network, bounds);
    }
    if (!bounds.message().empty()) return invalid(bounds.message());
    if (const Versions first = network.versions_at(0); !first.known_to({}))
        return Error{ErrorCode::kUnsupported, "network definition: it begins with " +
                                                  to_string(first) + ", and this program knows " +
                                                  to_string(Versions{}) + "; update Cairn"};
    return ok_status();
}

}  // namespace cairn::chain
