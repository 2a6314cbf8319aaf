// Proves, over real layer servers on loopback, that a gateway writes what a host on this machine
// would, that the next turn of a conversation computes only what is new, that a server may go in
// mid-sentence, and that what a text took is told.
#include "gateway/gateway.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <nlohmann/json.hpp>

#include "formats/checkpoint.h"
#include "host/test_host.h"
#include "model/test_model.h"
#include "serve/model_snapshot.h"
#include "serve/run_server.h"

namespace cairn::gateway {
namespace {

namespace fs = std::filesystem;
using host::test::Recorder;
using Json = nlohmann::json;

/// A layer server on a thread, stopped and joined at the end.
class Server {
  public:
    Server(const std::string& file, const std::string& layers) {
        serve::RunServerOptions options;
        options.layers = layers;
        options.model_file = file;
        options.started = [this](const serve::ServerReady& ready) {
            ready_.set_value(ready.address);
        };
        options.should_stop = [this] { return stop_.load(); };
        thread_ = std::thread([options] { EXPECT_TRUE(serve::run_server(options).ok()); });
        address = ready_.get_future().get();
    }
    ~Server() { end(); }
    void end() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
    }
    std::string address;

  private:
    std::atomic<bool> stop_ = false;
    std::promise<std::string> ready_;
    std::thread thread_;
};

class GatewayTest : public testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(folder);
        ASSERT_TRUE(formats::save_checkpoint(model, file).ok());
    }
    void TearDown() override { fs::remove_all(folder); }

    /// The model without its layers, over whatever `servers` names when a route is opened.
    ServedModel served() {
        host::OpenedModel opened;
        opened.loaded.model = model;
        opened.loaded.model.weights.layers.assign(config.layers, {});
        opened.loaded.format = "test";
        opened.tokenizer = host::test::small_tokenizer();
        const Hash256 name = serve::content_hash(config, model.weights);
        ServedModel result;
        result.id = "m";
        result.model =
            std::make_shared<const host::ReadyModel>("m", std::move(opened), 0, machine.compute);
        result.wait_ms = wait_ms;
        result.may_change = may_change;
        result.connect = [this,
                          name](std::size_t room) -> Result<std::unique_ptr<serve::NetworkLayers>> {
            ++connects;
            if (full && --full_for >= 0)
                return Error{ErrorCode::kFull, "all of this server's memory is held by sessions"};
            serve::NetworkLayersOptions options;
            options.remote.servers = servers;
            options.remote.max_positions = static_cast<std::uint32_t>(room);
            options.remote.wait_ms = wait_ms;
            options.client.discover_ms = 1000;
            return serve::NetworkLayers::connect(name, config, options);
        };
        return result;
    }
    std::unique_ptr<Gateway> start(GatewayOptions options = {}) {
        if (!options.open)
            options.open = [this] {
                ++opens;
                return Result<ServedModel>(served());
            };
        options.keep = [](const Trace&) { return std::string("0123456789ab"); };
        return Gateway::start(std::move(options)).value();
    }
    host::TextRequest request(std::size_t i) const { return host::test::random_request(i, config); }
    static std::shared_ptr<Recorder> ask(host::TextHost& host, host::TextRequest request) {
        auto told = std::make_shared<Recorder>(request.answers);
        host.write(std::move(request), told);
        told->wait();
        return told;
    }
    /// A text that takes seconds, of which some is there; and its number.
    std::pair<std::shared_ptr<Recorder>, host::RequestId> begin_endless(Gateway& gateway) const {
        host::TextRequest endless = request(0);
        endless.options.max_tokens = 0;
        const auto told = std::make_shared<Recorder>();
        const auto begun = std::make_shared<std::promise<void>>();
        told->on_piece = [begun, pieces = 0]() mutable {
            if (++pieces == 3) begun->set_value();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        };
        const host::RequestId id = gateway.write(endless, told);
        begun->get_future().wait();
        return {told, id};
    }
    static Json facts(const Recorder& told, std::size_t answer = 0) {
        return Json::parse(told.answers.at(answer).done.value().facts);
    }

    const model::ModelConfig config = host::test::small_config();
    const model::Model model = host::test::small_model(config);
    const model::Machine machine{tensor::available_kernel_sets().back(), 1};
    const fs::path folder =
        fs::temp_directory_path() / ("cairn-gateway-" + std::to_string(getpid()));
    const std::string file = (folder / "model.cairn").string();
    std::vector<std::string> servers;
    bool may_change = false;
    std::uint64_t wait_ms = 2000;
    bool full = false;  // of the next full_for routes
    std::atomic<int> full_for = 0;
    std::atomic<int> connects = 0;
    std::atomic<int> opens = 0;
};

