// LightClient: what somebody needs of a network to write with its model over other people's layers,
// from nothing but the address of one node (S53): the definition, headers with their work, and then
// the tokenizer and the tensors that a client computes with, each leaf proved against a header's
// state root, and the layer servers that nodes know. It follows no chain, passes nothing on, and
// believes nobody: of the nodes that answer the chain with most work counts, and a node that gives
// anything false is left and named. What it cannot know is whether a chain with more work exists
// that none of these nodes tells of.
//
// Everything happens on the Loop. It is the handler of a network that dials peers of any genesis id
// (net::TlsOptions::any_genesis).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "fetch/leaf_fetcher.h"
#include "node/light_headers.h"
#include "node/messages.h"
#include "node/presync.h"

namespace cairn::node {

struct LightOptions {
    std::vector<std::string> nodes;  ///< "host:port" where they listen for peers
    std::optional<Hash256> genesis;  ///< of the network that it has to be
    std::string folder;              ///< what is fetched is kept there, by network
    std::uint64_t max_bytes = std::uint64_t{2} << 30;  ///< of weights
    std::uint64_t patience_ms = 30'000;  ///< without anything new, before it is given up
    std::uint64_t compare_ms = 2'000;    ///< for further nodes to tell more headers
    std::size_t max_headers = LightHeaders::kMaxHeaders;
    std::size_t max_nodes = 4;  ///< with those that the first ones name
    std::uint64_t salt = 0;     ///< by chance: what nodes send twice is compared by it
    std::function<void(const std::string& what, std::uint64_t done, std::uint64_t total)>
        progress{};
    std::function<void(const std::string&)> note{};  ///< sentences: who is left out, and why
    /// Ends it, instead of the signals that end a program; for programs that have their own way to
    /// end. Asked five times a second.
    std::function<bool()> should_stop{};
};

/// What was found, all of it checked but the servers, who speak for themselves.
struct LightChain {
    chain::NetworkDefinition network;
    Hash256 genesis_id;
    std::uint32_t height = 0;  ///< of the merge block whose model it is
    std::uint32_t tip_height = 0;
    std::uint64_t tip_time_ms = 0;
    std::size_t nodes = 0;  ///< whose headers were compared
    Bytes tokenizer;        ///< its file
    std::vector<std::string> servers;
    std::uint64_t bytes_fetched = 0;  ///< of weights, over links, this time
    std::uint64_t bytes_model = 0;    ///< of all its weights
};

class LightClient final : public net::NetworkHandler {
  public:
    using Found = std::function<void(Result<LightChain>)>;

    /// All must outlive it. `done` is called once, from the loop.
    LightClient(Loop& loop, net::Network& network, const Clock& clock, const LightOptions& options,
                Found done);
    ~LightClient() override;

    void start();
    void on_connect_failed(const std::string& address, const std::string& reason);
    /// The tensors, once it is done.
    const fetch::KeptWeights& weights() const { return *kept_; }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

    /// The tensors that a client computes with: all that are of no layer.
    static std::vector<std::size_t> tensors_of_clients(const model::ModelConfig& config);

