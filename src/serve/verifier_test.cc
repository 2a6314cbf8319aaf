// Proves, over real TLS on loopback, that an audit of a decoder with cross attention looks to its
// server like a text that somebody writes: the source is a whole prompt's, the text begins as all
// texts of that decoder begin, and every other token comes alone.
#include "serve/verifier.h"

#include <gtest/gtest.h>

#include <thread>

#include "net/tls_network.h"
#include "serve/source_reader.h"
#include "serve/test_source.h"

namespace cairn::serve {
namespace {

/// An honest server on a thread of its own that keeps what is pushed.
class WatchedServer final : public net::NetworkHandler {
  public:
    explicit WatchedServer(const ModelSnapshot& snapshot)
        : network_(net::TlsNetwork::start(loop_, random_, {.listen = "127.0.0.1:0", .key = secret_})
                       .value()),
          server_(loop_, *network_, clock_, random_, secret_,
                  *tensor::kernels_from_environment().value(), {}) {
        server_.set_model(snapshot, model::all_layers(snapshot.config));
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
};

// Else a server that lies to texts which begin so is found by no audit.
TEST(VerifierOfPairs, WritesAsWhoeverWritesWithThisDecoder) {
    const model::TestPair pair{model::pair_families().back(), tensor::WeightType::kF32};
    ModelSnapshot snapshot =
        snapshot_of(std::make_shared<const model::Model>(pair.decoder)).value();
    const std::vector<std::uint32_t> begins{2, 5};
    snapshot.encoder =
        std::make_shared<const SourceReader>(SourceReader{pair.encoder, begins, {7}, {9}});
    ThreadPool pool(1);
    const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    model::Encoder encoder(pair.encoder.config, pair.encoder.weights, compute);
    const std::vector<std::uint32_t> prompt{7, 11, 3, 9};
    const States source = encoder.encode(prompt).value();
    model::Transformer ends(snapshot.config, snapshot.weights, {0, 0}, compute);
    States first(begins.size() * snapshot.config.dim);
    ends.embed(begins, 0, first);

    WatchedServer server(snapshot);
    SystemRandom random;
    const SystemClock clock;
    Verifier verifier(snapshot, compute, random, clock, {});
    const auto report =
        verifier.audit(server.offer(snapshot), std::span(prompt).subspan(1, prompt.size() - 2));
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    const std::vector<Push> pushes = server.end();
    ASSERT_GE(pushes.size(), 3U);
    EXPECT_EQ(pushes[0].states, source);
    EXPECT_EQ(pushes[1].states, first);
    for (std::size_t i = 2; i < pushes.size(); ++i) EXPECT_EQ(pushes[i].tokens, 1U);
}

}  // namespace
}  // namespace cairn::serve
