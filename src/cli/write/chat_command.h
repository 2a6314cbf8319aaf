// `cairn chat`: a conversation with a model of a file, or of a server, on a terminal, where some
// lines are commands (chat_line.h; /help lists them), or through a pipe, where every line is a
// turn.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "cli/serve/serve_address.h"
#include "cli/write/draft.h"
#include "cli/write/layer_servers.h"
#include "cli/write/sampling_options.h"
#include "console/line_reader.h"

namespace cairn::cli {

struct ChatRequest {
    std::string model;                  ///< empty: one that a server has
    std::string api = kServeAddress;    ///< of that server
    std::string dir;                    ///< of a running node, whose chain's model is meant
    std::string node;                   ///< or that node's address, "host:port"
    std::string served;                 ///< its name there; empty: the first
    std::string token_file;             ///< with what the server wants; empty: nothing
    std::string tokenizer;              ///< empty: found with the model
    std::string format;                 ///< of turns; empty: as the model was trained
    std::optional<std::string> system;  ///< nothing: what the model expects
    SamplingOptions sampling{};
    DraftOptions draft{};       ///< who guesses ahead for a model of a file
    LayerServerOptions over{};  ///< where its layers are computed
    std::size_t steps = 1024;   ///< tokens of one answer, at most
    std::size_t context = 0;    ///< tokens to remember; 0: as many as the model can, at most 8192
    std::size_t threads = 0;    ///< 0: one per processor
    std::string history;        ///< file for the lines that were typed; empty: none
    bool stats = false;         ///< say after each answer how fast it came
    bool json = false;
};

/// Reads turns until the input ends. With json: no text while it runs, at the end one object:
/// format, turns [{user, answer, stop, reused, computed, written, tokens_per_second, model (of a
/// chain, with its height)}], and error {kind, message} if it ended with one. The exit code.
Result<int> run_chat(const ChatRequest& request, console::LineReader& in, std::ostream& out);

}  // namespace cairn::cli
