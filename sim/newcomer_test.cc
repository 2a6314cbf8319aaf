// Proves that a newcomer gets the files that a network names although some of its sources give a
// byte at a time, another file, half of another file, or nothing at all.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "node/asset_fetcher.h"
#include "sim/sim_network.h"

namespace cairn::sim {
namespace {

using node::MessageKind;

/// Answers for one file in its own way.
class Source final : public net::NetworkHandler {
  public:
    enum class Way { kHonest, kBytewise, kOtherFile, kHalf, kSilent };

    Source(Scheduler& scheduler, Fabric& fabric, std::string address, Way way, Bytes file)
        : random_(7),
          loop_(scheduler, 7),
          network_(fabric, loop_, std::move(address),
                   crypto::public_key(crypto::SecretKey::generate(random_))),
          way_(way),
          file_(std::move(file)) {
        network_.set_handler(this);
    }

    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        node::send(network_, peer, MessageKind::kHello, encode(node::Hello{}));
    }
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (static_cast<MessageKind>(kind) != MessageKind::kGetAsset) return;
        ++asked;
        if (way_ == Way::kSilent) return;
        const node::GetAsset want = node::decode_get_asset(body).value();
        if (way_ == Way::kHalf && want.offset > 0) return network_.disconnect(peer);
        const std::size_t most = way_ == Way::kBytewise ? 1 : node::kAssetChunkBytes;
        const ByteView part = ByteView(file_).subspan(want.offset);
        node::AssetChunk chunk{want.hash, file_.size(), want.offset, {}};
        chunk.bytes.assign(part.begin(),
                           part.begin() + static_cast<std::ptrdiff_t>(std::min(most, part.size())));
        if (way_ == Way::kOtherFile || way_ == Way::kHalf) chunk.bytes[0] ^= 1;
        node::send(network_, peer, MessageKind::kAsset, encode(chunk));
    }

    int asked = 0;

  private:
    SeededRandom random_;
    SimLoop loop_;
    SimNetwork network_;
    Way way_;
    Bytes file_;
};

void fetch_beside(Source::Way way) {
    const std::string folder = testing::TempDir() + "/cairn_newcomer_test";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/assets");
    SeededRandom random(3);
    Bytes file(3 * node::kAssetChunkBytes / 2);
    random.fill(file);
    const Hash256 hash = node::tokenizer_hash(file);

    Scheduler scheduler;
    Fabric fabric(scheduler, 1, {});
    Source bad(scheduler, fabric, "10.0.0.1:1", way, file);
    SimLoop loop(scheduler, 2);
    SimNetwork network(fabric, loop, "10.0.0.9:1",
                       crypto::public_key(crypto::SecretKey::generate(random)));
    SimClock clock(scheduler, 0);
    net::PeerBook book(random);
    book.add("10.0.0.1:1", net::AddressSource::kUser);
    book.add("10.0.0.2:1", net::AddressSource::kUser);
    node::Assets assets(folder);
    bool done = false;
    node::AssetFetcher fetcher(clock, loop, network, book, assets, Hash256{}, {hash},
                               [&] { done = true; });
    network.set_dial_failed([&](const std::string& to) { fetcher.on_dial_failed(to); });
    fetcher.start();
    while (scheduler.now_ms() < 1'000) scheduler.step();
    EXPECT_GT(bad.asked, 0) << "it was the only source so far";
    Source honest(scheduler, fabric, "10.0.0.2:1", Source::Way::kHonest, file);
    while (!done && scheduler.now_ms() < 300'000) scheduler.step();
    EXPECT_TRUE(done);
    EXPECT_TRUE(assets.get(hash).ok());
    EXPECT_EQ(honest.asked, 2) << "all of the file came from one source";
    EXPECT_LE(bad.asked, 12);
    std::filesystem::remove_all(folder);
}

TEST(Newcomer, LeavesASourceThatGivesAByteAtATime) { fetch_beside(Source::Way::kBytewise); }
TEST(Newcomer, LeavesASourceThatGivesAnotherFile) { fetch_beside(Source::Way::kOtherFile); }
TEST(Newcomer, DoesNotBlameTheNextForAWrongHalf) { fetch_beside(Source::Way::kHalf); }
TEST(Newcomer, LeavesASourceThatGivesNothing) { fetch_beside(Source::Way::kSilent); }

}  // namespace
}  // namespace cairn::sim
