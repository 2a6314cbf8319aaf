// VectorsDesk: makes vectors of texts between the batches of those who write, in bounded pieces,
// one request's few texts after another's.
//
// On the serving thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "host/memory_budget.h"
#include "host/model_shelf.h"
#include "host/turn_queue.h"
#include "host/vectors_job.h"
#include "infer/text_vectors.h"

namespace cairn::host {

class VectorsDesk {
  public:
    struct Hooks {
        /// Finds memory for a text of this client beside a model in memory; false: not yet.
        std::function<bool(const std::string& client, std::uint64_t bytes, std::size_t model)>
            find_memory;
        /// Told of each job that has been answered.
        std::function<void(const VectorsJobPtr&)> ended;
    };
    VectorsDesk(ModelShelf& shelf, const RunSeams& seams, Hooks hooks)
        : shelf_(shelf), seams_(seams), hooks_(std::move(hooks)) {}

    /// A job whose texts have been read.
    void add(const VectorsJobPtr& job) { waiting_.add(job->request().client, job); }
    /// Works for a bounded time; false if there was nothing that could be done.
    bool turn();
    /// Whether texts are under way, or those of a request that has begun wait for the next piece,
    /// with a model in memory.
    bool is_busy();
    /// Drops jobs that are over, also what is under way of one.
    void drop_over();
    /// Drops all jobs without a word.
    void clear();

  private:
    TurnChoice choose(const VectorsJobPtr& waiting);
    bool begin();
    /// Ends what is under way.
    void fail(const HostError& error);
    /// Takes the vectors of what is under way; whether that frees memory.
    bool finish();
    void stop();

    ModelShelf& shelf_;
    RunSeams seams_;
    Hooks hooks_;
    TurnQueue<VectorsJobPtr> waiting_;
    // Under way, if reading_ is not null: some texts of job_.
    VectorsJobPtr job_;
    std::shared_ptr<const ReadyModel> model_;
    std::optional<KvReservation> memory_;
    std::unique_ptr<infer::TextVectors> vectors_;
    std::unique_ptr<infer::TextVectors::Reading> reading_;
};

}  // namespace cairn::host
