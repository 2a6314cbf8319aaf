// Ends this node's payment channels in time, so that nobody has to watch them: what a payee has
// vouchers for is closed before it expires, and what a payer has left is taken back afterwards. It
// looks at the records on disk after every block, so channels that the command line opened or took
// vouchers for meanwhile are among them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/disk.h"
#include "channel/record_store.h"
#include "channel/settle.h"
#include "node/relay.h"

namespace cairn::node {

class ChannelKeeper {
  public:
    /// The secret of a channel's key, if it is ours. Called on the loop.
    using SecretOf = std::function<std::optional<crypto::SecretKey>(const crypto::PublicKey&)>;

    /// Without a disk it does nothing. Everything passed in must outlive it, except the loop.
    ChannelKeeper(Loop& loop, Random& random, ActiveChain& chain, const Mempool& mempool,
                  Relay& relay, Disk* disk, channel::Policy policy, SecretOf secret_of);

    /// Call after every change of the tip.
    void on_tip();

  private:
    /// A record, and whether its channel is on the chain, unspent.
    struct Seen {
        channel::Record record;
        bool is_open = false;
    };
    using Name = std::pair<channel::Role, chain::OutPoint>;

    void look_up(std::vector<channel::Record> records);
    void act(const std::vector<Seen>& all);
    /// Whether a payment is made for it.
    bool settle(const channel::Record& record, channel::Due due);
    /// Says once why nothing is done.
    void leave(const Name& name, const Error& why);
    void close(const channel::Record& record, const crypto::SecretKey& secret, std::uint64_t fee);
    void send(const channel::Record& record, const Result<chain::Payment>& payment,
              std::uint64_t fee);
    /// Once a channel that was seen open has been gone for long enough that no reorganisation
    /// brings it back; of one that was not seen, so long after its expiry.
    void forget_gone(const Seen& seen);

    Loop& loop_;
    Random& random_;
    ActiveChain& chain_;
    const Mempool& mempool_;
    Relay& relay_;
    std::optional<channel::RecordStore> store_;
    channel::Policy policy_;
    SecretOf secret_of_;
    bool looking_ = false, again_ = false;
    std::map<Name, std::uint32_t> gone_;        // since which height
    std::set<Name> were_open_;                  // at some tip since this node runs
    std::map<Name, std::uint64_t> tried_rate_;  // of the payment that waits in the pool
    std::set<Name> warned_;
    Alive alive_;
};

}  // namespace cairn::node
