#include "cli/write/embed_command.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/text_lines.h"
#include "console/json_line.h"
#include "infer/text_vectors.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxTexts = 1U << 17;
// Texts that are given to the model at once.
constexpr std::size_t kGroup = 32;
// A table wider than this says less than a list.
constexpr std::size_t kTableTexts = 12;
// Each is compared with all others.
constexpr std::size_t kListedTexts = 4096;
constexpr std::size_t kShownCharacters = 48;
constexpr std::size_t kShownNumbers = 8;

struct Embedded {
    std::string text;
    std::size_t tokens = 0;
    std::vector<float> vector{};
};

Result<std::vector<std::string>> texts_of(const EmbedRequest& request) {
    std::vector<std::string> texts = request.texts;
    if (request.file.empty() && !texts.empty()) return texts;
    const std::string path = request.file.empty() ? "-" : request.file;
    ASSIGN_OR_RETURN(std::vector<TextLine> lines, read_lines(path, kMaxTexts));
    for (TextLine& line : lines) texts.push_back(std::move(line.text));
    return texts;
}

std::string beginning(const std::string& text) {
    std::size_t end = 0;
    for (std::size_t count = 0; end < text.size() && count < kShownCharacters; ++count) {
        ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    }
    return end == text.size() ? text : text.substr(0, end) + "...";
}

Result<text::Tokens> tokens_of(const EmbedRequest& request, const LocalModel& local,
                               const std::string& text) {
    text::Tokens tokens = local.tokenizer->encode_whole(text);
    const std::size_t context = local.model.config.context;
    if (tokens.size() <= context) return tokens;
    if (!request.truncate)
        return invalid(fmt::format("\"{}\" has {} tokens, this model takes {}; --truncate cuts it",
                                   beginning(text), tokens.size(), context));
    // The text still ends with its end token.
    const auto end = local.tokenizer->end_token();
    tokens.resize(context);
    if (end) tokens.back() = *end;
    return tokens;
}

Result<std::vector<Embedded>> embed_all(const EmbedRequest& request, const LocalModel& local,
                                        const infer::TextVectors& vectors,
                                        std::vector<std::string> texts) {
    const SystemClock clock;
    Progress progress(clock, "embedding", texts.size());
    std::vector<Embedded> all;
    std::vector<std::vector<std::uint32_t>> group;
    for (std::size_t at = 0; at < texts.size();) {
        const std::size_t end = std::min(at + kGroup, texts.size());
        group.clear();
        for (std::size_t i = at; i < end; ++i) {
            ASSIGN_OR_RETURN(text::Tokens tokens, tokens_of(request, local, texts[i]));
            all.push_back({std::move(texts[i]), tokens.size()});
            group.push_back(std::move(tokens));
        }
        ASSIGN_OR_RETURN(auto made, vectors.embed(group, !request.plain));
        for (std::size_t i = at; i < end; ++i) all[i].vector = std::move(made[i - at]);
        at = end;
        progress.update(at);
    }
    return all;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double product = 0;
    double left = 0;
    double right = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        product += double{a[i]} * b[i];
        left += double{a[i]} * a[i];
        right += double{b[i]} * b[i];
    }
    return left > 0 && right > 0 ? product / std::sqrt(left * right) : 0;
}

// The shortest decimal that reads back as the same float.
nlohmann::json shortest(float value) {
    return nlohmann::json::parse(fmt::format("{}", value), nullptr, false);
}

nlohmann::json report(const EmbedRequest& request, const std::vector<Embedded>& all,
                      model::Pooling pooling) {
    nlohmann::json texts = nlohmann::json::array();
    for (const Embedded& one : all) {
        nlohmann::json vector = nlohmann::json::array();
        for (const float value : one.vector) vector.push_back(shortest(value));
        texts.push_back({{"text", one.text}, {"tokens", one.tokens}, {"vector", vector}});
    }
    nlohmann::json object = {{"model", request.model},
                             {"dim", all.front().vector.size()},
                             {"pooling", model::pooling_name(pooling)},
                             {"normalised", !request.plain},
                             {"texts", std::move(texts)}};
    if (all.size() > kMaxSimilarities) return object;
    nlohmann::json& rows = object["similarities"] = nlohmann::json::array();
    for (const Embedded& a : all) {
        nlohmann::json row = nlohmann::json::array();
        for (const Embedded& b : all) row.push_back(cosine(a.vector, b.vector));
        rows.push_back(std::move(row));
    }
    return object;
}

