// A session that is played in order to be audited: an auditor acts as any client does towards one
// server, under a key that nobody knows, and keeps what it gave, what came back and every receipt.
// examine() computes the layers again and says what the server is worth. Nothing that it needs has
// to come from the server afterwards, so a refusal to show evidence hides nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/client.h"
#include "serve/exhibit.h"
#include "trust/score.h"

namespace cairn::serve {

struct KeptSession {
    SessionTerms terms;
    Hop hop;
    std::vector<States> pushes;     ///< as they were cut, from position 0 on; answered ones first
    std::vector<States> outputs;    ///< of those that were answered; none of a source's
    std::vector<Receipt> receipts;  ///< of those
    std::size_t sent = 0;           ///< pushes that the server has been given
    std::optional<Failure> ended;   ///< why the others were not answered

    /// How many rows came back.
    std::uint64_t rows(std::uint32_t dim) const;
    /// What both ends keep for the audit window: inputs (and, here, outputs) and receipts.
    std::uint64_t bytes() const;
};

/// One push of a session, and when a writer would send it.
struct PlannedPush {
    States rows;
    bool waits = true;  ///< for the answers to all before it, as a row that is written does
    /// So long after those answers; else after the push before it could leave.
    std::uint64_t pause_us = 0;
};

/// Rows that somebody has beforehand, and how many he writes behind them, one by one.
struct TextTurn {
    std::size_t prompt = 0;
    std::size_t steps = 0;
};

/// What a writer's rows go through besides the server that is looked at, in microseconds.
struct RestOfRoute {
    double prompt_row_us = 0;    ///< a row of a prompt, at the layers before
    double trips_before_us = 0;  ///< to the servers of those
    double step_us = 0;          ///< a row that is written, at all other layers and the head
    double trips_us = 0;         ///< to all other servers
    double turn_us = 0;          ///< from the end of an answer until there is another prompt
};

/// The rows of a session cut as a Stage cuts them for this server: those of the source, and those
/// of each turn of the text, which `turns` divide. Prompts come to the first layers at once, to
/// others as those before them compute them.
std::vector<PlannedPush> cut_as_writers_do(const Hop& hop, std::uint32_t dim,
                                           std::span<const float> source,
                                           std::span<const float> text,
                                           std::span<const TextTurn> turns,
                                           const RestOfRoute& rest = {});

/// Makes each pause up to a fifth longer or shorter, and all of them together `most_us` at most.
void vary_pauses(std::vector<PlannedPush>& pushes, std::uint64_t most_us, Random& random);

/// Opens a session at one server and sends the pushes as a Stage does, or a server could tell an
/// auditor by it: of those that do not wait kMaxUnderWay are under way. Those of the request's
/// source are cut as S54 wants them. On the loop; the client must outlive it, and belongs to it
/// alone.
class SessionPlay {
  public:
    SessionPlay(Client& client, const OpenRequest& request, std::vector<PlannedPush> pushes,
                std::function<void(KeptSession)> done);
    /// Each push waits for the answer to the one before it.
    SessionPlay(Client& client, const OpenRequest& request, std::vector<States> pushes,
                std::function<void(KeptSession)> done);
    void start();
    /// Ends it with what was answered, as unanswered; nothing if it has ended.
    void give_up(const std::string& why);

  private:
    void next();
    /// False: it has ended.
    bool push_next();
    void finish();

    Client& client_;
    OpenRequest request_;
    KeptSession kept_;
    Hash256 session_;
    std::vector<PlannedPush> plan_;  // without their rows, which are in kept_
    std::uint32_t position_ = 0;     // of the next push
    std::uint64_t answered_us_ = 0;  // when the last answer came
    std::uint64_t since_us_ = 0;     // the next push's pause counts from here
    bool pausing_ = false;
    std::function<void(KeptSession)> done_;
    Alive alive_;
};

struct Examined {
    /// Absent: the session says nothing about the server (it was full, or could not be reached
    /// before anything began).
    std::optional<trust::Finding> finding;
    std::string sentence;            ///< for people
    std::optional<Exhibit> exhibit;  ///< that convicts it; none that has no room in a file
};

/// Convicts the accused of an exhibit whose layers gave another `row`, if the reference agrees.
Examined convict(Exhibit exhibit, std::size_t row, const ModelSnapshot& snapshot);

/// Replays what was answered. A mismatch is looked at a second time by the reference kernels, push
/// by push, before anybody is convicted. `snapshot` holds the hop's layers.
Examined examine(const KeptSession& session, const ModelSnapshot& snapshot,
                 const tensor::Compute& compute);

}  // namespace cairn::serve
