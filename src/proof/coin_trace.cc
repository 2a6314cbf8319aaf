#include "proof/coin_trace.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/check.h"
#include "chain/voucher.h"
#include "proof/make.h"

namespace cairn::proof {

namespace {

/// Blocks kept decoded: inputs of one payment often come from the same few.
constexpr std::size_t kKeptBlocks = 4;

/// What made a coin.
struct Maker {
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    bool coinbase = false;
    crypto::PublicKey miner;
    chain::Payment payment;  ///< of a coinbase without inputs
    std::vector<chain::Output> outputs;
};

class Makers {
  public:
    Makers(const store::Store& store, std::uint64_t max_bytes)
        : store_(store), bytes_left_(max_bytes) {}

    Result<Maker> of(const Hash256& id) {
        ASSIGN_OR_RETURN(const Found found, find(id));
        Maker maker;
        maker.height = found.block->height;
        maker.time_ms = found.block->block.header.time_ms;
        maker.coinbase = found.payment == nullptr;
        maker.outputs = outputs(found);
        if (maker.coinbase)
            maker.miner = found.block->block.coinbase.miner;
        else
            maker.payment = *found.payment;
        return maker;
    }

    Result<chain::Output> output(const chain::OutPoint& coin) {
        ASSIGN_OR_RETURN(const Found found, find(coin.id));
        const std::vector<chain::Output>& made = outputs(found);
        if (coin.index < made.size()) return made[coin.index];
        return not_found("payment " + short_hex(coin.id) + " made " + std::to_string(made.size()) +
                         " coins, so there is none with number " + std::to_string(coin.index) +
                         " (they count from 0)");
    }

  private:
    /// A block, and where in it each payment is. Found out once: a payment has hundreds of inputs,
    /// and a block tens of thousands of payments, all of which would be hashed for each of them.
    struct Kept {
        std::uint64_t height = 0;
        chain::Block block;
        Hash256 coinbase;
        std::map<Hash256, std::size_t> payments;
    };
    struct Found {
        const Kept* block = nullptr;
        const chain::Payment* payment = nullptr;  // null: the coinbase
    };

    static const std::vector<chain::Output>& outputs(const Found& found) {
        return found.payment ? found.payment->outputs : found.block->block.coinbase.outputs;
    }

    Result<Found> find(const Hash256& id) {
        ASSIGN_OR_RETURN(const store::PaymentPlace place, store_.payment(id));
        ASSIGN_OR_RETURN(const Kept* kept, block_at_height(place.height));
        if (kept->coinbase == id) return Found{kept, nullptr};
        const auto found = kept->payments.find(id);
        if (found == kept->payments.end())
            return io_error("block " + std::to_string(place.height) +
                            " has no such payment: the chain moved meanwhile, or the index is "
                            "damaged; try again");
        return Found{kept, &kept->block.payments[found->second]};
    }

    Result<const Kept*> block_at_height(std::uint64_t height) {
        for (const Kept& kept : kept_)
            if (kept.height == height) return &kept;
        ASSIGN_OR_RETURN(chain::Block block, block_at(store_, height));
        const std::size_t bytes = chain::encode(block).size();
        if (bytes > bytes_left_)
            return refused("the coin's history lies in too many large blocks: ask for fewer steps");
        bytes_left_ -= bytes;
        if (kept_.size() == kKeptBlocks) kept_.pop_front();
        Kept& kept = kept_.emplace_back();
        kept.height = height;
        kept.block = std::move(block);
        kept.coinbase = chain::coinbase_id(kept.block.coinbase);
        for (std::size_t i = 0; i < kept.block.payments.size(); ++i)
            kept.payments.emplace(chain::payment_id(kept.block.payments[i]), i);
        return &kept;
    }

