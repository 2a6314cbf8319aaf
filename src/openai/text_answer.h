// TextAnswer: listens to a host that writes the texts of one request, and answers whoever asked:
// in one piece when all are there, or by events as they come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "host/text_host.h"
#include "openai/answer_json.h"
#include "openai/journal.h"

namespace cairn::openai {

class TextAnswer : public std::enable_shared_from_this<TextAnswer> {
  public:
    /// Asks the host, which must outlive the answer. `client`: whose turn it is.
    static void start(host::TextHost& host, TextAsk ask, AnswerHead head, const std::string& client,
                      std::unique_ptr<Exchange> exchange);

    TextAnswer(host::TextHost& host, TextAsk ask, AnswerHead head,
               std::unique_ptr<Exchange> exchange);

  private:
    class Listener;
    struct Choice {
        std::string text;       ///< of an answer in one piece
        std::size_t shown = 0;  ///< characters so far
        ChoiceLogprobs logprobs;
        std::optional<host::AnswerEnd> end{};
        std::string facts{};  ///< host::AnswerDone
    };

    void ask_host(const std::string& client);
    void on_read(std::size_t prompt, const host::PromptRead& read);
    void on_piece(std::size_t prompt, const host::TextPiece& piece);
    void on_done(std::size_t prompt, const host::AnswerDone& done);
    void on_failed(const host::HostError& error);
    void on_gone();

    void add_text(std::size_t index, const host::TextPiece& piece) REQUIRES(mutex_);
    void fail(const ApiError& error) REQUIRES(mutex_);
    void finish() REQUIRES(mutex_);
    /// Ends the answer; what the host still writes of it is to be cancelled.
    std::vector<host::RequestId> over() REQUIRES(mutex_);
    void cancel(const std::vector<host::RequestId>& ids);

    host::TextHost& host_;
    const TextAsk ask_;
    Mutex mutex_;
    AnswerHead head_ GUARDED_BY(mutex_);
    std::unique_ptr<Exchange> exchange_ GUARDED_BY(mutex_);  ///< null once the answer is over
    std::vector<host::RequestId> asked_ GUARDED_BY(mutex_);
    std::vector<Choice> choices_ GUARDED_BY(mutex_);
    std::size_t ended_ GUARDED_BY(mutex_) = 0;
    bool begun_ GUARDED_BY(mutex_) = false;
    Usage usage_ GUARDED_BY(mutex_);
};

}  // namespace cairn::openai
