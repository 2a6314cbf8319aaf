// Proves that whoever answers as a server of models cannot end the program by what he answers.
#include "cli/serve/served_models.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "http/http_server.h"

namespace cairn::cli {
namespace {

std::unique_ptr<http::HttpServer> server_that_says(const std::string& body) {
    http::HttpServerOptions options;
    options.handler = [body](const http::Request&, const std::shared_ptr<http::Reply>& reply) {
        reply->send({200, "application/json", body});
    };
    return http::HttpServer::start(std::move(options)).value();
}

TEST(ServedModels, AListThatNestsByTheMillionIsNone) {
    constexpr std::size_t kLevels = 1'000'000;
    const auto server =
        server_that_says(R"({"data":[{"id":"m","cairn":)" + std::string(kLevels, '[') +
                         std::string(kLevels, ']') + "}]}");
    const auto models = served_models({server->address(), "", false});
    ASSERT_FALSE(models.ok());
    EXPECT_EQ(models.error().code, ErrorCode::kRefused) << models.error().message;
}

TEST(ServedModels, WhatIsThereIsListed) {
    const auto server = server_that_says(R"({"data":[{"id":"m"}]})");
    const auto models = served_models({server->address(), "", false});
    ASSERT_TRUE(models.ok()) << models.error().message;
    EXPECT_EQ((*models)[0]["id"], "m");
}

}  // namespace
}  // namespace cairn::cli
