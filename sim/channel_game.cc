#include "sim/channel_game.h"

#include <algorithm>

#include "chain/voucher.h"

namespace cairn::sim {
namespace {

using channel::Role;
using consensus::Candidates;

constexpr std::size_t kPairs = 6;
constexpr std::uint64_t kCapacity = 60'000;
constexpr std::uint64_t kFee = 200;
constexpr std::uint32_t kChannelBlocks = 24;

chain::NetworkDefinition game_network() {
    chain::NetworkDefinition network = consensus::test_network();
    network.round_length = 16;  // blocks without training are quick
    network.subsidy_unit = std::uint64_t{1} << 32;
    CHECK(chain::validate(network).ok());
    return network;
}

}  // namespace

ChannelGame::ChannelGame(std::uint64_t seed) : random_(seed), chain_(game_network()) {
    policy_ = {.confirmations = 3, .closing_blocks = 8, .min_capacity = 10'000};
    for (std::size_t i = 0; i < kPairs; ++i)
        pairs_.push_back(std::make_unique<Pair>(static_cast<std::uint8_t>(10 + 2 * i),
                                                static_cast<std::uint8_t>(11 + 2 * i)));
    fund();
}

void ChannelGame::fail(const std::string& what) {
    if (totals_ && totals_->failure.empty())
        totals_->failure = what + " at height " + std::to_string(chain_.ledger.height());
}

/// The miner earns a coin and gives each payer a part of it.
void ChannelGame::fund() {
    chain::OutPoint coin = chain_.earn(miner_);
    const std::uint64_t part =
        chain_.ledger.coins().find(coin)->output.amount / (2 * pairs_.size());
    for (const auto& pair : pairs_) {
        const chain::Payment payment = chain_.pay(miner_, coin, pair->payer.person.key, part, 0);
        Candidates candidates;
        candidates.payments = {payment};
        chain_.mine(miner_, candidates);
        coin = {chain::payment_id(payment), 1};
    }
    for (const auto& [outpoint, held] : chain_.ledger.coins().all()) minted_ += held.output.amount;
}

const consensus::Coin* ChannelGame::coin_of(const Run& run) const {
    return chain_.ledger.coins().find(run.terms.outpoint);
}

void ChannelGame::open(Pair& pair) {
    const consensus::Person& payer = pair.payer.person;
    for (const auto& [outpoint, coin] : chain_.ledger.coins().all()) {
        if (coin.output.kind != chain::OutputKind::kKey || coin.output.key != payer.key ||
            coin.output.amount < kCapacity + kFee)
            continue;
        chain::Payment opening = chain_.pay(payer, outpoint, payer.key, kCapacity, kFee);
        const std::uint32_t expiry = chain_.next_height() + kChannelBlocks;
        opening.outputs[0] = {kCapacity, chain::OutputKind::kChannel, payer.key,
                              pair.payee.person.key, expiry};
        chain_.resign(opening, payer);
        Run run;
        run.terms = *channel::terms_of({chain::payment_id(opening), 0}, opening.outputs[0]);
        run.price = 1 + random_.below(40);
        channel::Record record;
        record.genesis_id = chain_.ledger.genesis_id();
        record.terms = run.terms;
        if (!pair.payer.store.put(record).ok()) return;
        pair.run = std::move(run);
        pair.payer.hostile = chance(40);
        pair.payee.hostile = !pair.payer.hostile && chance(60);
        candidate(std::move(opening));
        return;
    }
}

/// Both ends from their disks, as after a start. The payee has none before he admitted it.
void ChannelGame::restart(Pair& pair) {
    const Run& run = *pair.run;
    const auto payer = pair.payer.store.find(Role::kPayer, run.terms.outpoint);
    if (!payer.ok()) return fail("a payer's record is lost");
    pair.from.emplace(pair.payer.store, *payer, pair.payer.person.secret, random_);
    pair.from->set_price(run.price);
    auto payee = pair.payee.store.find(Role::kPayee, run.terms.outpoint);
    if (!payee.ok()) {
        const consensus::Coin* coin = coin_of(run);
        if (coin == nullptr) return;
        payee = channel::admit(chain_.ledger.genesis_id(), run.terms.outpoint,
                               {coin->output, coin->height}, pair.payee.person.key,
                               chain_.ledger.height(), policy_);
        if (!payee.ok()) {
            ++totals_->refused;
            return;
        }
    }
    pair.to.emplace(pair.payee.store, *payee);
    pair.to->set_price(run.price);
}

/// Somebody is killed; what was in memory is gone.
void ChannelGame::crash(Pair& pair) {
    ++totals_->crashes;
    pair.from.reset();
    pair.to.reset();
    restart(pair);
}

void ChannelGame::send(Pair& pair, const chain::Voucher& voucher) {
    ++totals_->vouchers;
    pair.run->given.push_back(voucher);
    if (chance(3)) return;  // lost on its way
    const std::uint64_t before = pair.to->paid();
    const auto taken = pair.to->accept(voucher, chain_.ledger.height(), policy_);
    if (!taken.ok()) {
        ++totals_->refused;
        if (taken.error().message.empty()) fail("a refusal without a word");
        if (pair.to->paid() != before) fail("a refused voucher was counted");
        return;
    }
    const auto kept = pair.payee.store.find(Role::kPayee, pair.run->terms.outpoint);
    if (*taken > 0 && (!kept.ok() || kept->paid != voucher.amount))
        fail("a voucher was acknowledged and is not on disk");
    if (chance(2)) crash(pair);
}

/// What a payer might try: none of it may raise what the payee believes to have.
void ChannelGame::cheat_with_vouchers(Pair& pair) {
    const Run& run = *pair.run;
    const std::uint64_t before = pair.to->paid();
    chain::Voucher bad = run.given.empty()
                             ? chain::Voucher{chain_.ledger.genesis_id(), run.terms.outpoint, 1, {}}
                             : run.given[random_.below(run.given.size())];
    const auto sign = [&](const Hash256& genesis, const chain::OutPoint& channel) {
        bad.signature = crypto::sign(pair.payer.person.secret,
                                     chain::voucher_hash(genesis, channel, bad.amount), random_);
    };
    switch (random_.below(6)) {
        case 0:  // an old one
            break;
        case 1:
            bad.amount = before + 1;
            break;
        case 2:
            bad.amount = run.terms.capacity + 1 + random_.below(1'000);
            sign(bad.genesis_id, bad.channel);
            break;
        case 3:
            bad.amount = before + 1;
            bad.genesis_id = chain::filled<32>(1);
            sign(bad.genesis_id, bad.channel);
            break;
        case 4:
            bad.amount = before + 1;
            sign(chain::filled<32>(1), bad.channel);
            break;
        default:
            bad.amount = before + 1;
            bad.channel = {random_.hash256(), 0};
            sign(bad.genesis_id, bad.channel);
    }
    if (bad.amount > before && std::ranges::find(run.given, bad) != run.given.end())
        return;  // it was lost on its way: a good one
    const auto taken = pair.to->accept(bad, chain_.ledger.height(), policy_);
    if (taken.ok() && *taken > 0) fail("a bad voucher was taken");
    if (!taken.ok()) ++totals_->refused;
    if (pair.to->paid() != before) fail("a bad voucher was counted");
}

void ChannelGame::pay(Pair& pair) {
    if (pair.payer.hostile && chance(60)) {
        if (pair.to) cheat_with_vouchers(pair);
        return;  // and withholds the good one
    }
    pair.payer.disk.set_full(chance(2));
    // Where the payee gives nothing before he is paid, a payer goes ahead by a token at a time.
    const std::uint64_t ahead = pair.from->unpaid() == 0 ? pair.run->price : 0;
    const auto voucher = pair.from->pay(ahead);
    pair.payer.disk.set_full(false);
    if (voucher.ok() && !chance(2))
        send(pair, *voucher);
    else if (!voucher.ok())
        ++totals_->refused;
}

/// False where the payee gives no more for now.
bool ChannelGame::give_token(Pair& pair) {
    const std::uint64_t price = pair.run->price;
    if (pair.payee.hostile && chance(30)) return false;  // he has a voucher and stalls
    pair.payee.disk.set_full(chance(2));
    const Status may = pair.to->deliver(price);
    pair.payee.disk.set_full(false);
    if (!may.ok()) return false;
    ++totals_->tokens;
    pair.run->delivered += price;
    if (chance(1)) {
        crash(pair);  // it went out, and the payer died before he counted it
        return pair.to.has_value();
    }
    pair.from->received(price);
    return true;
}

void ChannelGame::serve(Pair& pair) {
    if (!pair.from || !pair.to) restart(pair);
    if (!pair.from || !pair.to) return;
    ++totals_->sessions;
    const std::uint64_t wanted = 1 + random_.below(40);
    const std::uint64_t every = 1 + random_.below(channel::kTokensAtRisk);
    int stalls = 0;
    for (std::uint64_t token = 0; token < wanted && stalls < 4 && pair.from && pair.to; ++token) {
        if (!give_token(pair)) {
            ++stalls;
            if (pair.from && pair.to) pay(pair);
        } else if (pair.from->is_due() || token % every == every - 1) {
            pay(pair);
        }
        if (pair.from && pair.to && chance(1)) crash(pair);
    }
    if (pair.to && pair.from && pair.from->unpaid() > 0) pay(pair);
    if (pair.to && !chance(20)) (void)pair.to->end_session();
}

/// What a node's keeper does after every block, or a person who has had enough.
void ChannelGame::end_in_time(Pair& pair) {
    const Run& run = *pair.run;
    const std::uint32_t next = chain_.next_height();
    const auto mine = pair.payee.store.find(Role::kPayee, run.terms.outpoint);
    if (mine.ok()) {
        const bool now = channel::due(*mine, next, policy_) == channel::Due::kClose;
        const bool early = mine->paid > 0 && next < run.terms.expiry && chance(2);
        const std::uint64_t rate = channel::closing_rate(*mine, 1, next, policy_);
        const std::uint64_t fee = rate * channel::settling_bytes(*mine);
        if ((now || early) && channel::check_close_pays(*mine, fee).ok()) {
            const auto closing = channel::PayeeChannel(pair.payee.store, *mine).begin_closing();
            if (closing.ok())
                candidate(
                    *channel::close_payment(*closing, pair.payee.person.secret, fee, random_));
            pair.to.reset();  // whatever serves there looks at the disk again
        }
    }
    const auto record = pair.payer.store.find(Role::kPayer, run.terms.outpoint);
    if (!record.ok() || channel::due(*record, next, policy_) != channel::Due::kRefund) return;
    auto refund = channel::refund_payment(*record, pair.payer.person.secret, kFee, random_);
    if (refund.ok()) candidate(*std::move(refund));
}

void ChannelGame::must_be_refused(const chain::Payment& payment) {
    const Verdict verdict = chain_.ledger.check_next(payment);
    if (verdict.is_valid()) return fail("a theft would be valid");
    if (verdict.reason().empty()) fail("a refusal without a word");
    ++totals_->bad_payments;
    candidate(payment);  // the miner must leave it out
    if (!chance(10)) return;
    chain::Block block = chain_.assemble({}, miner_);
    block.payments = {payment};
    chain_.seal(block);
    if (chain_.connect(block).is_valid()) fail("a block with a theft was taken");
}

/// Each side against the other, on the chain.
void ChannelGame::try_thefts(Pair& pair) {
    const Run& run = *pair.run;
    if (coin_of(run) == nullptr) return;
    const std::uint32_t next = chain_.next_height();
    channel::Record record;
    record.genesis_id = chain_.ledger.genesis_id();
    record.terms = run.terms;
    if (pair.payer.hostile) {
        if (next < run.terms.expiry)  // back before its time
            must_be_refused(
                *channel::refund_payment(record, pair.payer.person.secret, kFee, random_));
        if (!run.given.empty()) {  // closes with the cheapest voucher, without the payee
            record.role = Role::kPayee;
            record.paid = run.given[0].amount;
            record.signature = run.given[0].signature;
            auto close = channel::close_payment(record, pair.payer.person.secret, 0, random_);
            if (close.ok()) must_be_refused(*close);
        }
    }
    if (!pair.payee.hostile) return;
    record.role = Role::kPayee;
    record.paid = run.given.empty() ? 1 : run.given.back().amount;
    if (!run.given.empty()) record.signature = run.given.back().signature;
    if (next >= run.terms.expiry) {
        auto late = channel::close_payment(record, pair.payee.person.secret, 0, random_);
        if (late.ok()) must_be_refused(*late);
        return;
    }
    record.paid = std::min(record.paid + 1 + random_.below(1'000), run.terms.capacity);
    if (!run.given.empty() && record.paid == run.given.back().amount) return;
    auto more = channel::close_payment(record, pair.payee.person.secret, 0, random_);
    if (more.ok()) must_be_refused(*more);
}

void ChannelGame::mine() {
    Candidates candidates;
    candidates.payments.assign(pool_.begin(), pool_.end());
    chain_.mine(miner_, candidates);
    // What was not taken waits, as in a pool, while it can still be valid.
    std::erase_if(pool_, [this](const chain::Payment& payment) {
        return !chain_.ledger.check_next(payment).is_valid();
    });
    std::uint64_t sum = 0;
    for (const auto& [outpoint, held] : chain_.ledger.coins().all()) sum += held.output.amount;
    if (sum != minted_) fail("coins appeared or vanished");
}

void ChannelGame::reorganise() {
    const std::uint32_t most = policy_.confirmations + 1;
    const std::uint32_t depth = 1 + static_cast<std::uint32_t>(random_.below(most));
    const bool deep = depth >= policy_.confirmations;
    if (deep && !chance(20)) return;
    ++totals_->reorganisations;
    totals_->deep_reorganisations += deep ? 1 : 0;
    for (std::uint32_t i = 0; i < depth; ++i) {
        for (const chain::Payment& payment : chain_.blocks.back().payments)
            // Whoever cheats sees to it that what he opened does not come again.
            if (!deep || payment.outputs[0].kind != chain::OutputKind::kChannel || chance(50))
                candidate(payment);
        chain_.disconnect();
    }
    for (const auto& pair : pairs_)
        if (deep && pair->run) pair->run->deep = true;
    for (std::uint32_t i = 0; i <= depth; ++i) mine();
}

void ChannelGame::settle_account(const Pair& pair, const Run& run) {
    std::uint64_t paid = 0;
    for (const chain::Block& block : chain_.blocks)
        for (const chain::Payment& payment : block.payments) {
            if (std::ranges::find(payment.inputs, run.terms.outpoint) == payment.inputs.end())
                continue;
            const bool closed = payment.form == chain::PaymentForm::kClose;
            closed ? ++totals_->closes : ++totals_->refunds;
            if (!closed) continue;
            const std::uint64_t rest = payment.outputs.size() > 1 ? payment.outputs[1].amount : 0;
            paid = run.terms.capacity - rest;
        }
    // What is worth no more than the fee of a close is lost to the fee, and fees are apart.
    if (paid == 0 && run.best <= chain::payment_bytes(1, 2) + 64) paid = run.best;
    const auto tokens = [&](std::uint64_t more, std::uint64_t less) {
        return more > less ? static_cast<double>(more - less) / static_cast<double>(run.price) : 0;
    };
    const double payer = tokens(paid, run.delivered), payee = tokens(run.delivered, paid);
    const std::string story = "price " + std::to_string(run.price) + ", given " +
                              std::to_string(run.delivered) + ", paid " + std::to_string(paid) +
                              ", best voucher " + std::to_string(run.best) +
                              (pair.payer.hostile ? ", hostile payer" : "") +
                              (pair.payee.hostile ? ", hostile payee" : "");
    if (run.deep) {
        totals_->deep_lost = std::max({totals_->deep_lost, payer, payee});
        return;
    }
    if (!pair.payer.hostile) totals_->payer_lost = std::max(totals_->payer_lost, payer);
    if (!pair.payee.hostile) totals_->payee_lost = std::max(totals_->payee_lost, payee);
    if (std::max(payer, payee) > static_cast<double>(channel::kTokensAtRisk))
        fail("somebody lost more than the price of 16 tokens: " + story);
}

/// Of channels that have ended so deep that they stay so.
void ChannelGame::settle_accounts() {
    for (const auto& pair : pairs_) {
        for (const Run& run : pair->past) settle_account(*pair, run);
        pair->past.clear();
    }
}

void ChannelGame::play(std::uint64_t sessions, ChannelTotals& totals) {
    totals_ = &totals;
    const std::uint64_t until = totals.sessions + sessions;
    while (totals.failure.empty()) {
        const bool more = totals.sessions < until;
        bool running = false;
        for (const auto& held : pairs_) {
            Pair& pair = *held;
            if (!pair.run) {
                if (more) open(pair);
                continue;
            }
            running = true;
            try_thefts(pair);
            if (more && chance(60)) serve(pair);
            end_in_time(pair);
            if (chain_.next_height() <= pair.run->terms.expiry + 6 || coin_of(*pair.run)) continue;
            const auto mine = pair.payee.store.find(Role::kPayee, pair.run->terms.outpoint);
            if (mine.ok()) pair.run->best = mine->paid;
            (void)pair.payer.store.forget(Role::kPayer, pair.run->terms.outpoint);
            (void)pair.payee.store.forget(Role::kPayee, pair.run->terms.outpoint);
            pair.from.reset();
            pair.to.reset();
            pair.past.push_back(*std::exchange(pair.run, std::nullopt));
        }
        mine();
        if (chance(5)) reorganise();
        settle_accounts();
        if (!more && !running) return;
    }
}

}  // namespace cairn::sim
