#include "node/miner.h"

#include <algorithm>
#include <limits>

#include "base/log.h"
#include "chain/target.h"

namespace cairn::node {
namespace {

constexpr std::uint64_t kAskAgainMs = 100;
constexpr std::uint64_t kFailedMs = 2'000;
constexpr std::uint64_t kMaxSliceCost = 250'000;  // in hashes of SHA-256d: a quarter of a second

}  // namespace

std::uint64_t hashes_per_slice(chain::WorkFunction work, std::uint64_t hash_rate,
                               std::uint64_t pause_ms) {
    const std::uint64_t cost = chain::cost_of(work);
    const std::uint64_t rate = hash_rate != 0 ? hash_rate : kHashRate / cost;
    return std::clamp<std::uint64_t>(rate * pause_ms / 1000, 1, kMaxSliceCost / cost);
}

bool search_nonce(chain::WorkFunction work, chain::BlockHeader& header, std::uint64_t count) {
    const chain::U256 target = chain::target_from_compact(header.target).value();
    auto bytes = chain::header_bytes(header);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t nonce = header.nonce + i;
        for (std::size_t byte = 0; byte < 8; ++byte)
            bytes.bytes[chain::kNonceOffset + byte] =
                static_cast<std::uint8_t>(nonce >> (8 * byte));
        if (!chain::meets_target(chain::work_hash(work, bytes.view()), target)) continue;
        header.nonce = nonce;
        return true;
    }
    return false;
}

Miner::Miner(const Clock& clock, Random& random, Loop& loop, ActiveChain& chain,
             const Mempool& mempool, NextKey next_key, OwnWorkOn own_work, MinerOptions options,
             OnFound on_found, OnReport on_report)
    : clock_(clock),
      random_(random),
      loop_(loop),
      chain_(chain),
      mempool_(mempool),
      next_key_(std::move(next_key)),
      own_work_(std::move(own_work)),
      options_(options),
      on_found_(std::move(on_found)),
      on_report_(std::move(on_report)) {}

void Miner::set_enabled(bool enabled) {
    options_.enabled = enabled;
    ++generation_;
    template_.reset();
    progress_.searching = false;
    if (chain_.is_ready()) on_tip();
}

void Miner::on_tip() {
    if (!options_.enabled) return;
    ++generation_;
    template_.reset();
    progress_.searching = false;
    if (stuck_ != 0) loop_.cancel(stuck_);
    stuck_ = 0;
    tip_since_ms_ = clock_.monotonic_us() / 1000;
    dirty_ = true;
    schedule(0);
}

void Miner::on_item() {
    if (!options_.enabled) return;
    dirty_ = true;
    // While payloads are awaited, the one that completes them should not wait for a timer.
    if (!template_ && !assembling_) return schedule(0);
    if (timer_ != 0) return;
    const std::uint64_t now = clock_.monotonic_us() / 1000;
    const std::uint64_t due = assembled_ms_ + options_.refresh_ms;
    schedule(due > now ? due - now : 0);
}

void Miner::schedule(std::uint64_t delay_ms) {
    if (timer_ != 0) loop_.cancel(timer_);
    timer_ = loop_.call_after(delay_ms, alive_.guard([this] {
        timer_ = 0;
        assemble();
    }));
}

bool Miner::must_wait_for_payloads() const {
    const TipInfo& tip = *chain_.tip();
    if (!chain_.network().is_merge_height(tip.next.height)) return false;
    // A commitment whose payload never comes may cost everybody this long, so it is a small part
    // of a block's time.
    const std::uint64_t grace_ms =
        std::min(options_.merge_grace_ms, chain_.network().spacing_ms / options_.merge_grace_part);
    if (clock_.monotonic_us() / 1000 >= tip_since_ms_ + grace_ms) return false;
    for (const consensus::OpenCommitment& open : tip.rules.open_commitments())
        if (!mempool_.contributions().contains(open.id)) return true;
    return false;
}

std::uint64_t Miner::own_work_wait_ms() const {
    if (options_.own_work_part == 0) return std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t until =
        tip_since_ms_ + chain_.network().spacing_ms / options_.own_work_part;
    const std::uint64_t now = clock_.monotonic_us() / 1000;
    return until > now ? until - now : 0;
}

