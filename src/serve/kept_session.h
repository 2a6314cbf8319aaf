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
    std::optional<Failure> ended;   ///< why the others were not

    /// How many rows came back.
    std::uint64_t rows(std::uint32_t dim) const;
    /// What both ends keep for the audit window: inputs (and, here, outputs) and receipts.
    std::uint64_t bytes() const;
};

/// What a session sends, and how many pushes of it a writer has beforehand.
struct SessionPushes {
    std::vector<States> rows;
    std::size_t ahead = 0;
};

/// The rows of a session cut as a Stage cuts them for this server: those of the source, those of
/// the text, and its last `steps` rows one by one. A writer has a prompt beforehand at the first
/// layers alone: to others it comes as those before them compute it.
SessionPushes cut_as_writers_do(const Hop& hop, std::uint32_t dim, std::span<const float> source,
                                std::span<const float> text, std::size_t steps);

/// Opens a session at one server and sends the pushes one after another as a Stage does, or a
/// server could tell an auditor by it: of the first `ahead` kMaxUnderWay are under way, each of the
/// others waits until the one before is answered. Those of the request's source are cut as S54
/// wants them. On the loop; the client must outlive it, and belongs to it alone.
class SessionPlay {
  public:
    SessionPlay(Client& client, const OpenRequest& request, std::vector<States> pushes,
                std::function<void(KeptSession)> done, std::size_t ahead = 0);
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
    std::size_t ahead_;
    std::size_t sent_ = 0;        // pushes
    std::uint32_t position_ = 0;  // of the next push
    std::function<void(KeptSession)> done_;
    Alive alive_;
};

struct Examined {
    /// Absent: the session says nothing about the server (it was full, or could not be reached
    /// before anything began).
    std::optional<trust::Finding> finding;
    std::string sentence;            ///< for people
    std::optional<Exhibit> exhibit;  ///< that convicts it
};

/// Convicts the accused of an exhibit whose layers gave another `row`, if the reference agrees.
Examined convict(Exhibit exhibit, std::size_t row, const ModelSnapshot& snapshot);

/// Replays what was answered. A mismatch is looked at a second time by the reference kernels, push
/// by push, before anybody is convicted. `snapshot` holds the hop's layers.
Examined examine(const KeptSession& session, const ModelSnapshot& snapshot,
                 const tensor::Compute& compute);

}  // namespace cairn::serve
