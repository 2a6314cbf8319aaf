#include "node/asset_fetcher.h"

#include "base/log.h"

namespace cairn::node {
namespace {

constexpr std::uint64_t kTickMs = 500;
constexpr std::uint64_t kTimeoutMs = 15'000;
constexpr std::size_t kMaxLinks = 8;

}  // namespace

AssetFetcher::AssetFetcher(const Clock& clock, Loop& loop, net::Network& network,
                           net::PeerBook& book, Assets& assets, const Hash256& genesis_id,
                           std::vector<Hash256> missing, std::function<void()> done)
    : clock_(clock),
      loop_(loop),
      network_(network),
      book_(book),
      assets_(assets),
      genesis_id_(genesis_id),
      missing_(std::move(missing)),
      done_(std::move(done)) {}

AssetFetcher::~AssetFetcher() = default;

void AssetFetcher::start() {
    network_.set_handler(this);
    tick();
}

void AssetFetcher::tick() {
    timer_ = loop_.call_after(kTickMs, alive_.guard([this] { tick(); }));
    if (asked_ != 0 && now_ms() > asked_ms_ + kTimeoutMs) give_up_on(asked_);
    if (linked_.size() < kMaxLinks) {
        for (const std::string& address : book_.due(now_ms(), kMaxLinks - linked_.size())) {
            book_.on_attempt(address, now_ms());
            network_.connect(address);
        }
    }
    ask();
}

void AssetFetcher::on_dial_failed(const std::string& address) {
    book_.on_failed(address, now_ms());
}

void AssetFetcher::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    linked_[peer] = info.address;
    if (info.outbound) book_.on_connected(info.address, now_ms());
    Hello hello;
    hello.genesis_id = genesis_id_;
    send(network_, peer, MessageKind::kHello, encode(hello));
}

void AssetFetcher::on_peer_down(net::PeerId peer, const std::string&) {
    book_.on_disconnected(linked_[peer], now_ms());
    linked_.erase(peer);
    ready_.erase(peer);
    if (asked_ == peer) asked_ = 0;
    ask();
}

void AssetFetcher::give_up_on(net::PeerId peer) {
    ready_.erase(peer);
    part_.clear();
    if (asked_ == peer) asked_ = 0;
    network_.disconnect(peer);
}

void AssetFetcher::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    if (static_cast<MessageKind>(kind) == MessageKind::kHello) {
        const auto hello = decode_hello(body);
        if (!hello.ok() || hello->genesis_id != genesis_id_) return give_up_on(peer);
        ready_[peer] = linked_[peer];
        return ask();
    }
    if (static_cast<MessageKind>(kind) != MessageKind::kAsset || peer != asked_) return;
    const Status taken = on_chunk(peer, body);
    if (!taken.ok()) {
        log_info("peer {} does not help with asset {}: {}", linked_[peer],
                 short_hex(missing_.front()), taken.error().message);
        return give_up_on(peer);
    }
    asked_ = 0;
    if (!missing_.empty()) return ask();
    // The node makes links of its own: it did not exist when these came up.
    network_.set_handler(nullptr);
    for (const auto& [link, address] : linked_) network_.disconnect(link);
    loop_.cancel(timer_);
    timer_ = 0;
    loop_.post(done_);
}

Status AssetFetcher::on_chunk(net::PeerId, ByteView body) {
    ASSIGN_OR_RETURN(const AssetChunk chunk, decode_asset_chunk(body));
    if (chunk.hash != missing_.front() || chunk.offset != part_.size())
        return invalid("another piece than was asked for");
    if (chunk.total == 0 || chunk.bytes.empty()) return not_found("it does not have it");
    part_.insert(part_.end(), chunk.bytes.begin(), chunk.bytes.end());
    if (part_.size() < chunk.total) return ok_status();
    const Status put = assets_.put(chunk.hash, part_);
    part_.clear();
    RETURN_IF_ERROR(put);
    log_info("asset {} has come: {} bytes", short_hex(chunk.hash), chunk.total);
    missing_.erase(missing_.begin());
    return ok_status();
}

void AssetFetcher::ask() {
    if (asked_ != 0 || missing_.empty() || ready_.empty()) return;
    const net::PeerId peer = ready_.begin()->first;
    const GetAsset want{missing_.front(), part_.size()};
    if (!send(network_, peer, MessageKind::kGetAsset, encode(want))) return;
    asked_ = peer;
    asked_ms_ = now_ms();
}

}  // namespace cairn::node