void Miner::assemble() {
    if (assembling_ || !dirty_ || !options_.enabled) return;
    if (must_wait_for_payloads()) return schedule(kAskAgainMs);
    const BlockNode* parent = chain_.tip()->node;
    consensus::Candidates candidates = mempool_.candidates();
    NextKey next_key = next_key_;
    if (chain_.network().one_winner() && own_work_) {
        const OwnWork own = own_work_(parent);
        // on_item() comes when it is made.
        const std::uint64_t wait_ms =
            own.state == OwnWork::State::kAwaited ? own_work_wait_ms() : 0;
        if (wait_ms > 0) return schedule(wait_ms);
        if (own.state == OwnWork::State::kMade) {
            candidates.contributions = {own.contribution};
            next_key = [key = own.key](const ChainState&) { return key; };
        }
    }
    dirty_ = false;
    assembling_ = true;
    struct Assembled {
        Result<chain::Block> block;
        consensus::BlockReport report;
    };
    chain_.lane().on_lane(
        [parent, candidates = std::move(candidates), next_key = std::move(next_key),
         time_ms = clock_.wall_ms()](ChainState& state) {
            consensus::BlockReport report;
            auto block = state.assemble(parent, candidates, next_key(state), time_ms, &report);
            return Assembled{std::move(block), std::move(report)};
        },
        alive_.guard([this, parent](Assembled made) {
            if (made.block.ok()) on_report_(made.report);
            on_assembled(parent, std::move(made.block));
        }));
}

void Miner::on_assembled(const BlockNode* parent, Result<chain::Block> block) {
    assembling_ = false;
    if (!options_.enabled) return;
    if (chain_.tip()->node != parent) {
        dirty_ = true;
        return schedule(0);
    }
    if (!block.ok()) {
        dirty_ = true;
        // kCancelled: the chain lane is at the next tip already, and the loop is about to hear of
        // it.
        if (block.error().code != ErrorCode::kCancelled)
            log_warn("no template for the next block: {}", block.error().message);
        return schedule(block.error().code == ErrorCode::kCancelled ? kAskAgainMs : kFailedMs);
    }
    ++generation_;
    template_ = std::make_unique<chain::Block>(std::move(*block));
    template_->header.nonce = random_.u64() >> 1;
    assembled_ms_ = clock_.monotonic_us() / 1000;
    progress_.searching = true;
    progress_.height = parent->height + 1;
    if (dirty_) schedule(options_.refresh_ms);
    if (!slicing_) run_slice();
}

void Miner::run_slice() {
    slicing_ = template_ != nullptr;
    if (!slicing_) return;
    template_->header.time_ms = std::max(template_->header.time_ms, clock_.wall_ms());
    const chain::BlockHeader header = template_->header;
    template_->header.nonce += options_.hashes_per_slice;
    offload(
        loop_, Lane::kMine,
        [work = chain_.network().work, header,
         count = options_.hashes_per_slice]() -> std::optional<chain::BlockHeader> {
            chain::BlockHeader tried = header;
            if (!search_nonce(work, tried, count)) return std::nullopt;
            return tried;
        },
        alive_.guard([this, generation = generation_, began = clock_.monotonic_us()](
                         const std::optional<chain::BlockHeader>& found) {
            on_slice(generation, found, began);
        }));
}

void Miner::on_slice(std::uint64_t generation, const std::optional<chain::BlockHeader>& found,
                     std::uint64_t began_us) {
    progress_.hashes += options_.hashes_per_slice;
    if (last_slice_us_ != 0 && began_us > last_slice_us_) {
        const double rate = static_cast<double>(options_.hashes_per_slice) * 1e6 /
                            static_cast<double>(began_us - last_slice_us_);
        progress_.hashes_per_s += 0.1 * (rate - progress_.hashes_per_s);
    }
    last_slice_us_ = began_us;
    // A header found for a template that was replaced would be valid, but its body is gone.
    if (found && generation == generation_ && template_) {
        template_->header = *found;
        ++progress_.blocks;
        const auto block = std::move(template_);
        progress_.searching = false;
        stuck_ = loop_.call_after(options_.stuck_ms, alive_.guard([this] {
            stuck_ = 0;
            on_tip();
        }));
        on_found_(*block);
    }
    loop_.call_after(options_.slice_pause_ms, alive_.guard([this] { run_slice(); }));
}

}  // namespace cairn::node
