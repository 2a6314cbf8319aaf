// Feeds arbitrary requests to OpenAI's API over a host that answers everything: method, target and
// body. Each is answered exactly once, and an error has OpenAI's shape.
#include <cstddef>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "openai/fake_host.h"
#include "openai/routes.h"

namespace {

class CountedReply final : public cairn::http::Reply {
  public:
    void send(cairn::http::Response response) override {
        ++ends;
        CHECK(response.status >= 200 && response.status < 600);
        if (response.status == 200 || response.content_type != "application/json") return;
        const auto json = nlohmann::json::parse(response.body);
        CHECK(json.at("error").at("message").is_string());
    }
    void begin(cairn::http::Response) override {}
    void write(std::string) override {}
    void end() override { ++ends; }
    void on_gone(std::function<void()>) override {}

    int ends = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    static constexpr const char* kTargets[] = {"/v1/chat/completions", "/v1/completions",
                                               "/v1/embeddings"};
    openai::FakeHost host;
    ManualClock clock;
    SeededRandom random(1);
    openai::ApiContext context;
    context.host = &host;
    context.random = &random;
    context.journal = std::make_shared<openai::Journal>(clock, nullptr);

    std::string_view rest = as_text(ByteView(data + 1, size - 1));
    http::Request request;
    request.method = (data[0] & 16) != 0 ? "GET" : "POST";
    request.content_type = "application/json";
    std::string target;
    if ((data[0] & 3) < 3) {
        target = kTargets[data[0] & 3];
    } else {
        target = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), target.size() + 1));
    }
    if (!http::parse_target(target, request).ok()) return 0;
    request.body = std::string(rest);
    const auto reply = std::make_shared<CountedReply>();
    openai::route(context, request, reply);
    CHECK(reply->ends == 1);
    return 0;
}
