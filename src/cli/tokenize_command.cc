#include "cli/tokenize_command.h"

#include <filesystem>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/disk.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "crypto/hash.h"
#include "model/bpe.h"
#include "model/source.h"

namespace cairn::cli {

namespace {

void print(const nlohmann::json& object, std::ostream& out) {
    out << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

Status train(const TokenizeRequest& request, std::ostream& out) {
    if (request.out.empty()) return invalid("say where the tokenizer goes: --out FILE");
    std::vector<std::string> texts;
    for (const std::string& path : request.train) {
        ASSIGN_OR_RETURN(std::string text, read_text(path));
        texts.push_back(std::move(text));
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning merges", request.vocab - model::kFirstMerge);
    ASSIGN_OR_RETURN(const auto tokenizer,
                     model::train_bpe(views, request.vocab, [&](std::uint64_t done, std::uint64_t) {
                         progress.update(done);
                     }));
    const Bytes file = tokenizer->serialise();
    const std::filesystem::path path(request.out);
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    RETURN_IF_ERROR(PosixDisk(folder).write_atomic(path.filename().string(), file));
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

Status encode(const TokenizeRequest& request, const model::Tokenizer& tokenizer,
              std::ostream& out) {
    std::string text = request.text;
    if (!request.file.empty()) {
        ASSIGN_OR_RETURN(text, read_text(request.file));
    }
    const model::Tokens tokens = tokenizer.encode(text);
    if (request.json) {
        print({{"tokens", tokens}, {"count", tokens.size()}, {"bytes", text.size()}}, out);
        return ok_status();
    }
    for (std::size_t i = 0; i < tokens.size(); ++i) out << (i == 0 ? "" : " ") << tokens[i];
    out << '\n';
    return ok_status();
}

Status decode(const TokenizeRequest& request, const model::Tokenizer& tokenizer,
              std::ostream& out) {
    for (const std::uint32_t id : request.ids)
        if (id >= tokenizer.vocab_size())
            return invalid(fmt::format("token {} does not exist: the vocabulary has {}", id,
                                       tokenizer.vocab_size()));
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
    if (request.tokenizer.empty())
        return invalid(
            "name a tokenizer with --tokenizer FILE, or make one with --train FILES --out FILE");
    ASSIGN_OR_RETURN(const Bytes file,
                     model::read_file(request.tokenizer, model::kMaxTokenizerBytes));
    auto tokenizer = model::parse_tokenizer(file);
    if (!tokenizer.ok())
        return Error{tokenizer.error().code, request.tokenizer + ": " + tokenizer.error().message};
    if (!request.ids.empty()) return decode(request, **tokenizer, out);
    return encode(request, **tokenizer, out);
}

void add_tokenize(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        add_command(app, invocation, "tokenize", "Train a tokenizer, or encode and decode with one",
                    "cairn tokenize --train book.txt --vocab 4096 --out book.tok\n"
                    "  cairn tokenize --tokenizer book.tok --text \"In the beginning\"");
    auto request = std::make_shared<TokenizeRequest>();
    auto* train_option = command->add_option("--train", request->train, "Text files to learn from");
    command->add_option("--vocab", request->vocab, "Tokens in the new vocabulary")
        ->check(CLI::Range(model::kFirstMerge, model::kMaxBpeVocab))
        ->capture_default_str();
    command->add_option("--out", request->out, "File for the new tokenizer")->needs(train_option);
    command->add_option("--tokenizer", request->tokenizer, "Tokenizer file to use")
        ->excludes(train_option);
    auto* text = command->add_option("--text", request->text, "Text to encode");
    auto* file =
        command->add_option("--file", request->file, "Text file to encode")->excludes(text);
    command->add_option("--decode", request->ids, "Token ids to turn into text")
        ->excludes(text)
        ->excludes(file);
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_tokenize(*request, out); };
    });
}

}  // namespace cairn::cli
