// Proves that guesses change no text of a host, whoever guesses and for how many at once, and who
// may guess for which model.
#include "host/drafting.h"

#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;

std::uint64_t metric(const ModelHost& host, const std::string& name) {
    const std::string text = host.metrics();
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
}

enum class Guesser { kRepeat, kItself, kOther };

DraftChoice choose(Guesser guesser, const model::Model& model) {
    DraftChoice draft;
    draft.repeat = guesser == Guesser::kRepeat;
    if (guesser == Guesser::kItself)
        draft.model = std::make_unique<test::TestSource>("draft", model);
    if (guesser == Guesser::kOther)
        draft.model =
            std::make_unique<test::TestSource>("draft", test::small_model(test::small_config(64)));
    return draft;
}

TEST(Drafting, EverybodyGetsWhatHeWouldGetAlone) {
    const model::Model model = test::small_model(test::small_config());
    for (const Guesser guesser : {Guesser::kRepeat, Guesser::kItself, Guesser::kOther})
        for (const std::size_t at_once : {1U, 3U, 12U}) {
            const auto host = test::one_model_host(
                model, {.max_sequences = at_once, .draft = choose(guesser, model)});
            SCOPED_TRACE(at_once);
            test::expect_all_as_alone(*host, model, 20);
            if (guesser != Guesser::kItself || at_once == 12) continue;
            const std::uint64_t drafted = metric(*host, "cairn_host_drafted_tokens_total");
            EXPECT_GT(drafted, 50U);
            EXPECT_LE(metric(*host, "cairn_host_accepted_tokens_total"), drafted);
            EXPECT_GT(metric(*host, "cairn_host_accepted_tokens_total"), drafted / 2);
        }
}

TEST(Drafting, WhoCannotGuessIsRefusedOrLeftOut) {
    const model::Model model = test::small_model(test::small_config());
    const auto start = [&](DraftChoice draft) {
        HostOptions options{.draft = std::move(draft)};
        options.models.push_back(std::make_unique<test::TestSource>("m", model));
        return ModelHost::start(std::move(options));
    };
    DraftChoice both = choose(Guesser::kItself, model);
    both.repeat = true;
    EXPECT_FALSE(start(std::move(both)).ok());
    DraftChoice many = choose(Guesser::kRepeat, model);
    many.tokens = infer::kMaxDraft + 1;
    EXPECT_FALSE(start(std::move(many)).ok());
    DraftChoice mute;
    auto source = std::make_unique<test::TestSource>("draft", model);
    source->with_tokenizer = false;
    mute.model = std::move(source);
    EXPECT_FALSE(start(std::move(mute)).ok());
    DraftChoice broken;
    source = std::make_unique<test::TestSource>("draft", model);
    source->failure = "no such file";
    broken.model = std::move(source);
    const auto refused = start(std::move(broken));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message, "no such file");
}

}  // namespace
}  // namespace cairn::host
