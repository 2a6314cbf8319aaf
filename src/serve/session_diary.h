// A client's diary of its own sessions: what it gave, what came back, and the receipts, as far as
// it was not taken back. With it the client is an auditor of what it was really served, not of a
// session that was played for the purpose (kept_session.h): it computes a hop's layers again, if it
// has them, and a wrong answer that the hop signed for convicts it (S32, S49).
//
// Whether a session is kept is drawn by chance when it begins, so a server cannot know, and those
// that are not kept cost nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "serve/kept_session.h"

namespace cairn::serve {

/// One push of a session and its answer.
struct DiaryEntry {
    std::uint64_t serial = 0;
    std::uint32_t position = 0;
    States rows;     ///< [n, dim]
    States outputs;  ///< [n, dim]; nothing if the push was quiet
    bool answered = false;
    Receipt receipt{};
};

/// Of one session. Each entry begins at most where the one before it ends; what it covers of that
/// was taken back.
struct SessionDiary {
    SessionTerms terms;
    Hop hop;
    std::size_t dim = 0;
    std::vector<DiaryEntry> entries;
    bool again = false;  ///< so_far() gave a part of it before

    /// Rows that were answered and not taken back, those of a source included.
    std::uint64_t rows() const;
    std::uint64_t bytes() const;
};

/// Computes again what was answered. A mismatch is looked at a second time by the reference before
/// anybody is convicted. Nothing is found of a session without an answer, and of the source of a
/// decoder with cross attention alone.
Examined examine(const SessionDiary& diary, const ModelSnapshot& snapshot,
                 const tensor::Compute& compute);

class SessionDiaries final : public SessionWatch {
  public:
    /// Keeps each session with this chance (0 to 1), all together up to `max_bytes`: one that grows
    /// beyond is dropped. `random` must be one for secrets, and outlive it.
    SessionDiaries(double chance, Random& random, std::uint64_t max_bytes);

    void pushed(const SessionTerms& terms, const Hop& hop, std::uint32_t position,
                std::span<const float> rows, std::size_t dim) override;
    void answered(const SessionTerms& terms, const Receipt& receipt,
                  std::span<const float> outputs) override;

    /// All that is kept; it begins anew then.
    std::vector<SessionDiary> take();
    /// The same while sessions go on: of those in which something was answered since the last call,
    /// a copy, and what follows is kept too.
    std::vector<SessionDiary> so_far();

  private:
    struct Open {
        SessionDiary diary;
        std::deque<std::uint64_t> asked;  // serials, in the order of the pushes
        std::uint64_t next = 0;
        bool has_news = false;  // for so_far()
    };
    void drop(const Hash256& session);

    double chance_;
    Random& random_;
    std::uint64_t max_bytes_;
    std::uint64_t bytes_ = 0;
    std::map<Hash256, std::unique_ptr<Open>> open_;  // null: not kept
    std::vector<SessionDiary> ended_;                // begun anew from position 0
};

}  // namespace cairn::serve
