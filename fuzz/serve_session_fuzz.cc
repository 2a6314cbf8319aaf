// Drives a layer server by what three clients on their links may send, in any order and with any
// numbers: sessions opened, pushed to, paid or not, closed, asked about, while computing hangs,
// links break, channels leave the chain and time passes; with layers of a language model, of a
// decoder that attends to a source, or of an encoder. It must stay within its bounds, never compute
// more than 16 rows beyond what it was paid, and serve an honest client afterwards.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "chain/test_objects.h"
#include "model/test_encoder_decoder.h"
#include "serve/test_channels.h"

namespace {

using namespace cairn;
using namespace cairn::serve;

constexpr std::size_t kClients = 3;
constexpr std::uint64_t kPrice = 20'000;  // of 1,000 rows through one layer
constexpr std::uint64_t kCapacity = 50'000;
const Hash256 kGenesis = chain::filled<32>(7);

struct Input {
    const std::uint8_t* at;
    const std::uint8_t* end;
    std::uint8_t next() { return at == end ? 0 : *at++; }
};

/// Whose layers the server has.
enum class Whose : std::uint8_t { kWriter, kDecoder, kEncoder };

std::shared_ptr<const model::Model> model_of(Whose whose) {
    if (whose == Whose::kWriter) return small_model();
    const model::TestEncoderDecoder halves(model::encoder_decoder_families().back(),
                                           tensor::WeightType::kF32);
    return std::make_shared<const model::Model>(whose == Whose::kDecoder ? halves.decoder
                                                                         : halves.encoder);
}

struct Fuzzed {
    const Whose whose;
    TestWorld world{model_of(whose)};
    const bool has_source = whose != Whose::kWriter;
    const model::LayerRange held{1, std::min(4U, world.snapshot.config.layers)};
    LayerServerOptions options;
    FakeServer* server = nullptr;
    std::vector<std::unique_ptr<RawPeer>> clients;
    // Of a server with a price.
    FakeChannels chain{world.loop};
    MemoryDisk disk;
    std::optional<Till> till;
    const chain::OutPoint channel{chain::filled<32>(8), 0};
    std::uint64_t paid = 0;  // what the best voucher that was sent is over

    Fuzzed(bool for_coins, Whose layers_of) : whose(layers_of) {
        options.max_sessions = 6;
        options.max_session_bytes = 512 * 1024;
        if (for_coins) open_till();
        server = &world.add_server("a", held, options);
        for (std::size_t i = 0; i < kClients; ++i) {
            const std::string name = "client " + std::to_string(i);
            clients.push_back(std::make_unique<RawPeer>(world, name, i == 0 ? "one" : "two"));
            clients.back()->network.connect("a");
        }
        world.loop.run_for(10);
    }

    void open_till() {
        const crypto::SecretKey secret = chain::test_secret(2);
        world.servers.emplace("a", FakeServer{secret, nullptr, nullptr});
        chain.channels[channel] = {{.amount = kCapacity,
                                    .kind = chain::OutputKind::kChannel,
                                    .key = chain::test_key(1),
                                    .payee = crypto::public_key(secret),
                                    .expiry = 500},
                                   10};
        till.emplace(world.loop, chain, disk,
                     TillOptions{kGenesis, crypto::public_key(secret), kPrice});
        options.till = &*till;
    }

    OpenSession open_for_coins(SessionTerms terms, model::LayerRange layers, std::uint8_t signer) {
        OpenSession message{terms, layers, SessionPayment{channel, row_price(kPrice, layers), {}}};
        message.payment->signature =
            crypto::sign(chain::test_secret(signer),
                         payment_message(terms, layers, crypto::public_key(server->secret),
                                         kGenesis, *message.payment),
                         world.random);
        return message;
    }

    VoucherGiven voucher(const Hash256& session, std::uint64_t more) {
        const std::uint64_t amount = std::min(paid + more, kCapacity);
        paid = std::max(paid, amount);
        return {session, amount,
                crypto::sign(chain::test_secret(1), chain::voucher_hash(kGenesis, channel, amount),
                             world.random)};
    }