void print_table(const std::vector<Embedded>& all, std::ostream& out) {
    out << "\ncosine ";
    for (std::size_t i = 0; i < all.size(); ++i) out << fmt::format("{:>7}", i + 1);
    out << '\n';
    for (std::size_t i = 0; i < all.size(); ++i) {
        out << fmt::format("{:>7}", i + 1);
        for (const Embedded& other : all)
            out << fmt::format("{:>7.3f}", cosine(all[i].vector, other.vector));
        out << fmt::format("  {}\n", beginning(all[i].text));
    }
}

void print_nearest(const std::vector<Embedded>& all, std::ostream& out) {
    out << "\ncosine  text, and the one nearest to it\n";
    for (const Embedded& one : all) {
        if (!out.good()) return;
        const Embedded* nearest = nullptr;
        double best = -2;
        for (const Embedded& other : all) {
            if (&other == &one) continue;
            const double near = cosine(one.vector, other.vector);
            if (near > best) nearest = &other;
            best = std::max(best, near);
        }
        out << fmt::format("{:>6.3f}  {}  ->  {}\n", best, beginning(one.text),
                           beginning(nearest->text));
    }
}

void print(const EmbedRequest& request, const std::vector<Embedded>& all, model::Pooling pooling,
           std::ostream& out) {
    const std::vector<float>& first = all.front().vector;
    out << fmt::format("{} text{}, {} numbers each, {} of the states{}\n", all.size(),
                       all.size() == 1 ? "" : "s", first.size(), model::pooling_name(pooling),
                       request.plain ? "" : ", of length 1");
    if (all.size() > kListedTexts) {
        out << "too many to compare here: --json prints the vectors\n";
        return;
    }
    if (all.size() > kTableTexts) return print_nearest(all, out);
    if (all.size() > 1) return print_table(all, out);
    for (std::size_t i = 0; i < std::min(first.size(), kShownNumbers); ++i)
        out << fmt::format("{:>10.6f}", first[i]);
    out << (first.size() > kShownNumbers ? " ... (all of them: --json)\n" : "\n");
}

}  // namespace

Status run_embed(const EmbedRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    RETURN_IF_ERROR(check_exists("--model", request.model));
    ASSIGN_OR_RETURN(std::vector<std::string> texts, texts_of(request));
    ASSIGN_OR_RETURN(const auto local,
                     load_local_model(request.model, request.tokenizer, Needs::kStates));
    model::Pooling pooling = local->pooling.value_or(model::default_pooling(local->model.config));
    if (!request.pooling.empty()) {
        ASSIGN_OR_RETURN(pooling, model::parse_pooling(request.pooling));
    }
    pack_local_model(machine->compute(), *local);
    const infer::TextVectors vectors(local->model.config, local->model.weights, machine->compute(),
                                     pooling);
    ASSIGN_OR_RETURN(const std::vector<Embedded> all,
                     embed_all(request, *local, vectors, std::move(texts)));
    if (request.json)
        out << console::json_line(report(request, all, pooling));
    else
        print(request, all, pooling, out);
    return ok_status();
}

void add_embed(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "embed", "Turn texts into vectors, near each other where the meanings are",
        "cairn embed bge-small-en \"A cat sat\" \"The cat is sitting\" \"Rates rose\"\n"
        "  cairn embed bge-small-en.gguf --file sentences.txt --json");
    auto request = std::make_shared<EmbedRequest>();
    command
        .add_option("model,--model", request->model,
                    "Model file or folder: an encoder, or a language model")
        .required();
    command.add_option("text", request->texts, "Texts (default: the lines of standard input)");
    command.add_option("--file", request->file, "Texts, one a line");
    add_tokenizer_option(command, request->tokenizer);
    command
        .add_option("--pooling", request->pooling,
                    "mean, cls (the first state) or last (default: as the model's files say, else "
                    "mean for encoders, last for language models)")
        .check(one_of({"mean", "cls", "last"}));
    command.add_flag("--plain", request->plain, "Vectors as they come, not of length 1");
    command.add_flag("--truncate", request->truncate, "Cut texts that are too long");
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_embed(*request, out); };
    });
}

}  // namespace cairn::cli
