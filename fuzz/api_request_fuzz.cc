// Feeds arbitrary requests to the API's routes over a node that answers everything: method, target,
// Host field and body, with the right token and without. Each request is answered exactly once.
#include <cstddef>
#include <cstdint>

#include "api/fake_node.h"
#include "api/protocol.h"
#include "api/routes.h"
#include "base/test_loop.h"
#include "net/address.h"

namespace {

/// What stands before the next zero byte, which is taken off too.
std::string next_field(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string field(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return field;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    std::string_view rest = as_text(ByteView(data + 1, size - 1));
    api::FakeNode node(2);
    ManualClock clock;
    TestLoop loop(clock);
    const auto context = std::make_shared<api::ApiContext>();
    context->node = &node;
    context->loop = &loop;
    context->token = "token";
    context->sample_prompt = "And ";
    context->sample_tokens = 4;

    http::Request request;
    request.method = (data[0] & 1) != 0 ? "POST" : "GET";
    if ((data[0] & 2) != 0) request.authorization = "Bearer token";
    request.content_type = "application/json";
    const std::string target = next_field(rest);
    if (!http::parse_target(target, request).ok()) return 0;
    const auto host = net::parse_host_field(next_field(rest));
    request.host = host.ok() && (data[0] & 4) != 0 ? *host : "localhost";
    request.body = std::string(rest);
    // The owner's token may have a model written to any path, so that route would leave folders.
    if (request.path == api::kExportPath) return 0;
    int answers = 0;
    api::route(context, request, [&](const http::Response& response) {
        CHECK(response.status >= 200 && response.status < 600);
        ++answers;
    });
    loop.run();
    CHECK(answers == 1);
    context->node = nullptr;
    return 0;
}