TEST_F(GatewayTest, WritesWhatAHostOnThisMachineWrites) {
    const Server a(file, "0-1"), b(file, "1-2");
    servers = {a.address, b.address};
    const auto gateway = start();
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::size_t i = 0; i < 12; ++i) {
        told.push_back(std::make_shared<Recorder>());
        gateway->write(request(i), told.back());
    }
    for (std::size_t i = 0; i < told.size(); ++i) {
        told[i]->wait();
        ASSERT_FALSE(told[i]->error.has_value()) << told[i]->error->message;
        EXPECT_EQ(of(told[i]->answers[0]), host::test::alone(model, request(i))) << i;
    }
    EXPECT_LE(connects, 12);
    EXPECT_NE(gateway->metrics().find("cairn_host_requests_total{outcome=\"done\"} 12"),
              std::string::npos)
        << gateway->metrics();
}

TEST_F(GatewayTest, SeveralAnswersAndStops) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start();
    host::TextRequest several = request(1);
    several.answers = 3;
    const auto told = ask(*gateway, several);
    for (std::size_t k = 0; k < 3; ++k)
        EXPECT_EQ(of(told->answers[k]), host::test::alone(model, several, k)) << k;
    const std::string whole = told->answers[0].text;
    ASSERT_GT(whole.size(), 4U);
    host::TextRequest stopped = request(1);
    stopped.stops = {whole.substr(2, 2)};
    const auto short_text = ask(*gateway, stopped);
    EXPECT_EQ(short_text->answers[0].text, whole.substr(0, whole.find(stopped.stops[0])));
    EXPECT_EQ(short_text->answers[0].done->end, host::AnswerEnd::kStopString);
}

TEST_F(GatewayTest, SaysWhoComputedItAndWhatItTook) {
    const Server a(file, "0-1"), b(file, "1-2");
    servers = {a.address, b.address};
    const auto gateway = start();
    ASSERT_TRUE(gateway->models().at(0).over_servers);
    const auto told = ask(*gateway, request(3));
    const Json said = facts(*told);
    const std::size_t rows = std::get<text::Tokens>(request(3).prompt).size() +
                             told->answers[0].done->tokens - 1;  // the last one is not fed
    ASSERT_EQ(said["servers"].size(), 2U);
    for (const std::size_t i : {0U, 1U}) {
        EXPECT_EQ(said["servers"][i]["server"], servers[i]);
        EXPECT_EQ(said["servers"][i]["layers"], Json({i, i + 1}));
        EXPECT_EQ(said["servers"][i]["rows"], rows);
    }
    EXPECT_EQ(said["trace"], "0123456789ab");
    EXPECT_EQ(said["failovers"], 0);
    EXPECT_GT(said["seconds"], 0.0);
    EXPECT_EQ(said["tokens"], told->answers[0].tokens.size());
}

