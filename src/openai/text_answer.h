// TextAnswer: listens to a host that writes the texts of one request, and answers whoever asked:
// in one piece when all are there, or by events as they come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "host/text_host.h"
#include "openai/answer_json.h"
#include "openai/body_desk.h"
#include "openai/journal.h"

namespace cairn::openai {

class TextAnswer : public std::enable_shared_from_this<TextAnswer> {
  public:
    /// Asks the host, which must outlive the answer. `client`: whose turn it is. A long answer in
    /// one piece is put together at `desk` (may be empty).
    static void start(host::TextHost& host, TextAsk ask, AnswerHead head, const std::string& client,
                      std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk);

    TextAnswer(host::TextHost& host, TextAsk ask, AnswerHead head, std::string client,
               std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk);

  private:
    class Listener;
    struct Choice {
        std::string text;  ///< of an answer in one piece
        ChoiceLogprobs logprobs;
        std::optional<host::AnswerEnd> end{};
        std::string facts{};  ///< host::AnswerDone
    };

    void ask_host();
    void on_read(std::size_t prompt, const host::PromptRead& read);
    void on_piece(std::size_t prompt, const host::TextPiece& piece);
    void on_done(std::size_t prompt, const host::AnswerDone& done);
    void on_failed(const host::HostError& error);
    void on_gone();

    void add_text(std::size_t index, const host::TextPiece& piece) REQUIRES(mutex_);
    void fail(const ApiError& error) REQUIRES(mutex_);
    void end_events() REQUIRES(mutex_);
    /// Fails an answer in one piece that has become too large; what is to be cancelled.
    std::vector<host::RequestId> bound_held() REQUIRES(mutex_);
    /// An answer in one piece that has ended; on the desk's thread if it is long.
    void put_together();
    /// Ends the answer; what the host still writes of it is to be cancelled.
    std::vector<host::RequestId> over() REQUIRES(mutex_);
    void cancel(const std::vector<host::RequestId>& ids);

    host::TextHost& host_;
    const TextAsk ask_;
    const std::string client_;
    const std::weak_ptr<BodyDesk> desk_;
    Mutex mutex_;
    AnswerHead head_ GUARDED_BY(mutex_);
    std::unique_ptr<Exchange> exchange_ GUARDED_BY(mutex_);  ///< null once the answer is over
    std::vector<host::RequestId> asked_ GUARDED_BY(mutex_);
    std::vector<Choice> choices_ GUARDED_BY(mutex_);
    std::size_t held_ GUARDED_BY(mutex_) = 0;  ///< bytes of all choices
    std::size_t ended_ GUARDED_BY(mutex_) = 0;
    bool begun_ GUARDED_BY(mutex_) = false;
    Usage usage_ GUARDED_BY(mutex_);
};

}  // namespace cairn::openai
