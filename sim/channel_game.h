// Many pairs of a payer and a payee over one ledger with the real rules, from one seed. Each side
// is honest or hostile, crashes at any instant and starts again from its disk, which refuses writes
// now and then; blocks are taken back and others come. At the end the game says what each side
// lost, without fees. For channel_test.cc.
#pragma once

#include <array>
#include <optional>

#include "channel/payee_channel.h"
#include "channel/payer_channel.h"
#include "channel/settle.h"
#include "consensus/test_chain.h"

namespace cairn::sim {

/// What the people of a game did, and what came of it.
struct ChannelTotals {
    std::uint64_t sessions = 0, tokens = 0, vouchers = 0, refused = 0, crashes = 0;
    std::uint64_t closes = 0, refunds = 0, reorganisations = 0, deep_reorganisations = 0;
    std::uint64_t bad_payments = 0;  ///< that no block could carry
    /// The most that an honest side lost in one channel, in tokens.
    double payer_lost = 0, payee_lost = 0;
    /// The same in channels that a reorganisation of C blocks or more took away.
    double deep_lost = 0;
    std::string failure;  ///< empty: nothing was broken
};

class ChannelGame {
  public:
    explicit ChannelGame(std::uint64_t seed);
    /// Plays until so many sessions were held and every channel has ended.
    void play(std::uint64_t sessions, ChannelTotals& totals);

  private:
    struct Side {
        explicit Side(std::uint8_t number) : person(number) {}
        consensus::Person person;
        MemoryDisk disk;
        channel::RecordStore store{disk};
        bool hostile = false;
    };
    /// One channel of a pair.
    struct Run {
        channel::Terms terms;
        std::uint64_t price = 0;
        std::uint64_t delivered = 0;  ///< what truly went over
        std::vector<chain::Voucher> given;
        std::uint64_t best = 0;  ///< the payee's best voucher in the end
        bool deep = false;
    };
    struct Pair {
        Pair(std::uint8_t payer_number, std::uint8_t payee_number)
            : payer(payer_number), payee(payee_number) {}
        Side payer, payee;
        std::optional<Run> run;
        std::optional<channel::PayerChannel> from;
        std::optional<channel::PayeeChannel> to;
        std::vector<Run> past;
    };

    bool chance(std::uint64_t percent) { return random_.below(100) < percent; }
    void fund();
    void open(Pair& pair);
    void serve(Pair& pair);
    bool give_token(Pair& pair);
    void pay(Pair& pair);
    void send(Pair& pair, const chain::Voucher& voucher);
    void cheat_with_vouchers(Pair& pair);
    void crash(Pair& pair);
    void restart(Pair& pair);
    void end_in_time(Pair& pair);
    void try_thefts(Pair& pair);
    void candidate(chain::Payment payment) { pool_.push_back(std::move(payment)); }
    void must_be_refused(const chain::Payment& payment);
    void mine();
    void reorganise();
    void settle_accounts();
    void settle_account(const Pair& pair, const Run& run);
    const consensus::Coin* coin_of(const Run& run) const;
    void fail(const std::string& what);

    SeededRandom random_;
    consensus::TestChain chain_;
    consensus::Person miner_{1};
    std::vector<std::unique_ptr<Pair>> pairs_;
    std::vector<chain::Payment> pool_;
    channel::Policy policy_;
    std::uint64_t minted_ = 0;
    ChannelTotals* totals_ = nullptr;
};

}  // namespace cairn::sim