TEST_F(GatewayTest, TheNextTurnComputesOnlyWhatIsNew) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start();
    const host::TextRequest first = request(3);
    const auto told = ask(*gateway, first);
    host::TextRequest second = first;
    auto& prompt = std::get<text::Tokens>(second.prompt);
    for (const std::uint32_t token : host::test::token_ids(told->answers[0]))
        prompt.push_back(token);
    const std::size_t known = prompt.size() - 1;  // the last token was sampled and not fed
    prompt.push_back(7);
    prompt.push_back(9);
    const auto next = ask(*gateway, second);
    EXPECT_EQ(next->prompt.cached, known);
    EXPECT_EQ(of(next->answers[0]), host::test::alone(model, second));
    EXPECT_EQ(facts(*next)["servers"][0]["rows"],
              prompt.size() - known + next->answers[0].done->tokens - 1);
    EXPECT_EQ(connects, 1);
    // Another conversation takes another route, and this one's stays.
    EXPECT_EQ(of(ask(*gateway, request(6))->answers[0]), host::test::alone(model, request(6)));
    EXPECT_EQ(connects, 2);
    EXPECT_GE(ask(*gateway, second)->prompt.cached, known);
    EXPECT_EQ(connects, 2);
}

TEST_F(GatewayTest, WhereNoMoreRoutesMayBeOneTakesAnothersAndComputesAnew) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start({.open = {}, .max_texts = 1});
    for (const std::size_t i : {8U, 3U, 8U}) {
        const auto told = ask(*gateway, request(i));
        EXPECT_EQ(of(told->answers[0]), host::test::alone(model, request(i))) << i;
        EXPECT_EQ(told->prompt.cached, 0U);
    }
    EXPECT_EQ(connects, 1);
}

TEST_F(GatewayTest, ALostServerIsReplacedInMidSentence) {
    Server a(file, "0-2"), b(file, "0-2");
    servers = {a.address, b.address};
    const auto gateway = start();
    host::TextRequest lengthy = request(8);
    lengthy.options.max_tokens = 60;
    // Asked again it takes the same route, so we know whom to end.
    const Json first = facts(*ask(*gateway, lengthy));
    Server& used = first["servers"][0]["server"] == a.address ? a : b;
    auto told = std::make_shared<Recorder>();
    std::promise<void> begun, gone;
    told->on_piece = [&, pieces = 0]() mutable {
        if (++pieces != 5) return;
        begun.set_value();
        gone.get_future().wait();
    };
    gateway->write(lengthy, told);
    begun.get_future().wait();
    used.end();
    gone.set_value();
    told->wait();
    ASSERT_FALSE(told->error.has_value()) << told->error->message;
    EXPECT_EQ(of(told->answers[0]), host::test::alone(model, lengthy));
    EXPECT_GE(facts(*told)["failovers"], 1);
    a.end();
    b.end();
    const auto nobody = ask(*gateway, request(1));
    ASSERT_TRUE(nobody->error.has_value());
    EXPECT_EQ(nobody->error->kind, host::HostErrorKind::kNotReady);
}

TEST_F(GatewayTest, WhoLeavesMakesRoomAndHisRouteGoesOn) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start({.open = {}, .max_texts = 1});
    const auto [told, id] = begin_endless(*gateway);
    const auto waiting = std::make_shared<Recorder>(), last = std::make_shared<Recorder>();
    const host::RequestId second = gateway->write(request(1), waiting);
    gateway->write(request(2), last);
    gateway->cancel(second);
    gateway->cancel(id);
    gateway->cancel(4711);
    told->wait();
    waiting->wait();
    last->wait();
    EXPECT_EQ(told->answers[0].done->end, host::AnswerEnd::kCancelled);
    EXPECT_EQ(waiting->answers[0].done->end, host::AnswerEnd::kCancelled);
    EXPECT_EQ(of(last->answers[0]), host::test::alone(model, request(2)));
    EXPECT_NE(gateway->metrics().find("\ncairn_gateway_routes 1\n"), std::string::npos);
}

