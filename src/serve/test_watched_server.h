// For this room's tests alone: a server over real TLS on loopback that keeps what came to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "net/tls_network.h"
#include "serve/layer_server.h"
#include "serve/test_world.h"

namespace cairn::serve {

/// On a thread of its own; honest unless its options say otherwise.
class WatchedServer final : public net::NetworkHandler {
  public:
    explicit WatchedServer(const ModelSnapshot& snapshot,
                           const std::optional<model::LayerRange>& layers = {},
                           const LayerServerOptions& options = {})
        : network_(net::TlsNetwork::start(loop_, random_, {.listen = "127.0.0.1:0", .key = secret_})
                       .value()),
          server_(loop_, *network_, clock_, random_, secret_,
                  *tensor::kernels_from_environment().value(), options) {
        server_.set_model(snapshot, layers ? *layers : model::all_layers(snapshot.config));
        network_->set_handler(this);
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~WatchedServer() override { end(); }

    /// Stops it, and gives what was pushed.
    std::vector<Push> end() {
        if (thread_.joinable()) {
            loop_.post([this] { loop_.stop(); });
            thread_.join();
            network_->set_handler(nullptr);
        }
        return pushes_;
    }
    /// What came over each link, and the sessions that were asked for; once it has ended.
    const std::map<net::PeerId, std::vector<MessageKind>>& kinds() const { return kinds_; }
    const std::vector<OpenSession>& opened() const { return opened_; }
    Announce offer(const ModelSnapshot& snapshot) const {
        Announce made;
        made.key = crypto::public_key(secret_);
        made.address = network_->listen_address();
        made.model = snapshot.hash;
        made.layers = model::all_layers(snapshot.config);
        return made;
    }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        server_.on_peer_up(peer, info);
    }
    void on_peer_down(net::PeerId peer, const std::string& reason) override {
        server_.on_peer_down(peer, reason);
    }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        kinds_[peer].push_back(static_cast<MessageKind>(kind));
        if (kind == static_cast<std::uint16_t>(MessageKind::kOpenSession))
            opened_.push_back(decode_open_session(body).value());
        if (kind == static_cast<std::uint16_t>(MessageKind::kPush))
            pushes_.push_back(decode_push(body).value());
        server_.on_message(peer, kind, std::move(body));
    }

  private:
    SystemRandom random_;
    SystemClock clock_;
    const crypto::SecretKey secret_ = crypto::SecretKey::generate(random_);
    net::AsioLoop loop_;
    std::unique_ptr<net::TlsNetwork> network_;
    LayerServer server_;
    std::thread thread_;
    std::vector<Push> pushes_;
    std::map<net::PeerId, std::vector<MessageKind>> kinds_;
    std::vector<OpenSession> opened_;
};

/// What an auditor of such servers has.
struct AuditorTest : ::testing::Test {
    ModelSnapshot snapshot = snapshot_of(small_model()).value();
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    SeededRandom random{11};
    SystemClock clock;
};

}  // namespace cairn::serve
