// Proves that no number that a request may hold, however odd, is taken and then fails: it is
// refused as the asker's mistake, or it writes.
#include <nlohmann/json.hpp>

#include "model/test_families.h"
#include "openai/test_api.h"
#include "tensor/sample.h"

namespace cairn::openai {
namespace {

using OddNumbers = ApiFixture;

TEST_F(OddNumbers, AreRefusedOrWrite) {
    const model::Machine machine(tensor::KernelSet::kReference, 1);
    const std::vector<float> logits{-900.0F, 1000.0F, 999.0F, 0.0F, 1e-30F};
    const std::vector<std::uint32_t> history(2000, 1);
    const char* fields[] = {"temperature",
                            "top_p",
                            "min_p",
                            "top_k",
                            "presence_penalty",
                            "frequency_penalty",
                            "repetition_penalty",
                            "seed",
                            "n",
                            "max_tokens",
                            "max_completion_tokens",
                            "top_logprobs"};
    const char* numbers[] = {"0",
                             "-0",
                             "-0.0",
                             "1e-400",
                             "5e-324",
                             "1e-310",
                             "1e-45",
                             "1e-40",
                             "1e-38",
                             "1e-31",
                             "1e-20",
                             "0.01",
                             "1",
                             "1.0",
                             "1.9999999999999999",
                             "2",
                             "100",
                             "2147483647",
                             "2147483648",
                             "9223372036854775807",
                             "-9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "1e30",
                             "1e308",
                             "1e400",
                             "-1e-40",
                             "-1e400"};
    for (const char* field : fields)
        for (const char* number : numbers) {
            SCOPED_TRACE(std::string(field) + " " + number);
            host_.asked.clear();
            const auto reply = chat(std::string("\"") + field + "\":" + number);
            if (host_.asked.empty()) {
                EXPECT_EQ(reply->response.status, 400U) << reply->response.body;
                continue;
            }
            EXPECT_EQ(reply->response.status, 200U) << reply->response.body;
            const auto token = tensor::sample(machine.compute, logits, history,
                                              host_.asked[0].options.sampling, 5);
            EXPECT_TRUE(token.ok()) << token.error().message;
        }
}

// What no number divides by any more is the most probable token.
TEST_F(OddNumbers, NextToNoTemperatureIsNone) {
    chat(R"("temperature":1e-40)");
    chat(R"("temperature":1e-29)");
    ASSERT_EQ(host_.asked.size(), 2U);
    EXPECT_EQ(host_.asked[0].options.sampling.temperature, 0.0F);
    EXPECT_EQ(host_.asked[1].options.sampling.temperature, 1e-29F);
}

}  // namespace
}  // namespace cairn::openai
