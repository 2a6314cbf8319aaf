// The API of a fake node, answering over real sockets. Only for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "api/client.h"
#include "api/fake_node.h"
#include "api/server.h"
#include "net/asio_loop.h"

namespace cairn::api {

/// A loop on a thread of its own, as run_node has, with the API on it.
class ApiFixture : public testing::Test {
  protected:
    ApiFixture() : thread_([this] { loop_.run(); }) {
        std::string pattern = testing::TempDir() + "cairn-api-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        folder_ = pattern;
        on_loop([this] {
            ServerOptions options;
            options.directory = folder_;
            auto started = Server::start(node_, loop_, options);
            if (!started.ok()) std::abort();
            server_ = *std::move(started);
        });
    }
    ~ApiFixture() override {
        stop();
        on_loop([this] { loop_.stop(); });
        thread_.join();
        ::rmdir(folder_.c_str());
    }
    void stop() {
        on_loop([this] { server_.reset(); });
    }
    void on_loop(const std::function<void()>& task) {
        std::promise<void> done;
        loop_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    Client client() { return *Client::of_directory(folder_, 5'000); }

    FakeNode node_;
    net::AsioLoop loop_;
    std::thread thread_;
    std::string folder_;
    std::unique_ptr<Server> server_;
};

}  // namespace cairn::api