    SessionTerms terms(Input& input) const {
        SessionTerms made;
        made.session.bytes[0] = input.next() % 4;
        made.model = world.snapshot.hash;
        made.max_positions = input.next();
        made.kv = static_cast<tensor::KvType>(input.next() % 3);
        made.wire = static_cast<tensor::StateType>(input.next() % 3);
        if (has_source) made.source_rows = input.next() % 112;
        if (whose == Whose::kEncoder && input.next() % 8 != 0)
            made.max_positions = made.source_rows;
        return made;
    }

    void step(Input& input) {
        RawPeer& client = *clients[input.next() % kClients];
        switch (input.next() % 10) {
            case 0: {
                const SessionTerms made = terms(input);
                const std::uint32_t begin = input.next() % 5;
                const std::uint32_t end = begin + 1 + input.next() % 3;
                if (till && input.next() % 8 != 0)
                    return client.send(
                        MessageKind::kOpenSession,
                        encode(open_for_coins(made, {begin, end}, 1 + input.next() % 8 / 7)));
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
                Push message = client.push(position, world.some_states(rows, input.next()));
                if (has_source) message.quiet = input.next() % 4 != 0;
                return client.send(MessageKind::kPush, encode(message));
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
            case 7:
                client.terms.session = {};
                client.terms.session.bytes[0] = input.next() % 4;
                return client.send(
                    MessageKind::kVoucher,
                    encode(voucher(client.terms.session, std::uint64_t{16} * input.next())));
            case 8:
                if (!till) return;
                chain.tip += input.next() / 8;
                return till->on_tip([this](const chain::OutPoint& lost, const std::string& why) {
                    server->server->end_unpaid(lost, why);
                });
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

constexpr std::uint32_t kTextRows = 5;

/// A session with a source of so many rows, or none, and three rows of a text, or of the source.
void serve_honestly(Fuzzed& fuzzed, std::uint32_t source_rows) {
    TestWorld& world = fuzzed.world;
    ClientSessions& sessions = world.client->sessions();
    std::optional<std::variant<Hash256, Failure>> opened;
    sessions.open({.model = world.snapshot.hash,
                   .dim = world.snapshot.config.dim,
                   .max_positions = kTextRows,
                   .hop = {fuzzed.held, crypto::public_key(fuzzed.server->secret), "a"},
                   .source_rows = source_rows,
                   .ended = [](const Failure&) { CHECK(false); }},
                  [&](const auto& answer) { opened = answer; });
    CHECK(world.loop.run_until([&] { return opened.has_value(); }));
    CHECK(std::holds_alternative<Hash256>(*opened));
    const Hash256 session = std::get<Hash256>(*opened);
    if (source_rows > 0)
        CHECK(
            sessions.push(session, 0, world.some_states(source_rows, 1), true, [](States) {}).ok());
    bool answered = false;
    CHECK(sessions
              .push(session, source_rows, world.some_states(3, 1), false,
                    [&](States) { answered = true; })
              .ok());
    CHECK(world.loop.run_until([&] { return answered; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::uint8_t last = size > 0 ? data[size - 1] : 0;
    Fuzzed fuzzed(last % 2 == 1, static_cast<Whose>(last / 2 % 3));
    Input input{data, data + std::min<std::size_t>(size, 600)};
    while (input.at != input.end) {
        fuzzed.step(input);
        for (auto& client : fuzzed.clients) client->got.clear(), client->errors.clear();
        CHECK(fuzzed.server->server->open_sessions() <= fuzzed.options.max_sessions);
        CHECK(fuzzed.server->server->session_bytes() <= fuzzed.options.max_session_bytes);
        if (fuzzed.till) {
            // A row goes through one layer at least, and is owed at three layers' price at most.
            const std::uint64_t rows = fuzzed.server->server->tokens_computed();
            CHECK(rows * row_price(kPrice, {0, 1}) <=
                  fuzzed.till->earned() + 16 * row_price(kPrice, {0, 3}));
            CHECK(fuzzed.till->earned() <= fuzzed.paid);
        }
    }
    fuzzed.world.loop.hold_work(false);
    fuzzed.world.loop.run_for(20'000);
    if (fuzzed.till) return 0;
    serve_honestly(fuzzed, fuzzed.has_source ? kTextRows : 0);
    return 0;
}
