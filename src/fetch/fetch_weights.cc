#include "fetch/fetch_weights.h"

#include <utility>

#include <fmt/core.h>

#include "base/bytes_text.h"
#include "base/files.h"
#include "net/tls_network.h"

namespace cairn::fetch {

namespace {

constexpr std::uint64_t kTickMs = 100;
constexpr std::uint64_t kRedialMs = 2'000;
/// Left free on the disk for everything else.
constexpr std::uint64_t kSpareBytes = std::uint64_t{64} << 20;

}  // namespace

Status check_room(const std::string& folder, std::uint64_t bytes, std::uint64_t max_bytes) {
    if (bytes > max_bytes)
        return Error{ErrorCode::kFull, bytes_text(bytes) + " of weights are wanted, and at most " +
                                           bytes_text(max_bytes) + " may be fetched"};
    const auto space = disk_space(folder);
    if (space.ok() && space->free < bytes + kSpareBytes)
        return Error{ErrorCode::kFull, bytes_text(bytes) + " of weights are to be kept in " +
                                           folder + ", where " + bytes_text(space->free) +
                                           " are free"};
    return ok_status();
}

WeightsFetch::WeightsFetch(Loop& loop, net::Network& network, const Clock& clock,
                           const FetchOptions& options,
                           std::function<void(Result<KeptWeights>)> done)
    : loop_(loop),
      network_(network),
      clock_(clock),
      options_(options),
      done_(std::move(done)),
      new_ms_(clock.monotonic_us() / 1000) {
    for (const std::string& address : options.sources) dial_at_ms_[address] = 0;
}

void WeightsFetch::start() {
    network_.set_handler(this);
    // What an earlier run was told of the model needs no peer.
    if (auto kept = KeptWeights::find(options_.folder, options_.name); kept.ok())
        if (const Status taken = take_manifest(kept->manifest()); !taken.ok())
            return finish(taken.error());
    if (!finished_ && !(fetcher_ && fetcher_->is_done())) tick();
}

void WeightsFetch::finish(Result<KeptWeights> result) {
    if (std::exchange(finished_, true)) return;
    loop_.post(
        alive_.guard([this, result = std::move(result)]() mutable { done_(std::move(result)); }));
}

void WeightsFetch::tick() {
    if (finished_) return;
    if (options_.should_stop && options_.should_stop())
        return finish(Error{ErrorCode::kCancelled, "stopped; what has come is kept in " +
                                                       options_.folder + " for the next time"});
    loop_.call_after(kTickMs, alive_.guard([this] { tick(); }));
    for (auto& [address, due] : dial_at_ms_) {
        if (now_ms() < due) continue;
        due = now_ms() + kRedialMs + options_.patience_ms;  // until it fails, or is up
        network_.connect(address);
    }
    if (fetcher_) {
        const LeafFetcher::Progress progress = fetcher_->progress();
        if (progress.done != std::exchange(done_bytes_, progress.done)) new_ms_ = now_ms();
        if (options_.progress) options_.progress(progress);
    }
    const bool is_anybody_left = !peers_.empty() || !dial_at_ms_.empty();
    if (is_anybody_left && now_ms() < new_ms_ + options_.patience_ms) return;
    finish(Error{ErrorCode::kTimeout,
                 (fetcher_ ? "nobody gives more of model " : "nobody gives model ") +
                     short_hex(options_.name) + ": " + std::to_string(options_.sources.size()) +
                     " addresses were asked" +
                     (last_trouble_.empty() ? "" : ", the latest trouble: " + last_trouble_) +
                     "; what has come is kept in " + options_.folder});
}

void WeightsFetch::on_connect_failed(const std::string& address, const std::string& reason) {
    last_trouble_ = address + ": " + reason;
    const auto found = dial_at_ms_.find(address);
    if (found != dial_at_ms_.end()) found->second = now_ms() + kRedialMs;
}

void WeightsFetch::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    peers_[peer] = info.address;
    dial_at_ms_.erase(info.address);
    send(network_, peer, MessageKind::kAskWeights, encode_ask_weights(options_.name));
}

void WeightsFetch::on_peer_down(net::PeerId peer, const std::string& reason) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    last_trouble_ = found->second + ": " + reason;
    dial_at_ms_[found->second] = now_ms() + kRedialMs;
    if (fetcher_) fetcher_->remove_source(peer);
    peers_.erase(found);
}