TEST_F(GatewayTest, KeptRoutesMakeRoomWhereServersAreFull) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start();
    for (const std::size_t i : {0U, 2U, 3U})
        EXPECT_FALSE(ask(*gateway, request(i))->error.has_value());
    EXPECT_EQ(connects, 3) << "however short, each is a conversation of its own";
    full = true;
    full_for = 2;  // as long as two of the three are there
    EXPECT_EQ(of(ask(*gateway, request(8))->answers[0]), host::test::alone(model, request(8)));
    EXPECT_NE(gateway->metrics().find("\ncairn_gateway_routes 2\n"), std::string::npos);
    full_for = 100;
    const auto nowhere = ask(*gateway, request(6));
    ASSERT_TRUE(nowhere->error.has_value());
    EXPECT_EQ(nowhere->error->kind, host::HostErrorKind::kNotReady) << "and not a fault of ours";
}

TEST_F(GatewayTest, AKeptRouteWhoseServersAreGoneIsReplacedByANewOne) {
    auto a = std::make_unique<Server>(file, "0-2");
    servers = {a->address};
    const auto gateway = start();
    ask(*gateway, request(8));
    ASSERT_GT(ask(*gateway, request(8))->prompt.cached, 0U) << "it is kept";
    a.reset();
    const Server b(file, "0-2");
    servers = {b.address};  // which the kept route does not know of
    const auto told = ask(*gateway, request(8));
    ASSERT_FALSE(told->error.has_value()) << told->error->message;
    EXPECT_EQ(of(told->answers[0]), host::test::alone(model, request(8)));
    EXPECT_EQ(told->prompt.cached, 0U);
    EXPECT_EQ(facts(*told)["servers"][0]["sessions"], 1);
}

TEST_F(GatewayTest, WhoLeavesWhileServersAreSilentHoldsNoPlace) {
    auto a = std::make_unique<Server>(file, "0-2");
    servers = {a->address};
    wait_ms = 20'000;
    auto gateway = start({.open = {}, .max_texts = 1});
    const auto [told, id] = begin_endless(*gateway);
    a.reset();  // and nobody takes over
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    const std::uint64_t left_us = SystemClock().monotonic_us();
    gateway->cancel(id);
    told->wait();
    ASSERT_TRUE(told->answers[0].done.has_value());
    EXPECT_EQ(told->answers[0].done->end, host::AnswerEnd::kCancelled);
    EXPECT_LT(SystemClock().monotonic_us() - left_us, 15'000'000U) << "it waits for 20 s";
}

TEST_F(GatewayTest, WhatALiarHelpedToWriteIsNotGoneOnWith) {
    const Server a(file, "0-2");
    servers = {a.address};
    std::atomic<bool> lied = false;
    GatewayOptions options;
    options.open = [&] {
        ServedModel result = served();
        result.audit = [&](serve::NetworkLayers&, const tensor::Compute&) {
            TraceAudit audit{a.address, {}, {0, 2}, 9, 0, lied, "", "signed for row 3", ""};
            return std::vector<TraceAudit>{audit};
        };
        return Result<ServedModel>(std::move(result));
    };
    const auto gateway = start(std::move(options));
    ask(*gateway, request(8));
    EXPECT_GT(ask(*gateway, request(8))->prompt.cached, 0U);
    lied = true;
    const auto told = ask(*gateway, request(8));
    EXPECT_EQ(facts(*told)["audits"][0]["sentence"], "signed for row 3");
    EXPECT_EQ(ask(*gateway, request(8))->prompt.cached, 0U);
}

