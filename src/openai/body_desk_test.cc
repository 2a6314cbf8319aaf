// Proves that whoever sends long bodies holds up nobody who sends a short one, that those who send
// long ones take turns, that only so much waits, and that answers in one piece are bounded and put
// together there.
#include "openai/body_desk.h"

#include <future>

#include <nlohmann/json.hpp>

#include "openai/request.h"
#include "openai/test_api.h"

namespace cairn::openai {
namespace {

TEST(BodyDesk, ClientsTakeTurnsAndOnlySoMuchWaits) {
    std::vector<std::string> read;
    std::promise<void> go;
    std::promise<void> end;
    BodyDesk desk;
    const auto note = [&](const std::string& name) {
        return [&read, name] { read.push_back(name); };
    };
    std::promise<void> begun;
    ASSERT_TRUE(desk.add("a", 10, [&] {
        begun.set_value();
        go.get_future().wait();
    }));
    begun.get_future().wait();
    EXPECT_TRUE(desk.add("a", 10, note("a1")));
    EXPECT_TRUE(desk.add("a", 10, note("a2")));
    EXPECT_FALSE(desk.add("a", BodyDesk::kMaxClientBytes - 29, note("too much of a's")));
    EXPECT_TRUE(desk.add("b", BodyDesk::kMaxClientBytes, note("b1")));
    EXPECT_FALSE(desk.add("c", BodyDesk::kMaxClientBytes - 29, note("too much of all")));
    EXPECT_TRUE(desk.add("c", 10, [&] { end.set_value(); }));
    EXPECT_TRUE(desk.add("c", 10, note("c2")));
    go.set_value();
    end.get_future().wait();
    // Whatever was taken has been given back in the end.
    while (!desk.add("a", BodyDesk::kMaxClientBytes, note("a3"))) std::this_thread::yield();
    std::promise<void> last;
    while (!desk.add("d", 10, [&] { last.set_value(); })) std::this_thread::yield();
    last.get_future().wait();
    ASSERT_GE(read.size(), 4U);
    EXPECT_EQ(std::vector(read.begin(), read.begin() + 2), (std::vector<std::string>{"a1", "b1"}));
}

class LongBodies : public ApiFixture {
  protected:
    ~LongBodies() override { desk_->stop(); }
    static std::string long_text() { return std::string(2 * BodyDesk::kShortBytes, 'x'); }
    /// Until the desk has done what it has: clients take turns, so one more turn for each job.
    void await_desk(int jobs) {
        for (int i = 0; i < jobs; ++i) {
            std::promise<void> done;
            desk_->add("test", 1, [&] { done.set_value(); });
            done.get_future().wait();
        }
    }
    const std::shared_ptr<BodyDesk> desk_ = std::make_shared<BodyDesk>();
};

TEST_F(LongBodies, AreReadElsewhereAndAnsweredAsShortOnes) {
    context_.bodies = desk_;
    std::promise<void> go;
    std::promise<void> begun;
    ASSERT_TRUE(desk_->add("somebody", 10, [&] {
        begun.set_value();
        go.get_future().wait();
    }));
    begun.get_future().wait();
    const auto late = completion(R"("prompt":")" + long_text() + R"(")");
    const auto wrong = completion(R"("colour":1,"prompt":")" + long_text() + R"(")");
    EXPECT_EQ(late->ends, 0);
    EXPECT_EQ(completion(R"("prompt":"x")")->response.status, 200U);  // overtakes it
    go.set_value();
    await_desk(2);
    EXPECT_EQ(late->response.status, 200U) << late->response.body;
    expect_error(*wrong, 400, "colour", "unknown_parameter");
    context_.is_stopping = true;
    const auto stopped = completion(R"("prompt":")" + long_text() + R"(")");
    await_desk(1);
    EXPECT_EQ(stopped->response.status, 503U);
}

// A large answer takes seconds to write down, in which the host's thread would serve nobody.
TEST_F(LongBodies, LongAnswersInOnePieceArePutTogetherElsewhere) {
    context_.bodies = desk_;
    host_.held = true;
    const auto reply = chat(R"("n":2,"logprobs":true,"top_logprobs":20)");
    const auto vectors = ask("POST", "/v1/embeddings", R"({"model":"org/vectors","input":["a"]})");
    const auto left = chat("");
    std::promise<void> go;
    std::promise<void> begun;
    ASSERT_TRUE(desk_->add("somebody", 10, [&] {
        begun.set_value();
        go.get_future().wait();
    }));
    begun.get_future().wait();
    host_.waiting[1]->read(FakeHost::read());
    host_.waiting[1]->piece({0, long_text(), std::nullopt, {}, 0});
    for (const std::size_t answer : {0U, 1U})
        host_.waiting[1]->done({answer, host::AnswerEnd::kMaxTokens, 1});
    host_.waiting_vectors[2](host::Vectors{"org/vectors", {std::vector<float>(5'000, -0.5F)}, 3});
    host_.waiting[3]->read(FakeHost::read());
    host_.waiting[3]->piece({0, long_text(), std::nullopt, {}, 0});
    host_.waiting[3]->done({0, host::AnswerEnd::kMaxTokens, 1});
    EXPECT_EQ(reply->ends + vectors->ends + left->ends, 0);
    const auto brief = chat("");  // waits for none of them
    FakeHost::answer(host_.asked[2], *host_.waiting[4]);
    EXPECT_EQ(brief->ends, 1);
    const auto few = ask("POST", "/v1/embeddings", R"({"model":"org/vectors","input":["a"]})");
    FakeHost::answer_vectors(host_.asked_vectors[1], host_.waiting_vectors[5]);
    EXPECT_EQ(few->ends, 1);
    left->gone();
    go.set_value();
    await_desk(3);
    ASSERT_EQ(reply->ends, 1);
    EXPECT_EQ(reply->json()["choices"][0]["message"]["content"], long_text());
    ASSERT_EQ(vectors->ends, 1);
    EXPECT_EQ(vectors->json()["data"][0]["embedding"][2], -0.5);
    EXPECT_EQ(left->ends, 0);
}

TEST_F(LongBodies, AnswersInOnePieceAreBounded) {
    host_.held = true;
    const auto reply = chat(R"("n":16,"logprobs":true,"top_logprobs":20)");
    const host::TextRequest& asked = host_.asked[0];
    const auto listener = host_.waiting[1];
    listener->read(FakeHost::read());
    host::TextPiece piece{0, "x", host::TokenView{1, std::string(100, ' '), -0.5F}, {}, 0};
    piece.top.assign(asked.options.top_logprobs, *piece.token);
    std::size_t bytes = 0;
    for (; reply->ends == 0 && bytes <= 2 * kMaxHeldBytes; bytes += 21 * 100) {
        piece.answer = (piece.answer + 1) % asked.answers;
        listener->piece(piece);
    }
    expect_error(*reply, 400, "stream");
    EXPECT_EQ(host_.cancelled, std::vector<host::RequestId>{1});
    EXPECT_LT(bytes, kMaxHeldBytes);
    listener->piece(piece);  // one that was under way
    EXPECT_EQ(reply->ends, 1);
}

// Hundreds of thousands of lists, objects or keys take seconds to read; no request has them.
TEST_F(LongBodies, OfTooManyPartsAreRefused) {
    for (const char* part : {"[]", "{}"}) {
        std::string list = part;
        for (std::size_t i = 0; i < kMaxBodyParts; ++i) (list += ',') += part;
        const auto reply = completion(R"("prompt":[)" + list + "]");
        EXPECT_EQ(reply->response.status, 400U);
        EXPECT_NE(reply->response.body.find("objects, lists and keys"), std::string::npos);
    }
    std::string keys = R"("0":1)";
    for (std::size_t i = 1; i <= kMaxBodyParts; ++i) keys += ",\"" + std::to_string(i) + "\":1";
    EXPECT_EQ(completion(R"("logit_bias":{)" + keys + "}")->response.status, 400U);
}

}  // namespace
}  // namespace cairn::openai
