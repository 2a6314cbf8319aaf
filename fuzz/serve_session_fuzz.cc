// Drives a layer server by what three clients on their links may send, in any order and with any
// numbers: sessions opened, pushed to, closed, asked about, while computing hangs, links break and
// time passes. It must stay within its bounds, and serve an honest client afterwards.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "serve/test_world.h"

namespace {

using namespace cairn;
using namespace cairn::serve;

constexpr std::size_t kClients = 3;

struct Input {
    const std::uint8_t* at;
    const std::uint8_t* end;
    std::uint8_t next() { return at == end ? 0 : *at++; }
};

struct Fuzzed {
    TestWorld world{small_model()};
    LayerServerOptions options;
    FakeServer* server = nullptr;
    std::vector<std::unique_ptr<RawPeer>> clients;

    Fuzzed() {
        options.max_sessions = 6;
        options.max_session_bytes = 512 * 1024;
        server = &world.add_server("a", {1, 4}, options);
        for (std::size_t i = 0; i < kClients; ++i) {
            const std::string name = "client " + std::to_string(i);
            clients.push_back(std::make_unique<RawPeer>(world, name, i == 0 ? "one" : "two"));
            clients.back()->network.connect("a");
        }
        world.loop.run_for(10);
    }

    SessionTerms terms(Input& input) const {
        SessionTerms made;
        made.session.bytes[0] = input.next() % 4;
        made.model = world.snapshot.hash;
        made.max_positions = input.next();
        made.kv = static_cast<tensor::KvType>(input.next() % 3);
        made.wire = static_cast<tensor::StateType>(input.next() % 3);
        return made;
    }

    void step(Input& input) {
        RawPeer& client = *clients[input.next() % kClients];
        switch (input.next() % 8) {
            case 0: {
                const SessionTerms made = terms(input);
                const std::uint32_t begin = input.next() % 5;
                const std::uint32_t end = begin + 1 + input.next() % 3;
                return client.send(MessageKind::kOpenSession,
                                   encode(OpenSession{made, {begin, end}}));
            }
            case 1:
            case 2: {
                client.terms.session = {};
                client.terms.wire = static_cast<tensor::StateType>(input.next() % 3);
                client.terms.session.bytes[0] = input.next() % 4;
                const std::uint32_t position = input.next();
                const std::size_t rows = 1 + input.next() % 70;
                return client.send(
                    MessageKind::kPush,
                    encode(client.push(position, world.some_states(rows, input.next()))));
            }
            case 3: {
                Hash256 session;
                session.bytes[0] = input.next() % 4;
                const bool close = input.next() % 2 == 0;
                return client.send(close ? MessageKind::kClose : MessageKind::kAskProgress,
                                   encode_session_id(session));
            }
            case 4:
                return world.loop.hold_work(input.next() % 2 == 0);
            case 5:
                return world.loop.run_for(std::uint64_t{100} * input.next());
            case 6:
                client.network.disconnect(client.peer);
                world.loop.run_for(10);
                client.network.connect("a");
                return world.loop.run_for(10);
            default: {
                const auto kind = static_cast<MessageKind>(0x5300 + input.next() % 16);
                Bytes body;
                for (std::size_t left = input.next() % 64; left > 0; --left)
                    body.push_back(input.next());
                return client.send(kind, body);
            }
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Fuzzed fuzzed;
    Input input{data, data + std::min<std::size_t>(size, 600)};
    while (input.at != input.end) {
        fuzzed.step(input);
        for (auto& client : fuzzed.clients) client->got.clear(), client->errors.clear();
        CHECK(fuzzed.server->server->open_sessions() <= fuzzed.options.max_sessions);
        CHECK(fuzzed.server->server->session_bytes() <= fuzzed.options.max_session_bytes);
    }
    fuzzed.world.loop.hold_work(false);
    fuzzed.world.loop.run_for(20'000);
    const auto opened =
        fuzzed.world.open({{{1, 4}, crypto::public_key(fuzzed.server->secret), "a"}}, 8);
    CHECK(std::holds_alternative<Hash256>(opened));
    const auto answer =
        fuzzed.world.push(std::get<Hash256>(opened), fuzzed.world.some_states(3, 1));
    CHECK(std::holds_alternative<States>(answer));
    return 0;
}
