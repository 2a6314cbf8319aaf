// The miner: has the ledger assemble the best next block (the template), searches its nonce a slice
// at a time with pauses between, so that the computer stays usable, and takes a new template when
// the tip moves or something arrives that a block could carry. At merge heights it first waits a
// little for payloads that were committed to; where every block has one winner, it waits a little
// for what its own trainer makes on each tip, and then searches without, until it is there. Under
// the simulated clock slice and pause are the hash rate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/random.h"
#include "node/mempool.h"
#include "node/own_work.h"

namespace cairn::node {

/// Of SHA-256d, a second, where nothing else is asked for: about a tenth of a core.
inline constexpr std::uint64_t kHashRate = 100'000;

struct MinerOptions {
    bool enabled = false;
    std::uint64_t hashes_per_slice = 2'000;
    std::uint64_t slice_pause_ms = 20;
    std::uint64_t refresh_ms = 200;        ///< at most one new template in this time on one tip
    std::uint64_t merge_grace_ms = 1'500;  ///< at merge heights, for payloads not here yet ...
    std::uint64_t merge_grace_part = 4;    ///< ... but no longer than this part of the spacing
    /// One winner a block: for what the own trainer makes, no longer than this part of the spacing;
    /// 0: however long it takes.
    std::uint64_t own_work_part = kOwnWorkPart;
    /// After so long a found block is taken as lost, if the tip is still its parent.
    std::uint64_t stuck_ms = 10'000;
};

/// How many nonces a slice tries so that there are at most `hash_rate` a second; 0: kHashRate of
/// SHA-256d, and of slower work what takes as long. No slice takes longer than a quarter of a
/// second or so: what it finds after a new tip is lost.
std::uint64_t hashes_per_slice(chain::WorkFunction work, std::uint64_t hash_rate,
                               std::uint64_t pause_ms);

/// Tries `count` nonces from header.nonce on; on success header.nonce is the one that works.
bool search_nonce(chain::WorkFunction work, chain::BlockHeader& header, std::uint64_t count);

class Miner {
  public:
    /// Whom the next block shall pay. Asked for each template, on the chain lane.
    using NextKey = std::function<crypto::PublicKey(const ChainState&)>;
    /// One winner a block: what a trainer here has for a block on this parent.
    using OwnWorkOn = std::function<OwnWork(const BlockNode* parent)>;
    using OnFound = std::function<void(const chain::Block&)>;
    /// What a template took and left out, and why. On the loop.
    using OnReport = std::function<void(const consensus::BlockReport&)>;

    struct Progress {
        bool searching = false;
        std::uint32_t height = 0;
        std::uint64_t hashes = 0;
        double hashes_per_s = 0;
        std::uint64_t blocks = 0;
    };

    /// `own_work` may be empty: then blocks of one winner are searched without a contribution.
    Miner(const Clock& clock, Random& random, Loop& loop, ActiveChain& chain,
          const Mempool& mempool, NextKey next_key, OwnWorkOn own_work, MinerOptions options,
          OnFound on_found, OnReport on_report);

    /// Starts or stops searching; the chain is followed all the same.
    void set_enabled(bool enabled);
    bool enabled() const { return options_.enabled; }

    /// The chain is ready, or its tip moved.
    void on_tip();
    /// Something entered the pool that a block could carry, or what a trainer here has for the next
    /// block changed.
    void on_item();
    Progress progress() const { return progress_; }

  private:
    bool must_wait_for_payloads() const;
    /// How much longer to wait for what the own trainer makes; 0: no longer.
    std::uint64_t own_work_wait_ms() const;
    void schedule(std::uint64_t delay_ms);
    void assemble();
    void on_assembled(const BlockNode* parent, Result<chain::Block> block);
    void run_slice();
    /// `found` is the header that works, if the slice had one.
    void on_slice(std::uint64_t generation, const std::optional<chain::BlockHeader>& found,
                  std::uint64_t began_us);

    const Clock& clock_;
    Random& random_;
    Loop& loop_;
    ActiveChain& chain_;
    const Mempool& mempool_;
    NextKey next_key_;
    OwnWorkOn own_work_;
    MinerOptions options_;
    OnFound on_found_;
    OnReport on_report_;

    std::unique_ptr<chain::Block> template_;
    std::uint64_t generation_ = 0;  // of the template; results of older ones are dropped
    bool dirty_ = false;
    bool assembling_ = false;
    bool slicing_ = false;
    TimerId timer_ = 0;
    TimerId stuck_ = 0;
    std::uint64_t tip_since_ms_ = 0;
    std::uint64_t assembled_ms_ = 0;
    std::uint64_t last_slice_us_ = 0;
    Progress progress_;
    Alive alive_;
};

}  // namespace cairn::node
