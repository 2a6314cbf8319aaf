// Proves that whoever sends long bodies holds up nobody who sends a short one, that those who send
// long ones take turns, and that only so much waits.
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
    ~LongBodies() override { context_.bodies = nullptr; }
    static std::string long_text() { return std::string(2 * BodyDesk::kShortBytes, 'x'); }
    /// Until the desk has done what it has: clients take turns, so one more turn for each job.
    void await_desk(int jobs) {
        for (int i = 0; i < jobs; ++i) {
            std::promise<void> done;
            desk_.add("test", 1, [&] { done.set_value(); });
            done.get_future().wait();
        }
    }
    BodyDesk desk_;
};

TEST_F(LongBodies, AreReadElsewhereAndAnsweredAsShortOnes) {
    context_.bodies = &desk_;
    std::promise<void> go;
    std::promise<void> begun;
    ASSERT_TRUE(desk_.add("somebody", 10, [&] {
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
