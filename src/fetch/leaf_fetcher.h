// LeafFetcher: gets tensors of a model from several peers at once into a folder (S52). Tensors are
// cut into runs of leaves; each run is asked of one peer, checked against the model's root when it
// comes, and kept on disk at once, so whoever is killed goes on where he was. A peer that sends
// what is not the model's is not asked again and is named; one that is slow has its runs asked of
// others.
//
// Everything happens on the Loop; what comes is checked and written there, too, so the loop should
// have little else to do.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "fetch/kept_weights.h"

namespace cairn::fetch {

struct FetcherOptions {
    std::size_t max_open_per_peer = 4;     ///< runs that it was asked for
    std::size_t max_ahead = 64;            ///< runs that have come or are asked for before an
                                           ///< earlier one of their tensor has come
    std::uint64_t run_timeout_ms = 8'000;  ///< for one run; then it is asked of another, too
    std::size_t max_lapses = 3;            ///< runs too late, after which a peer is let go
    std::uint64_t busy_ms = 500;           ///< before a peer that was busy is asked again
    std::size_t max_damaged = 3;           ///< tensors that the disk gives back wrong
};

class LeafFetcher {
  public:
    struct Progress {
        std::uint64_t done = 0, total = 0;  ///< bytes, with what was on disk before
        std::uint64_t fetched = 0;          ///< bytes that came over links
        std::size_t sources = 0;            ///< peers that are asked
    };

    /// Fetches `tensors` of the model; all must outlive it. `done` is called once: with an error
    /// where the disk fails. `dropped` is told of each peer that is not asked any more, and why.
    LeafFetcher(Loop& loop, net::Network& network, const Clock& clock, KeptWeights& kept,
                const std::vector<std::size_t>& tensors, const FetcherOptions& options,
                std::function<void(Status)> done,
                std::function<void(net::PeerId, const std::string& why)> dropped);

    /// Begins, or is done at once where all is on disk.
    void start();
    /// The peer says that it has the model, or a part of it.
    void add_source(net::PeerId peer);
    void remove_source(net::PeerId peer);
    /// Leaves and NoWeights; everything else is passed over.
    void on_message(net::PeerId peer, std::uint16_t kind, ByteView body);

    Progress progress() const;
    bool is_done() const { return finished_; }

  private:
    struct Run {
        std::uint64_t first = 0;
        std::uint32_t count = 0;
    };
    /// A tensor that is not whole: runs are written in order.
    struct Part {
        std::size_t tensor = 0;
        std::uint64_t written = 0;             // leaf from which on nothing is on disk
        std::uint64_t next_asked = 0;          // leaf from which on nothing was asked
        std::map<std::uint64_t, Leaves> come;  // proved, but an earlier one lacks
    };
    struct Question {
        Run run;
        std::uint64_t asked_ms = 0;
        bool late = false;  // asked of somebody else meanwhile
    };
    struct Source {
        std::map<std::uint64_t, Question> open;  // by first leaf
        std::set<std::size_t> lacks;             // tensors that it does not have
        std::size_t lapses = 0;
        std::uint64_t rests_until_ms = 0;
    };

    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000; }
    void ask();
    bool ask(net::PeerId peer, Source& source);
    /// A run for this source: one that was given up by another, else a new one.
    std::optional<Run> choose(const Source& source);
    void tick();
    Status take(net::PeerId peer, Leaves leaves);
    Status write(Part& part);
    void give_up(net::PeerId peer, const std::string& why);
    void finish(Status status);

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    KeptWeights& kept_;
    FetcherOptions options_;
    std::function<void(Status)> done_;
    std::function<void(net::PeerId, const std::string&)> dropped_;
    std::map<std::size_t, Part> parts_;      // by tensor, those that lack something
    std::map<std::uint64_t, Run> returned_;  // by first leaf: asked of somebody who did not give it
    std::map<net::PeerId, Source> sources_;
    Progress progress_;
    std::size_t damaged_ = 0;  // tensors that our disk gave back wrong
    bool started_ = false, finished_ = false;
    Alive alive_;
};

}  // namespace cairn::fetch
