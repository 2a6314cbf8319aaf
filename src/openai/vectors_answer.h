// VectorsAnswer: waits for the vectors that a host makes for one request, and answers whoever
// asked, unless he has left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/mutex.h"
#include "host/text_host.h"
#include "openai/body_desk.h"
#include "openai/journal.h"
#include "openai/request.h"

namespace cairn::openai {

class VectorsAnswer : public std::enable_shared_from_this<VectorsAnswer> {
  public:
    /// Asks the host, which must outlive the answer. `client`: whose turn it is. A long answer
    /// is put together at `desk` (may be empty).
    static void start(host::TextHost& host, VectorsAsk ask, const std::string& client,
                      std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk);

    VectorsAnswer(host::TextHost& host, const VectorsAsk& ask, std::string client,
                  std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk);

  private:
    void on_done(std::variant<host::Vectors, host::HostError> found);
    void on_gone();
    void fail(const ApiError& error) REQUIRES(mutex_);
    /// On the desk's thread if they are many.
    void put_together(const host::Vectors& vectors);

    host::TextHost& host_;
    const std::string model_;
    const bool base64_;
    const std::optional<std::size_t> dimensions_;
    const std::string client_;
    const std::weak_ptr<BodyDesk> desk_;
    Mutex mutex_;
    std::unique_ptr<Exchange> exchange_ GUARDED_BY(mutex_);  ///< null once the answer is over
    std::optional<host::RequestId> asked_ GUARDED_BY(mutex_);
};

}  // namespace cairn::openai
