// Proves that a model may become another one while it is asked: an answer keeps the bits of the
// model with which it began, the next one gets the new model, at most three versions are in memory,
// and what none of them needs any more is given back; that a version may be asked by its name; and
// that a model which is not there yet is no failure.
#include "host/test_host.h"
#include "host/vectors_job.h"

namespace cairn::host {
namespace {

using test::Recorder;
using test::TestSource;

constexpr std::size_t kContext = 4096;

model::Model version(std::uint64_t number) {
    return test::small_model(test::small_config(kContext), number);
}

std::uint64_t version_bytes() {
    const model::Model model = version(1);
    return model::packed_model_bytes(model) +
           run_scratch_bytes(model.config, model.config.context, RunBounds());
}

TextRequest ask(std::size_t tokens) {
    TextRequest request;
    request.model = "m";
    request.prompt = text::Tokens{1, 2, 3};
    request.options.max_tokens = tokens;
    request.options.logprobs = true;
    request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
    return request;
}

class Refresh : public testing::Test {
  protected:
    void start(std::uint64_t memory_bytes = std::uint64_t{256} << 20) {
        start({.memory_bytes = memory_bytes}, nullptr);
    }
    /// Beside another model, if there is one.
    void start(HostOptions options, std::unique_ptr<TestSource> other) {
        auto source = std::make_unique<TestSource>("m", version(1));
        source->become(version(1), "m@1");
        source->versioned = true;
        source_ = source.get();
        other_ = other.get();
        options.threads = 2;
        options.prefix_bytes = 0;
        options.models.push_back(std::move(source));
        if (other != nullptr) options.models.push_back(std::move(other));
        host_ = ModelHost::start(std::move(options)).value();
        EXPECT_EQ(answered_by(), "m@1");
    }
    ~Refresh() override { hurry_ = true; }

