// TextJob: a request to write, from when it comes until nothing more is told of it. It holds the
// listener to its contract: nothing after failed() or the last answer's done().
#pragma once

#include <memory>
#include <vector>

#include "host/host_counters.h"
#include "host/ready_model.h"

namespace cairn::host {

/// The memory that a prompt takes.
std::size_t bytes_of(const Prompt& prompt);

class TextJob {
  public:
    TextJob(RequestId id, TextRequest request, std::shared_ptr<TextListener> listener,
            std::size_t model, std::string version, std::uint64_t arrived_us,
            HostCounters& counters);

    RequestId id() const { return id_; }
    const TextRequest& request() const { return request_; }
    std::size_t model() const { return model_; }  ///< its place in the host's list
    /// The version that the request names; empty: the newest.
    const std::string& version() const { return version_; }
    /// The run that it can be answered by, and no other, as ModelRun::token(), with the version of
    /// its model: from when the version that it names has been found, or its first answer has
    /// begun, until the last one has. The run stays for as long as it is not needed elsewhere.
    void bind(std::shared_ptr<const char> run, std::string version) {
        run_ = std::move(run);
        bound_version_ = std::move(version);
    }
    void unbind() { bind(nullptr, {}); }
    const std::shared_ptr<const char>& run() const { return run_; }  ///< null: any
    const std::string& bound_version() const { return bound_version_; }
    std::uint64_t arrived_us() const { return arrived_us_; }
    std::size_t prompt_bytes() const { return prompt_bytes_; }
    bool is_conversation() const { return std::holds_alternative<Conversation>(request_.prompt); }

    /// The prompt's tokens, once they are known; how many tokens an answer may have.
    const text::Tokens& prompt() const { return prompt_; }
    std::size_t max_tokens() const { return max_tokens_; }
    void set_prompt(text::Tokens prompt, std::size_t max_tokens, const std::string& version);
    void set_max_tokens(std::size_t max_tokens) { max_tokens_ = max_tokens; }
    /// Whether the prompt was read by a model of this version; never of an unknown one.
    bool was_read_by(const std::string& version) const {
        return !version.empty() && version == read_by_;
    }

    /// A text that computes what the prompt begins with: the number that its run gave it, and how
    /// many tokens of it are worth waiting for. Number 0: none is known.
    struct Awaited {
        std::uint64_t writing = 0;
        std::size_t tokens = 0;
    };
    const Awaited& awaited() const { return awaited_; }
    void await(const Awaited& awaited) { awaited_ = awaited; }

    bool is_over() const { return over_; }
    /// Whether its listener has been told of the prompt.
    bool was_begun() const { return was_read_; }
    void read(const PromptRead& prompt);
    void piece(const TextPiece& piece);
    /// A token was sampled for an answer.
    void count(std::size_t answer, std::uint64_t now_us);
    void done(std::size_t answer, AnswerEnd end, std::string facts = {});
    void fail(const HostError& error);
    /// Ends the answers that have not ended, with kCancelled.
    void cancel();
    /// Whether an answer has a place; the job waits until all of them do.
    void join() { ++joined_; }
    std::size_t joined() const { return joined_; }
    bool waits() const { return joined_ < request_.answers; }

  private:
    void end(Outcome outcome);

    RequestId id_;
    TextRequest request_;
    std::shared_ptr<TextListener> listener_;
    std::size_t model_;
    std::string version_;
    std::shared_ptr<const char> run_;
    std::string bound_version_;
    std::uint64_t arrived_us_;
    std::size_t prompt_bytes_;
    HostCounters& counters_;
    text::Tokens prompt_;
    std::string read_by_;
    Awaited awaited_;
    std::size_t max_tokens_ = 0;
    std::size_t joined_ = 0;
    std::vector<std::size_t> tokens_;  // sampled for each answer
    std::vector<bool> ended_;
    bool was_read_ = false;
    bool has_begun_ = false;  // to answer
    bool over_ = false;
};

using TextJobPtr = std::shared_ptr<TextJob>;

}  // namespace cairn::host
