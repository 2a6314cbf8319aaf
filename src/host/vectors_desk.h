// VectorsDesk: makes vectors of texts between the batches of those who write, in bounded pieces,
// one request's few texts after another's.
//
// On the serving thread.
#pragma once

#include <functional>
#include <memory>

#include "host/model_shelf.h"
#include "host/turn_queue.h"
#include "host/vectors_job.h"
#include "infer/text_vectors.h"

namespace cairn::host {

class VectorsDesk {
  public:
    /// `ended` is told of each job that has been answered.
    VectorsDesk(ModelShelf& shelf, const RunSeams& seams,
                std::function<void(const VectorsJobPtr&)> ended)
        : shelf_(shelf), seams_(seams), ended_(std::move(ended)) {}

    /// A job whose texts have been read.
    void add(const VectorsJobPtr& job) { waiting_.add(job->request().client, job); }
    /// Works for a bounded time; false if there was nothing that could be done.
    bool turn();
    /// Whether texts of a model in memory are under way.
    bool is_busy() const { return reading_ != nullptr; }
    /// Drops jobs that are over, also what is under way of one.
    void drop_over();
    /// Drops all jobs without a word.
    void clear();

  private:
    bool begin();
    void finish();
    void stop();

    ModelShelf& shelf_;
    RunSeams seams_;
    std::function<void(const VectorsJobPtr&)> ended_;
    TurnQueue<VectorsJobPtr> waiting_;
    // Under way, if reading_ is not null: some texts of job_.
    VectorsJobPtr job_;
    std::shared_ptr<const ReadyModel> model_;
    std::unique_ptr<infer::TextVectors> vectors_;
    std::unique_ptr<infer::TextVectors::Reading> reading_;
};

}  // namespace cairn::host
