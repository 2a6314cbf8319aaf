// Proves that a node asked over HTTP says what it says when it is asked directly.
#include "api/remote_node.h"

#include <array>

#include "api/json_views.h"
#include "api/test_api.h"
#include "chain/test_objects.h"
#include "http/http_server.h"

namespace cairn::api {
namespace {

class RemoteNodeTest : public ApiFixture {
  protected:
    RemoteNode remote() { return *RemoteNode::of_directory(folder_, 5'000); }
};

TEST_F(RemoteNodeTest, AnswersAsTheNodeDoes) {
    const auto status = remote().status();
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(status_json(*status), status_json(node_.status()));

    const std::array keys = {fake_hash("k"), fake_hash("l")};
    const auto coins = remote().coins_of(keys);
    ASSERT_TRUE(coins.ok()) << coins.error().message;
    node_.coins_of({keys.begin(), keys.end()},
                   [&](const auto& direct) { EXPECT_EQ(coins_json(*coins), coins_json(*direct)); });
    EXPECT_TRUE(remote().coins_of({}).value().empty());

    on_loop([this] {
        node_.served_by.resize(1'024);
        for (node::ServerView& server : node_.served_by) {
            server.record.layers = {3, 9};
            server.record.address = std::string(serve::kMaxAddressBytes, '1');
        }
    });
    const auto servers = remote().servers();
    ASSERT_TRUE(servers.ok()) << servers.error().message;
    EXPECT_EQ(servers_json(*servers), servers_json(node_.servers())) << "as many as there may be";

    const auto merges = remote().merges(41, 3);
    ASSERT_TRUE(merges.ok()) << merges.error().message;
    node_.merges(
        41, 3, [&](const auto& direct) { EXPECT_EQ(blocks_json(*merges), blocks_json(*direct)); });
}

TEST_F(RemoteNodeTest, ProvesAndTraces) {
    proof::Question question;
    question.id = fake_hash("payment");
    question.kind = proof::Kind::kPayment;
    question.first_height = 7;
    EXPECT_EQ(remote().prove(question).value(), (Bytes{1, 2, 3}));
    on_loop([&, this] {
        EXPECT_EQ(node_.asked_to_prove.id, question.id);
        EXPECT_EQ(node_.asked_to_prove.kind, question.kind);
        EXPECT_EQ(node_.asked_to_prove.first_height, 7u);
        EXPECT_LE(node_.asked_to_prove.searched_blocks, 100u) << "a stranger's question is bounded";
    });
    proof::Question block;
    block.height = 12;
    EXPECT_TRUE(remote().prove(block).ok());
    on_loop([this] { EXPECT_EQ(node_.asked_to_prove.height, 12u); });
    question.id = Hash256{};
    EXPECT_EQ(remote().prove(question).error().code, ErrorCode::kNotFound);

    const chain::OutPoint coin{fake_hash("payment"), 1};
    const auto trace = remote().trace_coin(coin, 10);
    ASSERT_TRUE(trace.ok()) << trace.error().message;
    node_.trace_coin(coin, 10, 0,
                     [&](const auto& direct) { EXPECT_EQ(*trace, trace_json(*direct)); });
    EXPECT_NE(trace->find("1 payment back to 1 coinbase"), std::string::npos) << *trace;
    EXPECT_NE(remote().trace_coin(coin, 1).value().find("Cut:"), std::string::npos);
}

TEST_F(RemoteNodeTest, DoesAsTheNodeDoes) {
    EXPECT_EQ(remote().submit_payment(Bytes{1, 2}).value(), crypto::sha256(Bytes{1, 2}));
    EXPECT_EQ(node_.submitted, (Bytes{1, 2}));
    const chain::Payment payment = chain::sample_payment();
    on_loop([&, this] { node_.waiting = chain::encode(payment); });
    const auto pooled = remote().pooled_payment(chain::payment_id(payment));
    ASSERT_TRUE(pooled.ok()) << pooled.error().message;
    EXPECT_EQ(pooled->payment, node_.waiting);
    EXPECT_EQ(pooled->fee, 250u);
    EXPECT_EQ(remote().pooled_payment(fake_hash("none")).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(remote().submit_payment({}).error().message, "an empty payment");

    const auto text = remote().generate("And \xff ", 7, 1);
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_TRUE(text->starts_with("And \xEF\xBF\xBD ")) << "what is no UTF-8 is replaced";
    EXPECT_NE(text->find("7 \xEF\xBF\xBD in number"), std::string::npos);
    EXPECT_EQ(remote().generate("nothing", 7, 1).error().code, ErrorCode::kUnsupported);

    const std::string path = folder_ + "/model";
    EXPECT_EQ(remote().export_model(path, false).value(), fake_hash("state"));
    EXPECT_EQ(node_.exported_to, path);
    EXPECT_EQ(remote().export_model(folder_, false).error().code, ErrorCode::kInvalid);
}

// `cairn wallet bump` signs what the answer pays: who stands at a killed node's port would be paid.
TEST_F(RemoteNodeTest, AnotherPaymentThanWasAskedForIsNotTaken) {
    const Hash256 asked = chain::payment_id(chain::sample_payment());
    chain::Payment another = chain::sample_payment();
    another.outputs[0].key = fake_hash("thief");
    for (const Bytes& answer : {chain::encode(another), Bytes{1, 2}, Bytes()}) {
        on_loop([&, this] { node_.waiting = answer; });
        const auto pooled = remote().pooled_payment(asked);
        ASSERT_FALSE(pooled.ok());
        EXPECT_EQ(pooled.error().code, ErrorCode::kIo) << pooled.error().message;
    }
}

// Printing or copying it takes a call for each level, and `cairn coin trace --node` did both.
TEST_F(RemoteNodeTest, AnAnswerThatNestsByTheMillionIsNoNodes) {
    constexpr std::size_t kLevels = 1'000'000;
    http::HttpServerOptions options;
    options.refusal = [](unsigned status, const std::string&, const http::Request&) {
        return http::Response{status};
    };
    options.handler = [](const http::Request&, const std::shared_ptr<http::Reply>& reply) {
        reply->send({200, "application/json",
                     R"({"steps":)" + std::string(kLevels, '[') + std::string(kLevels, ']') + "}"});
    };
    const auto server = http::HttpServer::start(std::move(options)).value();
    const RemoteNode stranger(Client({server->address(), ""}, 5'000));
    const auto trace = stranger.trace_coin({fake_hash("payment"), 1}, 10);
    ASSERT_FALSE(trace.ok());
    EXPECT_EQ(trace.error().code, ErrorCode::kIo) << trace.error().message;
    EXPECT_EQ(stranger.status().error().code, ErrorCode::kIo);
}

TEST_F(RemoteNodeTest, ManyMergesTakeSeveralRequests) {
    on_loop([this] {
        for (int i = 0; i < 1'060; ++i) node_.grow();
    });
    EXPECT_EQ(remote().merges(0, 1'050)->size(), 1'050u);
    const auto all = remote().merges(0, 1'000'000);
    ASSERT_TRUE(all.ok());
    ASSERT_EQ(all->size(), 1'100u);
    for (std::size_t i = 0; i < all->size(); ++i)
        ASSERT_EQ((*all)[i].merge.height, 4 * (i + 1)) << "each once, in order";
}

TEST_F(RemoteNodeTest, NoNodeIsAnError) {
    const RemoteNode before = remote();
    stop();
    EXPECT_EQ(before.status().error().code, ErrorCode::kRefused);
    EXPECT_EQ(RemoteNode::of_directory(folder_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cairn::api
