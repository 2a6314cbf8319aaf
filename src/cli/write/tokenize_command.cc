#include "cli/write/tokenize_command.h"

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/text_lines.h"
#include "console/json_line.h"
#include "crypto/hash.h"
#include "formats/tokenizer_file.h"
#include "measure/stopwatch.h"
#include "model/config.h"
#include "text/bpe.h"

namespace cairn::cli {

namespace {

void print(const nlohmann::json& object, std::ostream& out) { out << console::json_line(object); }

Status train(const TokenizeRequest& request, std::ostream& out) {
    std::vector<NamedPath> inputs;
    for (const std::string& path : request.train) inputs.push_back({"--train", path});
    RETURN_IF_ERROR(check_outputs({{"--out", request.out}}, inputs));
    std::vector<std::string> texts;
    for (const std::string& path : request.train) {
        ASSIGN_OR_RETURN(std::string text, read_text_file(path));
        texts.push_back(std::move(text));
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning merges", request.vocab - text::kFirstMerge);
    ASSIGN_OR_RETURN(const auto tokenizer,
                     text::train_bpe(views, request.vocab, [&](std::uint64_t done, std::uint64_t) {
                         progress.update(done);
                     }));
    const Bytes file = tokenizer->serialise();
    RETURN_IF_ERROR(write_file(request.out, file));
    std::size_t bytes = 0;
    std::size_t tokens = 0;
    for (const std::string& text : texts) {
        bytes += text.size();
        tokens += tokenizer->encode(text).size();
    }
    const std::string hash = to_hex(crypto::sha256(file));
    if (request.json)
        print({{"out", request.out},
               {"vocab", tokenizer->vocab_size()},
               {"sha256", hash},
               {"bytes", bytes},
               {"tokens", tokens}},
              out);
    else
        out << fmt::format(
            "{}: {} tokens, {:.2f} bytes per token on its own text, sha256 {}\n", request.out,
            tokenizer->vocab_size(),
            static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(tokens, 1)),
            hash);
    return ok_status();
}

Result<std::string> text_of(const TokenizeRequest& request) {
    if (!request.file.empty()) return read_text_file(request.file);
    if (request.has_text) return request.text;
    return read_standard_input();
}

Status encode(const TokenizeRequest& request, const text::Tokenizer& tokenizer, std::ostream& out) {
    ASSIGN_OR_RETURN(const std::string text, text_of(request));
    const auto special = request.special ? text::Special::kAllow : text::Special::kPlain;
    text::Tokens tokens;
    double best = 0;
    for (std::uint32_t i = 0; i < request.repeat; ++i) {
        const measure::Stopwatch watch;
        tokens = tokenizer.encode(text, special);
        const double seconds = watch.seconds();
        if (i == 0 || seconds < best) best = seconds;
    }
    const double speed = best > 0 ? static_cast<double>(text.size()) / best / 1e6 : 0;
    if (request.json) {
        nlohmann::json object = {
            {"tokens", tokens}, {"count", tokens.size()}, {"bytes", text.size()}};
        if (request.repeat > 1) object["megabytes_per_second"] = speed;
        if (request.pieces)
            for (const std::uint32_t token : tokens)
                object["pieces"].push_back(tokenizer.name(token));
        print(object, out);
        return ok_status();
    }
    if (request.pieces) {
        // In quotes; what is not printable as JSON writes it.
        for (std::size_t i = 0; i < tokens.size() && out.good(); ++i)
            out << fmt::format("{:>7}  {}\n", tokens[i],
                               console::json_text(nlohmann::json(tokenizer.name(tokens[i]))));
    } else {
        out << fmt::format("{}\n", fmt::join(tokens, " "));
    }
    if (request.repeat > 1)
        out << fmt::format("{} bytes, {} tokens, {:.1f} MB/s\n", text.size(), tokens.size(), speed);
    return ok_status();
}

Status decode(const TokenizeRequest& request, const text::Tokenizer& tokenizer, std::ostream& out) {
    for (const std::uint32_t id : request.ids)
        if (id >= tokenizer.vocab_size())
            return misused(fmt::format("--decode: Value {} not in range 0 to {}, this vocabulary's",
                                       id, tokenizer.vocab_size() - 1));
    const std::string text = tokenizer.decode(request.ids);
    if (request.json)
        print({{"text", text}}, out);
    else
        out << text << '\n';
    return ok_status();
}

}  // namespace

Status run_tokenize(const TokenizeRequest& request, std::ostream& out) {
    if (!request.train.empty()) return train(request, out);
    ASSIGN_OR_RETURN(const auto tokenizer, formats::load_tokenizer(request.tokenizer));
    if (!request.ids.empty()) return decode(request, *tokenizer, out);
    return encode(request, *tokenizer, out);
}

void add_tokenize(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "tokenize", "Train a tokenizer, or encode and decode with one",
                    "cairn tokenize --train book.txt --vocab 4096 --out book.tok\n"
                    "  cairn tokenize --tokenizer book.tok --text \"In the beginning\"\n"
                    "  cairn tokenize --tokenizer tokenizer.json --file book.txt --pieces");
    auto request = std::make_shared<TokenizeRequest>();
    const auto made = command.add_option("--out", request->out, "File for the new tokenizer");
    const auto what = command.add_option_group("what", "What to do: one of these");
    const auto train_option =
        what.add_option("--train", request->train, "Text files to learn from").needs(made);
    made.needs(train_option);
    const auto with = what.add_option("--tokenizer", request->tokenizer,
                                      "Tokenizer to use: ours, the one inside a .cairn or GGUF "
                                      "file, tokenizer.json, vocab.txt, llama2.c's "
                                      "tokenizer.bin");
    what.require_option(1, 1);
    command.add_option("--vocab", request->vocab, "Tokens in the new vocabulary")
        .check(range(text::kFirstMerge, text::kMaxBpeVocab))
        .needs(train_option)
        .capture_default_str();
    const auto input =
        command.add_option_group("input", "The text (default: standard input) or ids");
    const auto text = input.add_option("--text", request->text, "Text to encode").needs(with);
    input.add_option("--file", request->file, "Text file to encode").needs(with);
    input.add_option("--decode", request->ids, "Token ids to turn into text")
        .needs(with)
        .check(range(0U, model::kMaxVocab - 1));
    input.require_option(0, 1);
    command
        .add_flag("--special", request->special,
                  "Names of control tokens in the text make those tokens")
        .needs(with);
    command.add_flag("--pieces", request->pieces, "Show the piece of each token").needs(with);
    command.add_option("--repeat", request->repeat, "Encode so often and say how fast")
        .needs(with)
        .check(range(1, 1000));
    command.callback([request, text, &invocation] {
        request->has_text = text.count() > 0;
        request->json = invocation.json;
        invocation.exact_text = true;
        invocation.run = [request](std::ostream& out) { return run_tokenize(*request, out); };
    });
}

}  // namespace cairn::cli