    void become(std::uint64_t number) {
        source_->become(version(number), "m@" + std::to_string(number));
        host_->refresh("m");
    }
    std::shared_ptr<Recorder> asked(const std::string& model) {
        auto told = std::make_shared<Recorder>();
        TextRequest request = ask(2);
        request.model = model;
        host_->write(request, told);
        told->wait();
        return told;
    }
    /// Which version answers a short request.
    std::string answered_by(const std::string& model = "m") {
        const auto told = asked(model);
        EXPECT_FALSE(told->error.has_value());
        return told->prompt.model;
    }
    void wait_for(const std::string& name) {
        for (int i = 0; i < 20'000 && answered_by() != name; ++i) std::this_thread::yield();
        EXPECT_EQ(answered_by(), name);
    }
    /// A text that takes seconds unless it is told to hurry, and has begun.
    std::shared_ptr<Recorder> slow(std::size_t tokens = 2000) { return slow(ask(tokens)); }
    std::shared_ptr<Recorder> slow(const TextRequest& request) {
        auto told = std::make_shared<Recorder>(request.answers);
        told->on_piece = [this] {
            if (!hurry_) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        };
        ids_.push_back(host_->write(request, told));
        while (!told->was_read) std::this_thread::yield();
        return told;
    }
    std::uint64_t weight_bytes() const {
        const std::string text = host_->metrics();
        const std::string name = "\ncairn_host_weight_bytes ";
        return std::stoull(text.substr(text.find(name) + name.size()));
    }

    std::atomic<bool> hurry_ = false;
    std::vector<RequestId> ids_;
    TestSource* source_ = nullptr;
    TestSource* other_ = nullptr;
    test::TestClock clock_;
    std::unique_ptr<ModelHost> host_;  // ends first
};

TEST_F(Refresh, AnAnswerKeepsItsModelAndTheNextGetsTheNewOne) {
    start();
    const auto first = slow();
    become(2);
    wait_for("m@2");
    const auto second = slow();
    become(3);
    wait_for("m@3");
    EXPECT_FALSE(first->has_ended());
    EXPECT_FALSE(second->has_ended());
    hurry_ = true;
    first->wait();
    second->wait();
    EXPECT_EQ(first->prompt.model, "m@1");
    EXPECT_EQ(second->prompt.model, "m@2");
    EXPECT_EQ(test::of(first->answers[0]), test::alone(version(1), ask(2000)));
    EXPECT_EQ(test::of(second->answers[0]), test::alone(version(2), ask(2000)));
    const auto third = std::make_shared<Recorder>();
    host_->write(ask(50), third);
    third->wait();
    EXPECT_EQ(test::of(third->answers[0]), test::alone(version(3), ask(50)));
    EXPECT_NE(test::of(third->answers[0]), test::alone(version(2), ask(50)));
}

TEST_F(Refresh, AtMostThreeVersionsAreInMemoryAndTheNewestWins) {
    start();
    const std::uint64_t one = weight_bytes();
    EXPECT_EQ(one, version_bytes());
    const auto first = slow();
    become(2);
    wait_for("m@2");
    const auto second = slow();
    become(3);
    wait_for("m@3");
    const auto third = slow();
    for (std::uint64_t number = 4; number <= 6; ++number) {
        become(number);
        EXPECT_EQ(answered_by(), "m@3");
    }
    EXPECT_EQ(source_->opened, 3);
    EXPECT_EQ(weight_bytes(), 3 * one);
    EXPECT_FALSE(first->has_ended());
    host_->cancel(ids_[1]);
    second->wait();
    wait_for("m@6");
    EXPECT_EQ(source_->opened, 4);
    EXPECT_EQ(weight_bytes(), 3 * one);
    host_->cancel(ids_[0]);
    host_->cancel(ids_[2]);
    first->wait();
    third->wait();
    EXPECT_EQ(answered_by(), "m@6");
    EXPECT_EQ(answered_by(), "m@6");
    EXPECT_EQ(weight_bytes(), one);
}

TEST_F(Refresh, AVersionIsAskedByItsNameForAsLongAsItIsInMemory) {
    start();
    EXPECT_EQ(answered_by("m@1"), "m@1");
    const auto first = slow();
    become(2);
    wait_for("m@2");
    EXPECT_EQ(host_->models()[0].versions, (std::vector<std::string>{"m@2", "m@1"}));
    EXPECT_EQ(answered_by("m@1"), "m@1") << "somebody still writes with it";
    EXPECT_EQ(answered_by("m@2"), "m@2");
    EXPECT_EQ(answered_by("m"), "m@2");
    host_->cancel(ids_[0]);
    first->wait();
    EXPECT_EQ(answered_by(), "m@2");
    const auto gone = asked("m@1");
    ASSERT_TRUE(gone->error.has_value());
    EXPECT_EQ(gone->error->kind, HostErrorKind::kNoSuchModel);
    EXPECT_NE(gone->error->message.find("m@2"), std::string::npos) << gone->error->message;
    EXPECT_EQ(host_->models()[0].versions, std::vector<std::string>{"m@2"});
    const auto other = asked("n");
    EXPECT_EQ(other->error->kind, HostErrorKind::kNoSuchModel);
    EXPECT_NE(other->error->message.find("here is m"), std::string::npos);
}

// It joins what it named, however long it waited for a place and whatever came meanwhile.
TEST_F(Refresh, WhoNamedAVersionGetsItThoughHeWaits) {
    start();
    std::vector<std::shared_ptr<Recorder>> busy;
    for (std::size_t i = 0; i < HostOptions().max_sequences; ++i) busy.push_back(slow(600));
    auto waits = std::make_shared<Recorder>();
    TextRequest request = ask(2);
    request.model = "m@1";
    host_->write(request, waits);
    become(2);
    wait_for("m@2");
    EXPECT_FALSE(waits->has_ended());
    hurry_ = true;
    waits->wait();
    EXPECT_FALSE(waits->error.has_value());
    EXPECT_EQ(waits->prompt.model, "m@1");
}

std::uint64_t kv_bytes(std::size_t positions) {
    const model::ModelConfig config = test::small_config(kContext);
    return model::kv_cache_bytes(config, model::all_layers(config), positions, model::KvType::kF32);
}

// One that waits for a place of an older version, and one that waits for that version's memory:
// each would wait for the other.
TEST_F(Refresh, WhoHoldsAnOlderVersionIsLetInWhileAModelWaitsForItsMemory) {
    model::ModelConfig deep = test::small_config(kContext);
    deep.layers *= 12;  // takes more than two versions of the other
    model::Model large = test::small_model(deep, 9);
    const std::uint64_t large_bytes =
        model::packed_model_bytes(large) + run_scratch_bytes(deep, kContext, RunBounds());
    ASSERT_GT(large_bytes, 2 * version_bytes());
    start({.memory_bytes = large_bytes + kv_bytes(400), .max_sequences = 1, .clock = &clock_},
          std::make_unique<TestSource>("large", std::move(large), false));
    const auto first = slow(300);
    auto waits = std::make_shared<Recorder>();
    TextRequest request = ask(2);
    request.model = "m@1";
    host_->write(request, waits);
    become(2);
    while (host_->models()[0].versions.size() < 2) std::this_thread::yield();
    auto other = std::make_shared<Recorder>();
    request.model = "large";
    host_->write(request, other);
    while (other_->opened == 0) std::this_thread::yield();
    // Until the serving thread has heard of it, which nothing outside can see.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    clock_.advance_us(30'000'000);
    // Nobody who comes now may keep it here.
    const auto late = asked("m@1");
    ASSERT_TRUE(late->error.has_value());
    EXPECT_EQ(late->error->kind, HostErrorKind::kNoSuchModel);
    EXPECT_NE(late->error->message.find("leaves memory"), std::string::npos);
    hurry_ = true;
    first->wait();
    waits->wait();
    EXPECT_FALSE(waits->error.has_value());
    EXPECT_EQ(waits->prompt.model, "m@1");
    other->wait();
    EXPECT_FALSE(other->error.has_value());
}

// The second answer waits for a place while the model is refreshed.
TEST_F(Refresh, AllAnswersOfARequestAreOfOneModel) {
    start({.memory_bytes = std::uint64_t{256} << 20, .max_sequences = 1}, nullptr);
    const std::uint64_t one = weight_bytes();
    TextRequest request = ask(300);
    request.answers = 2;
    request.options.sampling = {.temperature = 1.0F, .seed = 4};
    const auto told = slow(request);
    become(2);
    wait_for("m@2");
    EXPECT_FALSE(told->answers[0].done.has_value());
    hurry_ = true;
    told->wait();
    ASSERT_FALSE(told->error.has_value()) << told->error->message;
    for (std::size_t k = 0; k < 2; ++k)
        EXPECT_EQ(test::of(told->answers[k]), test::alone(version(1), request, k)) << k;
    wait_for("m@2");
    EXPECT_EQ(weight_bytes(), one) << "the older one has left";
}

// Its second answer waits for a place while its model makes room for another one; it comes back as
// the same, which goes on, or as another.
class RefreshBetween : public Refresh {
  protected:
    std::shared_ptr<Recorder> answer_twice(const std::string& name, std::uint64_t comes_back_as) {
        start(
            {.memory_bytes = version_bytes() + kv_bytes(400), .max_sequences = 1, .clock = &clock_},
            std::make_unique<TestSource>("other", version(9), false));
        TextRequest request = ask(300);
        request.model = name;
        request.answers = 2;
        const auto told = slow(request);
        auto other = std::make_shared<Recorder>();
        TextRequest little = ask(2);
        little.model = "other";
        host_->write(little, other);
        while (other_->opened == 0) std::this_thread::yield();
        clock_.advance_us(30'000'000);
        source_->become(version(comes_back_as), "m@" + std::to_string(comes_back_as));
        source_->version = std::to_string(comes_back_as);
        hurry_ = true;
        other->wait();
        EXPECT_FALSE(other->error.has_value());
        told->wait();
        EXPECT_TRUE(told->answers[0].done.has_value());
        return told;
    }
};

TEST_F(RefreshBetween, AnotherModelEndsARequestThatNamedIts) {
    const auto told = answer_twice("m@1", 2);
    ASSERT_TRUE(told->error.has_value());
    EXPECT_NE(told->error->message.find("replaced"), std::string::npos) << told->error->message;
}

TEST_F(RefreshBetween, AnotherModelEndsARequestThatNamedNone) {
    const auto told = answer_twice("m", 2);
    ASSERT_TRUE(told->error.has_value());
    EXPECT_NE(told->error->message.find("replaced"), std::string::npos) << told->error->message;
}

TEST(RefreshStart, AModelThatIsNotThereYetIsAskedForAgain) {
    auto source = std::make_unique<TestSource>("m", version(1), false);
    TestSource* given = source.get();
    given->failure = "no block yet";
    given->failure_code = ErrorCode::kTimeout;
    HostOptions options{.threads = 1};
    options.models.push_back(std::move(source));
    const auto host = ModelHost::start(std::move(options)).value();
    const auto answer = [&] {
        const auto told = std::make_shared<Recorder>();
        host->write(ask(2), told);
        told->wait();
        return told;
    };
    for (int i = 0; i < 2; ++i) {
        const auto told = answer();
        ASSERT_TRUE(told->error.has_value());
        EXPECT_EQ(told->error->kind, HostErrorKind::kNotReady);
        EXPECT_EQ(told->error->message, "no block yet");
        EXPECT_EQ(host->models()[0].state, ModelState::kAsleep);
    }
    given->failure.clear();
    EXPECT_FALSE(answer()->error.has_value()) << "at once, not after a pause";
}

TEST_F(Refresh, WhatDoesNotLoadLeavesTheModelInMemory) {
    start();
    source_->failure = "its weights are torn";
    become(2);
    const std::string once = "\ncairn_host_load_errors_total 1\n";
    while (host_->metrics().find(once) == std::string::npos) std::this_thread::yield();
    EXPECT_EQ(answered_by(), "m@1");
    EXPECT_EQ(host_->models()[0].state, ModelState::kReady);
    source_->failure.clear();
    become(3);
    wait_for("m@3");
}

// The text that goes on keeps its memory; only then is there room for the next version.
TEST_F(Refresh, WhereOnlyOneVersionFitsTheNextWaits) {
    const model::ModelConfig config = test::small_config(kContext);
    start(version_bytes() +
          model::kv_cache_bytes(config, model::all_layers(config), 400, model::KvType::kF32));
    become(2);
    wait_for("m@2");
    const auto first = slow(300);
    become(3);
    while (source_->opened < 3) std::this_thread::yield();
    EXPECT_FALSE(first->has_ended());
    hurry_ = true;
    first->wait();
    EXPECT_EQ(first->prompt.model, "m@2");
    EXPECT_EQ(test::of(first->answers[0]), test::alone(version(2), ask(300)));
    wait_for("m@3");
    EXPECT_EQ(weight_bytes(), version_bytes());
}

TEST_F(Refresh, OfNoModelIsNothing) {
    start();
    host_->refresh("other");
    EXPECT_EQ(answered_by(), "m@1");
}

TEST(RefreshVectors, OfOneRequestComeFromOneModel) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const auto ready = [&](std::uint64_t number) {
        OpenedModel opened;
        opened.loaded.model = version(number);
        return std::make_shared<const ReadyModel>("m", std::move(opened), 0, machine.compute);
    };
    HostCounters counters;
    VectorsJob job(
        1, {"m", {}, ""}, [](const auto&) {}, 0, counters);
    job.set_texts({{1}, {2}, {3}});
    const auto before = ready(1);
    job.begin_with(before);
    job.add({1.0F});
    job.begin_with(before);
    job.add({1.0F});
    EXPECT_EQ(job.left().size(), 1U);
    job.begin_with(ready(2));
    EXPECT_EQ(job.left().size(), 3U);
}

}  // namespace
}  // namespace cairn::host
