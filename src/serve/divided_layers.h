// DividedLayers: the layers of a server whose heads and columns several machines compute (papers B:
// section 4.3, S45). This machine is the lead: it joins what its parts send, has norms, wo and
// w_down, and a share of its own. To clients it is one server like others: LayerServer gives it the
// batches that it would give a Transformer.
//
// The parts are of the lead's owner. One that dies, stalls or refuses ends the pass with an error
// that names it, and all caches: nothing is computed until join() has all parts again.
//
// Calls come one at a time, from one thread; is_whole(), away(), end() and figures() from any.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/joined_layers.h"
#include "serve/lateness.h"
#include "serve/part_port.h"

namespace cairn::serve {

/// Rows of one sequence in a batch.
struct DividedRows {
    std::uint64_t cache = 0;  ///< the sequence, by a number that is never used again
    model::LayerRange layers;
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;
    std::uint32_t position = 0;  ///< of the first; what was computed from there on is taken back
    std::uint32_t rows = 0;
};

struct DividedPatience {
    std::uint64_t connect_ms = 2'000;
    std::uint64_t join_ms = 600'000;   ///< a part copies its share of a large model
    std::uint64_t answer_ms = 30'000;  ///< so late (lateness.h) is lost who answers no step
};

/// What went between the lead and the other parts, since it was made.
struct DividedFigures {
    std::uint64_t rows = 0;       ///< that went through all layers of a batch
    std::uint64_t exchanges = 0;  ///< steps of a layer in which others were asked
    std::uint64_t sent = 0;       ///< bytes of messages
    std::uint64_t received = 0;
};

class DividedLayers {
  public:
    /// `whole` has the layers, not packed. `shares` are those of `ports`, one each; the first port
    /// is this process. `clock` and what is behind `compute` must outlive it.
    DividedLayers(const ModelSnapshot& whole, model::LayerRange layers,
                  std::vector<model::LayerShare> shares,
                  std::vector<std::unique_ptr<PartPort>> ports, const tensor::Compute& compute,
                  const Clock& clock, const DividedPatience& patience = {});
    ~DividedLayers();

    /// Brings all parts together, whatever was before; caches are forgotten. Errors name the part
    /// and say what to do.
    Status join();
    /// Whether all parts are there.
    bool is_whole() const;
    /// Which part is not there, and why; for people.
    std::string away() const;

    /// hidden[n, dim], the rows of `batch` one after another, in place through the layers that all
    /// of them name. After an error it is not whole.
    Status forward(std::span<float> hidden, std::span<const DividedRows> batch);
    /// What a step of a layer may take follows from this speed, in layer-rows a second
    /// (lateness.h): the one that the server announces. At first it is not known.
    void expect(std::uint32_t rows_per_s) {
        rows_per_s_ = rows_per_s;
        for (Lateness& each : lateness_) each.forget();
    }
    /// Which parts are too slow for that, for people; empty: none is.
    std::string slow_parts() const;
    /// Frees a sequence's caches, if it has some.
    void close(std::uint64_t cache);

    /// From any thread: what is under way ends with an error as soon as this machine's own share of
    /// a step is computed, and nothing comes after it. For a process that stops, which would else
    /// wait for a part that hangs.
    void end();

    DividedFigures figures() const;
    const std::vector<model::LayerShare>& shares() const { return shares_; }

  private:
    class Pass;

    Status join_part(std::size_t part);
    Status open(const DividedRows& rows);
    Status forward_rows(std::span<float> hidden, std::span<const DividedRows> batch);
    Result<Bytes> answer(std::size_t part, PartKind wanted, std::uint64_t patience_ms);
    /// Of a step of a layer with so many rows.
    Result<Bytes> step_answer(std::size_t part, std::size_t rows);
    Status send(std::size_t part, PartKind kind, const Bytes& body);

    Hash256 model_;
    model::LayerRange layers_;
    std::vector<model::LayerShare> shares_;
    std::vector<std::unique_ptr<PartPort>> ports_;
    std::vector<Lateness> lateness_;  // of each
    const Clock& clock_;
    DividedPatience patience_;
    std::uint32_t rows_per_s_ = 0;
    std::shared_ptr<const void> storage_;  // of what joins
    std::unique_ptr<model::JoinedLayers> joined_;
    std::set<std::uint64_t> open_;
    std::atomic<bool> whole_{false};
    std::atomic<std::uint64_t> rows_{0}, exchanges_{0}, sent_{0}, received_{0};
};

}  // namespace cairn::serve