  private:
    struct Node {
        std::string address;
        bool greeted = false;          // its hello came, and ours was sent
        bool headers_done = false;     // it has told all that it has
        bool is_compared = false;      // it did so once
        std::uint64_t headers_ms = 0;  // asked since; 0: no question is open
        std::uint64_t weights_ms = 0;
        bool told_servers = false;
        bool told_addresses = false;  // or was not asked
        bool is_source = false;
        bool is_stale = false;  // its answer to a question before forget_headers() is on its way
        std::unique_ptr<Presync> counted{};  // while it tells a branch of less work than the best
    };
    /// Headers that an address told first.
    struct Told {
        std::size_t added = 0;
        const BlockNode* last = nullptr;
    };

    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000 + 1; }  // 0: never
    void tick();
    void dial();
    /// Does whatever is next.
    void advance();
    Status handle(net::PeerId peer, Node& node, std::uint16_t kind, ByteView body);
    Status on_hello(net::PeerId peer, Node& node, ByteView body);
    Status on_asset(net::PeerId peer, ByteView body);
    Status on_headers(net::PeerId peer, Node& node, ByteView body);
    Status on_counted(net::PeerId peer, Node& node, std::span<const chain::BlockHeader> headers);
    Result<LightHeaders::Taken> take_headers(Node& node,
                                             std::span<const chain::BlockHeader> headers,
                                             LightHeaders::Counted counted);
    /// It has told all that it has.
    void headers_are_told(Node& node);
    Status on_weights(net::PeerId peer, Node& node, ByteView body);
    Status on_addresses(Node& node, ByteView body);
    Status on_servers(Node& node, ByteView body);
    Status on_leaves(net::PeerId peer, Node& node, std::uint16_t kind, ByteView body);
    /// The file that is wanted next: zeros if all are here.
    Hash256 wanted_file() const;
    void ask_file();
    void forget_file_of(net::PeerId peer);
    Status take_file(const Hash256& hash, Bytes bytes);
    Status take_definition(chain::NetworkDefinition definition);
    void take_first_root(const Hash256& model_root);
    void ask_headers(net::PeerId peer, Node& node);
    void ask_headers_behind(net::PeerId peer, Node& node, const BlockNode* from,
                            const Hash256& last);
    /// Somebody filled the room for headers: leaves out who did, which may be another than the
    /// `peer` for whom none was left, and begins again with the headers of earlier runs.
    void make_room(net::PeerId peer, const std::string& why);
    void forget_headers();
    bool are_headers_compared() const;
    /// Why these weights are not the network's settled model; kTimeout where more headers, or time,
    /// may tell.
    Status check_weights(const fetch::Manifest& manifest, const fetch::Anchor& anchor);
    Status begin_fetch(fetch::Manifest manifest, const BlockNode* anchor);
    /// Whether nobody gives this model (any more), or its block is not on the best chain.
    bool is_fetch_lost() const;
    void leave_out_idle_sources();
    void begin_again();
    /// Those that nodes named, of each in turn.
    std::vector<std::string> servers() const;
    void finish_when_heard();
    void leave_out(net::PeerId peer, const std::string& why);
    bool is_left_out(const std::string& address) const;
    void finish(Result<LightChain> result);
    std::string in_folder(const std::string& name) const;
    void note(const std::string& sentence) const {
        if (options_.note) options_.note(sentence);
    }

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    const LightOptions& options_;
    Found done_;
    std::map<std::string, std::uint64_t> dial_at_ms_;  // addresses that are not linked
    std::map<std::string, bool> known_;                // every address; true: left out for good
    std::map<net::PeerId, Node> nodes_;
    LightChain found_;
    bool has_definition_ = false, has_tokenizer_ = false;
    net::PeerId file_from_ = 0;  // whom a piece was asked of; 0: nobody
    std::uint64_t file_ms_ = 0;
    Bytes file_;
    std::size_t file_most_ = 0;    // of it that ever was here: only what goes further is new
    std::set<std::string> heard_;  // addresses from which a hello came
    bool hashing_ = false;         // the first model, which takes as long as it takes
    model::ModelConfig config_;
    Hash256 first_root_;
    std::unique_ptr<LightHeaders> headers_;  // null until the definition is here
    std::uint64_t first_headers_ms_ = 0;     // when the first node had told all; 0: none has
    std::uint64_t more_headers_ms_ = 0;      // when a node that has more last told some
    std::map<std::string, Told> told_;       // by address, also of nodes that are gone
    std::map<std::string, std::vector<std::string>> servers_of_;  // by the address that named them
    Hash256 anchor_;  // the block whose model is fetched
    std::optional<fetch::KeptWeights> kept_;
    std::unique_ptr<fetch::LeafFetcher> fetcher_;
    bool fetched_ = false;
    std::uint64_t fetched_ms_ = 0, leaves_ms_ = 0;
    bool was_linked_ = false;
    std::uint64_t new_ms_ = 0;  // since when nothing new has come
    std::uint64_t done_bytes_ = 0;
    std::size_t begun_ = 0;  // fetches of a model
    std::string last_trouble_;
    bool finished_ = false;
    Alive alive_;
};

}  // namespace cairn::node
