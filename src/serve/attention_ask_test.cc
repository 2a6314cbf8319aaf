// Proves, over real links, that who asks a server for proofs has them when it is honest, and that a
// hostile one costs him a bounded time and memory and puts no words into his mouth: answers of
// another size, answers that come one by one for ever, refusals of several lines. And that what no
// server can be asked is refused before anybody is.
#include "serve/attention_ask.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "net/tls_network.h"
#include "serve/attention_messages.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// Answers a question as it is told to, on a thread of its own.
class AnyServer final : public net::NetworkHandler {
  public:
    /// What becomes of the question's head `k`: the answer, or nothing; and after how long.
    struct Answers {
        std::function<std::optional<audit::HeadClaim>(std::size_t k)> claim;
        std::uint64_t each_ms = 0;
        std::string refusal{};
    };

    AnyServer(const crypto::SecretKey& secret, Answers answers)
        : network_(net::TlsNetwork::start(loop_, random_, {.listen = "127.0.0.1:0", .key = secret})
                       .value()),
          answers_(std::move(answers)) {
        network_->set_handler(this);
        address_ = network_->listen_address();
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~AnyServer() override {
        loop_.post([this] { loop_.stop(); });
        thread_.join();
        network_->set_handler(nullptr);
    }
    const std::string& address() const { return address_; }

    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId peer, std::uint16_t, Bytes body) override {
        const AttentionQuestion question = decode_attention_question(body).value();
        if (!answers_.refusal.empty()) {
            send(*network_, peer, kNoAttention,
                 encode(SessionProblem{question.terms.session, Refusal::kBusy, answers_.refusal}));
            return;
        }
        for (std::size_t k = 0; k < question.heads.size(); ++k)
            loop_.call_after(k * answers_.each_ms, [this, peer, k, question] {
                auto claim = answers_.claim(k);
                if (!claim) return;
                claim->place = question.heads[k];
                send(*network_, peer, kAttention,
                     encode(AttentionAnswer{question.terms.session, *claim}));
            });
    }

  private:
    net::AsioLoop loop_;
    SystemRandom random_;
    std::unique_ptr<net::TlsNetwork> network_;
    Answers answers_;
    std::string address_;
    std::thread thread_;
};

struct AttentionAskTest : ::testing::Test {
    SystemRandom random;
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    model::ModelConfig config = small_model()->config;
    std::vector<audit::HeadPlace> heads = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}};
    Exhibit session{
        .terms = {.session = random.hash256(), .model = {}, .kv = tensor::KvType::kDigits},
        .server = crypto::public_key(secret),
        .receipt = {{0, 5}, {}, {}, {}},
        .inputs = {std::vector<float>(9 * config.dim, 0.5F)}};

    audit::HeadClaim claim(std::size_t rows = 9, std::size_t proof = 100) const {
        return {{},
                std::vector<std::int64_t>(rows),
                std::vector<std::int64_t>(rows * config.head_dim()),
                Bytes(proof, 7)};
    }
    Result<AttentionProof> ask(AnyServer::Answers answers,
                               std::uint64_t max_wait_ms = 60'000) const {
        const AnyServer server(secret, std::move(answers));
        return ask_attention(server.address(), session, config, heads,
                             {.max_wait_ms = max_wait_ms});
    }
};

TEST_F(AttentionAskTest, HasWhatWasAsked) {
    const auto proof = ask({.claim = [&](std::size_t) { return claim(); }});
    ASSERT_TRUE(proof.ok()) << proof.error().message;
    ASSERT_EQ(proof->claims.size(), heads.size());
    for (std::size_t i = 0; i < heads.size(); ++i) EXPECT_EQ(proof->claims[i].place, heads[i]);
}

TEST_F(AttentionAskTest, KeepsNothingOfAnotherSize) {
    const auto answered = [&](const audit::HeadClaim& other) {
        const auto proof = ask({.claim = [&](std::size_t) { return other; }});
        return proof.ok() ? "taken" : proof.error().message;
    };
    const std::string words = "the server's answer is of another size than the session";
    EXPECT_EQ(answered(claim(10)), words);
    EXPECT_EQ(answered(claim(9, 200'000)), words);
    audit::HeadClaim wide = claim();
    wide.sums.resize(9 * 1024);
    EXPECT_EQ(answered(wide), words);
}

TEST_F(AttentionAskTest, WhoAnswersNowAndThenIsNotWaitedForForEver) {
    const auto each = [&](std::size_t) { return claim(); };
    const auto late = ask({.claim = each, .each_ms = 1500}, 2000);
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
    // All of them in the time that there is.
    const auto proof = ask({.claim = each, .each_ms = 20}, 10'000);
    EXPECT_TRUE(proof.ok()) << proof.error().message;
}

TEST_F(AttentionAskTest, WordsOfAServerAreOneLine) {
    const auto proof =
        ask({.claim = {}, .refusal = "later\n    attention accepted: 6 of 6 heads\x1b[1A"});
    ASSERT_FALSE(proof.ok());
    EXPECT_EQ(proof.error().code, ErrorCode::kRefused);
    EXPECT_EQ(proof.error().message.find_first_of("\n\x1b"), std::string::npos)
        << proof.error().message;
}

TEST_F(AttentionAskTest, WhatNobodyCanBeAskedIsRefusedHere) {
    const auto error = [&] {
        return ask_attention("127.0.0.1:1", session, config, heads, {}).error();
    };
    config.dim = 4;
    config.explicit_head_dim = 2;
    session.inputs = {std::vector<float>(4097 * 4, 0.5F)};
    EXPECT_EQ(error().code, ErrorCode::kUnsupported) << error().message;
    session.inputs = {std::vector<float>(9 * 4 + 1, 0.5F)};
    EXPECT_EQ(error().code, ErrorCode::kInvalid) << error().message;
    session.inputs = {};
    EXPECT_EQ(error().code, ErrorCode::kUnsupported);
    session.inputs = {std::vector<float>(4096 * 4, 0.5F)};
    heads.clear();
    EXPECT_EQ(error().code, ErrorCode::kUnsupported);
    heads = {{0, 0}};
    config.explicit_head_dim = 1024;
    EXPECT_EQ(error().message, "what is claimed of a head of 4096 rows fits into no message");
}

}  // namespace
}  // namespace cairn::serve
