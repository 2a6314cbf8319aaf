// Fetches tensors of a model that is known by its name alone (S19) from peers that have it, and
// waits: who lacks the file gets the layers that he is to hold, and only those (S52).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "fetch/leaf_fetcher.h"

namespace cairn::fetch {

struct FetchOptions {
    std::string folder;  ///< what is fetched is kept there (kept_weights.h)
    Hash256 name;
    std::vector<std::string> sources;  ///< "host:port" of servers that may have it
    /// The tensors that are wanted, once the model's shape is known. An error ends it.
    std::function<Result<std::vector<std::size_t>>(const Manifest&)> wanted;
    /// More than this is not fetched; kFull says how much it would be. Nor more than there is room.
    std::uint64_t max_bytes = std::uint64_t{1} << 40;
    std::uint64_t patience_ms = 30'000;  ///< without anything new, before it is given up
    FetcherOptions fetcher{};
    std::function<void(const LeafFetcher::Progress&)> progress{};
    std::function<void(const std::string&)> note{};  ///< sentences for people: who is left out, why
    std::function<bool()> should_stop{};             ///< asked now and then; true ends it
};

/// One fetch on a network of its own, of which it is the handler.
class WeightsFetch final : public net::NetworkHandler {
  public:
    /// All must outlive it. `done` is called once, from the loop.
    WeightsFetch(Loop& loop, net::Network& network, const Clock& clock, const FetchOptions& options,
                 std::function<void(Result<KeptWeights>)> done);

    /// Dials the sources, or is done at once where all is on disk.
    void start();
    void on_connect_failed(const std::string& address, const std::string& reason);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    void tick();
    Status take_manifest(Manifest manifest);
    void on_weights(net::PeerId peer, ByteView body);
    void leave_out(net::PeerId peer, const std::string& why);
    void finish(Result<KeptWeights> result);
    void note(const std::string& sentence) const {
        if (options_.note) options_.note(sentence);
    }
    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000; }

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    const FetchOptions& options_;
    std::function<void(Result<KeptWeights>)> done_;
    std::map<net::PeerId, std::string> peers_;         // by address
    std::map<std::string, std::uint64_t> dial_at_ms_;  // of those that are not linked
    std::string last_trouble_;
    std::optional<KeptWeights> kept_;
    std::unique_ptr<LeafFetcher> fetcher_;
    std::uint64_t done_bytes_ = 0, new_ms_ = 0;
    bool finished_ = false;
    Alive alive_;
};

/// The same over real links, on the calling thread. kTimeout where nobody gives what is wanted.
Result<KeptWeights> fetch_weights(const FetchOptions& options);

/// kFull, in words, unless so many bytes are allowed and find room at `folder`.
Status check_room(const std::string& folder, std::uint64_t bytes, std::uint64_t max_bytes);

}  // namespace cairn::fetch