    const store::Store& store_;
    std::uint64_t bytes_left_;
    std::deque<Kept> kept_;
};

/// What is wrong with the signatures of a payment that spends these coins; empty: nothing.
std::string bad_signatures(const Hash256& genesis_id, const chain::Payment& payment,
                           const std::vector<chain::Output>& spent) {
    const Hash256 message = chain::signature_hash(genesis_id, payment, spent);
    if (payment.form == chain::PaymentForm::kClose) {
        const std::uint64_t rest = payment.outputs.size() > 1 ? payment.outputs[1].amount : 0;
        const std::uint64_t earned = spent[0].amount > rest ? spent[0].amount - rest : 0;
        const Hash256 voucher = chain::voucher_hash(genesis_id, payment.inputs[0], earned);
        if (!crypto::verify(spent[0].key, voucher, payment.signatures[0]))
            return "the voucher is not by the channel's payer";
        if (!crypto::verify(spent[0].payee, message, payment.signatures[1]))
            return "it is not signed by the channel's payee";
        return {};
    }
    for (std::size_t i = 0; i < spent.size(); ++i)
        if (!crypto::verify(spent[i].key, message, payment.signatures[i]))
            return "signature " + std::to_string(i) + " is not by the coin's owner";
    return {};
}

class Tracer {
  public:
    Tracer(const store::Store& store, const Hash256& genesis_id, std::size_t max_steps,
           std::uint64_t max_bytes)
        : makers_(store, max_bytes), genesis_id_(genesis_id), max_steps_(max_steps) {}

    Result<CoinTrace> run(const chain::OutPoint& coin) {
        trace_.coin = coin;
        ASSIGN_OR_RETURN(const Maker first, makers_.of(coin.id));
        ASSIGN_OR_RETURN(trace_.output, makers_.output(coin));
        trace_.oldest_height = first.height;
        (void)step_of(coin.id);
        for (std::size_t at = 0; at < trace_.steps.size(); ++at) RETURN_IF_ERROR(fill(at));
        add_minted();
        return std::move(trace_);
    }

  private:
    /// The step of a payment or coinbase, which is new where it has none yet and there is room.
    std::size_t step_of(const Hash256& id) {
        const auto known = places_.find(id);
        if (known != places_.end()) return known->second;
        if (trace_.steps.size() == max_steps_) return kNotFollowed;
        places_[id] = trace_.steps.size();
        trace_.steps.emplace_back().id = id;
        return trace_.steps.size() - 1;
    }

    Status fill(std::size_t at) {
        ASSIGN_OR_RETURN(const Maker maker, makers_.of(trace_.steps[at].id));
        TraceStep step;
        step.id = trace_.steps[at].id;
        step.height = maker.height;
        step.time_ms = maker.time_ms;
        step.coinbase = maker.coinbase;
        step.miner = maker.miner;
        trace_.oldest_height = std::min(trace_.oldest_height, maker.height);
        if (maker.coinbase) {
            ++trace_.coinbases;
            trace_.steps[at] = std::move(step);
            return ok_status();
        }
        step.closes = maker.payment.form == chain::PaymentForm::kClose;
        step.outputs = maker.outputs;
        std::vector<chain::Output> spent;
        for (const chain::OutPoint& input : maker.payment.inputs) {
            ASSIGN_OR_RETURN(const chain::Output output, makers_.output(input));
            spent.push_back(output);
            const std::size_t from = step_of(input.id);
            if (from == kNotFollowed) ++trace_.not_followed;
            step.inputs.push_back({input, output, from});
        }
        step.bad = bad_signatures(genesis_id_, maker.payment, spent);
        trace_.steps[at] = std::move(step);
        return ok_status();
    }

    /// A coinbase has thousands of outputs: the trace shows those that it came to.
    void add_minted() {
        std::map<chain::OutPoint, chain::Output> minted;
        if (trace_.steps[0].coinbase) minted[trace_.coin] = trace_.output;
        for (const TraceStep& step : trace_.steps)
            for (const TracedInput& input : step.inputs)
                if (input.from != kNotFollowed && trace_.steps[input.from].coinbase)
                    minted[input.coin] = input.output;
        for (const auto& [coin, output] : minted)
            trace_.steps[places_[coin.id]].outputs.push_back(output);
    }

    Makers makers_;
    Hash256 genesis_id_;
    std::size_t max_steps_;
    CoinTrace trace_;
    std::map<Hash256, std::size_t> places_;
};

}  // namespace

Result<CoinTrace> trace_coin(const store::Store& store, const Hash256& genesis_id,
                             const chain::OutPoint& coin, std::size_t max_steps,
                             std::uint64_t max_bytes) {
    CHECK(max_steps >= 1 && max_steps <= kMostTraced);
    return Tracer(store, genesis_id, max_steps, max_bytes).run(coin);
}

}  // namespace cairn::proof
