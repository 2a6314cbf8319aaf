// Stage: a stretch of layers of one sequence, the inputs that were put into it, and the servers
// that compute it. One of them leads: it is sent every input, and its results are used. Others
// follow: they are sent the same inputs some rows behind, so that one of them can take over at
// once. When the leader is lost, silent or slow, all that can compute what waits race for it; who
// answers first leads from then on. Because the arithmetic is the same everywhere it does not
// matter who that is (S31).
//
// The inputs are kept, packed: they rebuild the cache of a server that comes later, with nothing
// but its own layers. Everything happens on the Loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/client.h"
#include "serve/output_marks.h"

namespace cairn::serve {

/// What the sessions of a sequence have in common.
struct SequenceTerms {
    Hash256 model;
    std::uint32_t dim = 0;
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType wire = tensor::StateType::kF32;
    std::uint32_t source_rows = 0;   ///< as in OpenRequest
    std::uint32_t longest_text = 0;  ///< as in OpenRequest
};

/// When a leader is no longer waited for alone.
struct Patience {
    std::uint64_t silent_ms = 500;              ///< nothing came
    std::uint64_t slow_ms = kTooLateUs / 1000;  ///< late (lateness.h), and nobody follows
    std::uint64_t slow_beside_ms = 2'000;       ///< late, and somebody follows
    std::uint64_t follower_ms = 5'000;          ///< silence after which a follower is dropped
};

/// Pushes of one server that are under way at once: one is computed, one waits.
inline constexpr std::size_t kMaxUnderWay = 2;

/// Rows in one push of a stage to this server, at most: of `quiet` ones, whose results it has or
/// has not use for, and of others.
std::size_t piece_rows(const Hop& hop, std::uint32_t dim, bool quiet);

class Stage {
  public:
    struct Hooks {
        /// Results for the next positions, [n, dim]; each position once, in order.
        std::function<void(States)> rows;
        /// Another server leads.
        std::function<void(const Hop&)> led;
        /// A server is gone from the stage; `led` tells whether it was the leader, `unread` whether
        /// it had answered for rows of the source and for none that shows that it read them.
        std::function<void(const Hop&, const Failure&, bool led, bool unread)> lost;
    };

    /// `client` must outlive it. Results for the first `done` positions are not wanted: of the
    /// source's at least, whose rows are put first and have none. A stage that does not keep
    /// forgets inputs that its servers have computed.
    Stage(Client& client, const SequenceTerms& terms, model::LayerRange layers, std::size_t done,
          bool keeps);
    ~Stage() { close(); }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    /// The results of `other`, which this one takes the place of, are what those of this one must
    /// be; both end with the same layer.
    void know_results_of(const Stage& other) {
        marks_ = other.marks_;
        marks_.truncate(done_);
    }
    /// To be called before anything else.
    void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }

    model::LayerRange layers() const { return layers_; }
    bool keeps() const { return keeps_; }
    /// Positions whose results were given, and positions whose inputs were put.
    std::size_t done() const { return done_; }
    std::size_t rows() const { return rows_; }
    /// Whether a server that comes now can be given all inputs.
    bool complete() const { return first_ == 0; }
    /// All inputs, [rows, dim], of a complete stage.
    States inputs() const { return unpack(0, rows_); }

    /// Servers, the leader first.
    std::size_t servers() const { return replicas_.size(); }
    bool has(const crypto::PublicKey& key) const;
    Hop leader() const;
    bool leader_is_open() const { return !replicas_.empty() && replicas_.front()->open; }

    /// Opens a session at the server; it leads if there is nobody else. The stage is complete.
    void add(const Hop& hop);
    /// Hidden states [n, dim], rounded to the type, for the next positions.
    void put(std::span<const float> rows);
    /// Forgets the positions from `length` on; nothing waits to be computed.
    void truncate(std::size_t length);
    /// Frees the caches at all servers.
    void close();
    /// Takes followers off until `most` are left.
    void keep_followers(std::size_t most);

    /// To be called every now and then while results are waited for: races when the leader is
    /// suspect, drops followers that are silent. True: the leader is suspect, and nobody who could
    /// compute instead is there.
    bool wants_another(const Patience& patience);
    /// The leader is suspect now; false again when it answers.
    bool is_racing() const { return racing_; }
    /// As wants_another() saw it.
    bool leader_is_silent() const { return !replicas_.empty() && replicas_.front()->suspect; }

  private:
    struct Replica {
        std::uint64_t serial = 0;
        Hop hop;
        Hash256 session;
        bool open = false;
        bool suspect = false;
        bool is_level = false;       // it had all that was done when the latest inputs came
        std::uint64_t patience = 1;  // times; it was late, and nobody was faster
        std::uint64_t since_us = 0;  // when opening began
        std::size_t sent = 0;        // positions
        std::size_t answered = 0;
        std::size_t under_way = 0;  // pushes
        std::uint64_t epoch = 0;    // counts what was taken back while it was under way
    };

    Replica* find(std::uint64_t serial);
    void on_opened(std::uint64_t serial, const std::variant<Hash256, Failure>& answer);
    void on_result(std::uint64_t serial, std::uint64_t epoch, std::size_t position, std::size_t n,
                   States states);
    void remove(std::uint64_t serial, const Failure& failure);
    void pump();
    void pump(Replica& replica, bool leads);
    States unpack(std::size_t first, std::size_t count) const;
    void forget_old();
    bool is_suspect(const Replica& replica, const Patience& patience) const;
    bool is_late(const Replica& replica, std::uint64_t patience_ms) const;
    /// Whether somebody else had all that was done when the latest inputs came, and so could have
    /// been first.
    bool has_beaten_another() const;

    Client& client_;
    SequenceTerms terms_;
    model::LayerRange layers_;
    Hooks hooks_;
    std::size_t done_;
    OutputMarks marks_;  // of the first done_ positions
    bool keeps_;
    std::vector<std::unique_ptr<Replica>> replicas_;
    std::uint64_t next_serial_ = 1;
    bool racing_ = false;
    Bytes inputs_;  // packed rows of positions first_ to rows_
    std::size_t first_ = 0;
    std::size_t rows_ = 0;
    Alive alive_;
};

}  // namespace cairn::serve