TEST_F(GatewayTest, WhoLeavesWhileARouteIsOpenedSendsNothing) {
    const Server a(file, "0-2");
    servers = {a.address};
    std::promise<void> opening, go_on;
    GatewayOptions options;
    options.open = [&] {
        ServedModel result = served();
        result.connect = [&, connect = result.connect](std::size_t room) {
            opening.set_value();
            go_on.get_future().wait();
            return connect(room);
        };
        return Result<ServedModel>(std::move(result));
    };
    const auto gateway = start(std::move(options));
    const auto told = std::make_shared<Recorder>();
    const host::RequestId id = gateway->write(request(0), told);
    opening.get_future().wait();
    gateway->cancel(id);
    go_on.set_value();
    told->wait();
    ASSERT_TRUE(told->answers[0].done.has_value());
    EXPECT_EQ(told->answers[0].done->end, host::AnswerEnd::kCancelled);
    EXPECT_FALSE(told->was_read) << "no token was computed for it";
}

TEST_F(GatewayTest, NobodyHoldsAllPlaces) {
    const Server a(file, "0-2");
    servers = {a.address};
    const auto gateway = start({.open = {}, .max_texts = 2});
    host::TextRequest endless = request(0);
    endless.options.max_tokens = 0;
    std::vector<std::shared_ptr<Recorder>> lengthy;
    std::atomic<bool> other_is_done = false;
    for (int i = 0; i < 3; ++i) {
        lengthy.push_back(std::make_shared<Recorder>());
        // Nobody's text ends before the other one's does.
        lengthy.back()->on_piece = [&] {
            for (int k = 0; k < 1000 && !other_is_done; ++k)
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
        };
        gateway->write(endless, lengthy.back());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // for whoever would take a place
    const auto other = ask(*gateway, request(1));
    EXPECT_EQ(of(other->answers[0]), host::test::alone(model, request(1)));
    EXPECT_FALSE(lengthy[0]->has_ended());
    other_is_done = true;
    for (const auto& each : lengthy) each->wait();
}

TEST_F(GatewayTest, WhereNobodyHoldsTheModelAnotherMayBeThere) {
    const Server a(file, "0-2");
    may_change = true;
    GatewayOptions options;
    options.open = [this, &a] {
        // The first one has no servers, as a network's model of long ago.
        servers = opens++ == 0 ? std::vector<std::string>{"127.0.0.1:9"}
                               : std::vector<std::string>{a.address};
        ServedModel result = served();
        if (opens == 1)
            result.connect = [](std::size_t) -> Result<std::unique_ptr<serve::NetworkLayers>> {
                return not_found("nobody holds layers 0-2");
            };
        return Result<ServedModel>(std::move(result));
    };
    const auto gateway = start(std::move(options));
    EXPECT_EQ(of(ask(*gateway, request(0))->answers[0]), host::test::alone(model, request(0)));
    EXPECT_EQ(opens, 2);
}

TEST_F(GatewayTest, RefusesWhatItCannotDo) {
    const auto gateway = start();
    host::TextRequest other = request(0);
    other.model = "other";
    EXPECT_EQ(ask(*gateway, other)->error->kind, host::HostErrorKind::kNoSuchModel);
    host::TextRequest long_text = request(0);
    long_text.prompt = text::Tokens(config.context, 5);
    EXPECT_EQ(ask(*gateway, long_text)->error->kind, host::HostErrorKind::kTooLong);
    bool told = false;
    gateway->embed({}, [&](std::variant<host::Vectors, host::HostError> result) {
        told = std::holds_alternative<host::HostError>(result);
    });
    EXPECT_TRUE(told);
}

TEST_F(GatewayTest, TheEndTellsThoseWhoWait) {
    const Server a(file, "0-2");
    servers = {a.address};
    auto gateway = start({.open = {}, .max_texts = 1});
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::size_t i = 0; i < 4; ++i) {
        host::TextRequest endless = request(0);
        endless.options.max_tokens = 0;
        told.push_back(std::make_shared<Recorder>());
        gateway->write(endless, told.back());
    }
    gateway.reset();
    for (const auto& each : told) {
        ASSERT_TRUE(each->has_ended());
        if (each->answers[0].done) continue;
        EXPECT_TRUE(each->error.has_value());
    }
}

}  // namespace
}  // namespace cairn::gateway
