// What the API's tests share (test_api.h).
#include "openai/test_api.h"

#include <nlohmann/json.hpp>

namespace cairn::openai {

using Json = nlohmann::json;

Json KeptReply::json() const { return Json::parse(response.body, nullptr, false); }

std::vector<Json> KeptReply::events() const {
    constexpr std::string_view kBegin = "data: ";
    std::vector<Json> list;
    std::string_view rest = response.body;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\n\n");
        EXPECT_TRUE(rest.starts_with(kBegin) && end != std::string_view::npos) << rest;
        if (end == std::string_view::npos) break;
        const std::string_view data = rest.substr(kBegin.size(), end - kBegin.size());
        list.push_back(data == "[DONE]" ? Json("[DONE]") : Json::parse(data, nullptr, false));
        rest.remove_prefix(end + 2);
    }
    return list;
}

void expect_error(const KeptReply& reply, unsigned status, const std::string& param,
                  const std::string& code) {
    EXPECT_EQ(reply.response.status, status) << reply.response.body;
    EXPECT_EQ(reply.ends, 1);
    const Json json = reply.json();
    ASSERT_TRUE(json.is_object() && json.contains("error")) << reply.response.body;
    const Json& error = json["error"];
    EXPECT_TRUE(error["message"].is_string() && !error["message"].empty());
    EXPECT_TRUE(error["type"].is_string());
    EXPECT_EQ(error["param"], param.empty() ? Json(nullptr) : Json(param)) << reply.response.body;
    if (!code.empty()) {
        EXPECT_EQ(error["code"], code) << reply.response.body;
    }
}

}  // namespace cairn::openai
