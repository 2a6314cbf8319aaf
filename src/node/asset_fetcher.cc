#include "node/asset_fetcher.h"

#include <algorithm>

#include "base/log.h"

namespace cairn::node {
namespace {

constexpr std::uint64_t kTickMs = 500;
constexpr std::uint64_t kTimeoutMs = 15'000;
constexpr std::size_t kMaxLinks = 8;     // that we dial
constexpr std::size_t kMaxBlamed = 256;  // beyond it all sources get another chance

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
    if (waiting_ && now_ms() > asked_ms_ + kTimeoutMs) {
        log_info("peer {} is too slow with asset {}", linked_.at(source_).address,
                 short_hex(missing_.front()));
        drop(source_);
    }
    std::size_t dialled = 0;
    for (const auto& [peer, link] : linked_) dialled += link.outbound;
    if (dialled < kMaxLinks) {
        for (const std::string& address : book_.due(now_ms(), kMaxLinks - dialled)) {
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
    linked_[peer] = {info.address, info.outbound};
    if (info.outbound) book_.on_connected(info.address, now_ms());
    Hello hello;
    hello.genesis_id = genesis_id_;
    send(network_, peer, MessageKind::kHello, encode(hello));
}

void AssetFetcher::on_peer_down(net::PeerId peer, const std::string&) {
    const auto found = linked_.find(peer);
    if (found == linked_.end()) return;
    book_.on_disconnected(found->second.address, now_ms());
    if (peer == source_) forget_source();
    linked_.erase(found);
    ask();
}

void AssetFetcher::forget_source() {
    if (failures_.size() >= kMaxBlamed) failures_.clear();
    ++failures_[linked_.at(source_).address];
    source_ = 0;
    waiting_ = false;
    total_ = 0;
    part_.clear();
}

void AssetFetcher::drop(net::PeerId peer) {
    if (peer == source_) forget_source();
    linked_.at(peer).greeted = false;
    network_.disconnect(peer);
}

void AssetFetcher::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    if (!linked_.contains(peer)) return;
    if (static_cast<MessageKind>(kind) == MessageKind::kHello) {
        const auto hello = decode_hello(body);
        if (!hello.ok() || hello->genesis_id != genesis_id_) return drop(peer);
        linked_.at(peer).greeted = true;
        return ask();
    }
    if (static_cast<MessageKind>(kind) != MessageKind::kAsset || peer != source_ || !waiting_)
        return;
    const Status taken = on_chunk(body);
    if (!taken.ok()) {
        log_info("peer {} does not help with asset {}: {}", linked_.at(peer).address,
                 short_hex(missing_.front()), taken.error().message);
        return drop(peer);
    }
    waiting_ = false;
    if (!missing_.empty()) return ask();
    // The node makes links of its own: it did not exist when these came up.
    network_.set_handler(nullptr);
    for (const auto& [peer_id, link] : linked_) network_.disconnect(peer_id);
    loop_.cancel(timer_);
    timer_ = 0;
    loop_.post(done_);
}

Status AssetFetcher::on_chunk(ByteView body) {
    ASSIGN_OR_RETURN(const AssetChunk chunk, decode_asset_chunk(body));
    if (chunk.hash != missing_.front() || chunk.offset != part_.size())
        return invalid("another piece than was asked for");
    if (chunk.total == 0 || chunk.bytes.empty()) return not_found("it does not have it");
    if (part_.empty()) total_ = chunk.total;
    if (chunk.total != total_) return invalid("it says another size than before");
    // A source that gives a few bytes at a time could make a newcomer wait for years.
    if (chunk.bytes.size() != std::min<std::uint64_t>(kAssetChunkBytes, total_ - chunk.offset))
        return invalid("a piece that is neither full nor the last");
    part_.insert(part_.end(), chunk.bytes.begin(), chunk.bytes.end());
    if (part_.size() < total_) return ok_status();
    RETURN_IF_ERROR(assets_.put(chunk.hash, part_));
    log_info("asset {} has come: {} bytes", short_hex(chunk.hash), chunk.total);
    part_.clear();
    missing_.erase(missing_.begin());
    return ok_status();
}

std::size_t AssetFetcher::sources() const {
    std::size_t count = 0;
    for (const auto& [peer, link] : linked_) count += link.greeted;
    return count;
}

net::PeerId AssetFetcher::best_source() const {
    net::PeerId best = 0;
    std::pair<bool, std::uint32_t> lowest;
    for (const auto& [peer, link] : linked_) {
        if (!link.greeted) continue;
        const auto found = failures_.find(link.address);
        const std::pair rank(!link.outbound, found == failures_.end() ? 0 : found->second);
        if (best != 0 && rank >= lowest) continue;
        best = peer;
        lowest = rank;
    }
    return best;
}

void AssetFetcher::ask() {
    if (waiting_ || missing_.empty()) return;
    if (source_ == 0) source_ = best_source();
    if (source_ == 0) return;
    const GetAsset want{missing_.front(), part_.size()};
    if (!send(network_, source_, MessageKind::kGetAsset, encode(want))) return;
    waiting_ = true;
    asked_ms_ = now_ms();
}

}  // namespace cairn::node
