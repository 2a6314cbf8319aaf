// Gets the files that a network definition names from peers, before the node itself can start: a
// newcomer with nothing but network.json has no judge text to check blocks with. It speaks just
// enough of the protocol: hello, then pieces of one file at a time from one peer at a time. A file
// comes whole from one source, so that the source is to blame if it is not the file; then, as if it
// is slow or answers for something else, the sources that failed less often are asked before it.
// Peers that we dialled are asked before those who dialled us, who may be strangers without number.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "net/peer_book.h"
#include "node/assets.h"
#include "node/messages.h"

namespace cairn::node {

class AssetFetcher final : public net::NetworkHandler {
  public:
    /// Fetches `missing` into `assets` from peers whose addresses are in `book`; `done` is called
    /// once all are there. Until then this object is the network's handler.
    AssetFetcher(const Clock& clock, Loop& loop, net::Network& network, net::PeerBook& book,
                 Assets& assets, const Hash256& genesis_id, std::vector<Hash256> missing,
                 std::function<void()> done);
    ~AssetFetcher() override;
    AssetFetcher(const AssetFetcher&) = delete;
    AssetFetcher& operator=(const AssetFetcher&) = delete;

    void start();
    const std::vector<Hash256>& missing() const { return missing_; }
    /// Peers that may be asked.
    std::size_t sources() const;
    void on_dial_failed(const std::string& address);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000; }
    void tick();
    void ask();
    net::PeerId best_source() const;
    Status on_chunk(ByteView body);
    void drop(net::PeerId peer);
    /// Notes that it failed, with all that came from it.
    void forget_source();

    const Clock& clock_;
    Loop& loop_;
    net::Network& network_;
    net::PeerBook& book_;
    Assets& assets_;
    Hash256 genesis_id_;
    std::vector<Hash256> missing_;
    std::function<void()> done_;
    struct LinkedPeer {
        std::string address;
        bool outbound = false;
        bool greeted = false;  // its hello came: it may have the file
    };
    std::map<net::PeerId, LinkedPeer> linked_;
    std::map<std::string, std::uint32_t> failures_;  // of sources, by address; at most kMaxBlamed
    net::PeerId source_ = 0;                         // whom part_ comes from; 0: nobody yet
    bool waiting_ = false;                           // a question to it is open
    std::uint64_t asked_ms_ = 0;
    Bytes part_;
    std::uint64_t total_ = 0;  // bytes of the file, as the source said with the first piece
    TimerId timer_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