// It is not dialled again.
void WeightsFetch::leave_out(net::PeerId peer, const std::string& why) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    last_trouble_ = found->second + ": " + why;
    note(found->second + " is not asked any more: " + why);
    peers_.erase(found);
    network_.disconnect(peer);
}

void WeightsFetch::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    if (finished_ || !peers_.contains(peer)) return;
    if (static_cast<MessageKind>(kind) == MessageKind::kWeights) return on_weights(peer, body);
    if (static_cast<MessageKind>(kind) == MessageKind::kNoWeights) {
        const auto lack = decode_no_weights(body);
        if (lack.ok() && lack->name == options_.name && !fetcher_)
            return leave_out(peer, "it does not have model " + short_hex(options_.name));
    }
    if (fetcher_) fetcher_->on_message(peer, kind, body);
}

void WeightsFetch::on_weights(net::PeerId peer, ByteView body) {
    const auto weights = decode_weights(body);
    if (!weights.ok()) return leave_out(peer, weights.error().message);
    auto manifest = decode_manifest(weights->manifest);
    if (!manifest.ok()) return leave_out(peer, manifest.error().message);
    if (manifest->name() != options_.name)
        return leave_out(peer, "what it says of the model does not have the model's name");
    if (!fetcher_) {
        const Status taken = take_manifest(*std::move(manifest));
        if (!taken.ok()) return finish(taken.error());
        new_ms_ = now_ms();  // from now on only leaves are new: this may be said for ever
    }
    if (fetcher_) fetcher_->add_source(peer);
}

Status WeightsFetch::take_manifest(Manifest manifest) {
    ASSIGN_OR_RETURN(const std::vector<std::size_t> wanted, options_.wanted(manifest));
    RETURN_IF_ERROR(make_folders(options_.folder));
    {
        ASSIGN_OR_RETURN(KeptWeights kept, KeptWeights::open(options_.folder, std::move(manifest)));
        kept_ = std::move(kept);
    }
    std::uint64_t bytes = 0;
    for (const std::size_t tensor : wanted) {
        CHECK(tensor < kept_->plan().tensors());
        const TensorLeaves& at = kept_->plan().tensor(tensor);
        const std::uint64_t have = kept_->kept(tensor);
        if (have < at.count) bytes += at.bytes - have * kLeafBytes;
    }
    RETURN_IF_ERROR(check_room(options_.folder, bytes, options_.max_bytes));
    fetcher_ = std::make_unique<LeafFetcher>(
        loop_, network_, clock_, *kept_, wanted, options_.fetcher,
        [this](const Status& status) {
            if (!status.ok()) return finish(status.error());
            if (options_.progress) options_.progress(fetcher_->progress());
            finish(*kept_);
        },
        [this](net::PeerId peer, const std::string& why) { leave_out(peer, why); });
    fetcher_->start();
    return ok_status();
}

Result<KeptWeights> fetch_weights(const FetchOptions& options) {
    ASSIGN_OR_RETURN(const auto lock, lock_folder(options.folder, options.note));
    SystemRandom random;
    const SystemClock clock;
    net::AsioLoop loop;
    WeightsFetch* fetch = nullptr;
    net::TlsOptions tls{
        .key = crypto::SecretKey::generate(random),
        .max_inbound = 0,
        .on_failed = [&fetch](const std::string& address, bool outbound, const Error& reason) {
            if (outbound && fetch) fetch->on_connect_failed(address, reason.message);
        }};
    ASSIGN_OR_RETURN(auto network, net::TlsNetwork::start(loop, random, std::move(tls)));
    std::optional<Result<KeptWeights>> result;
    WeightsFetch session(loop, *network, clock, options, [&](Result<KeptWeights> fetched) {
        result = std::move(fetched);
        loop.stop();
    });
    fetch = &session;
    loop.on_terminate([&] { loop.stop(); });
    loop.post([&] { session.start(); });
    loop.run();
    network->set_handler(nullptr);
    fetch = nullptr;
    if (!result)
        return Error{ErrorCode::kCancelled,
                     "stopped; what has come is kept in " + options.folder + " for the next time"};
    return *std::move(result);
}

}  // namespace cairn::fetch
