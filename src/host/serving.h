// Serving: what a host does between a request and its answer, as one thread sees it. A request
// waits until its model is in memory and its prompt has been read (on another thread), then for a
// place; those who ask take turns (turn_queue.h). Each turn lets in whoever fits, computes a batch
// of every model that writes, and a bounded piece of vectors.
//
// All of it runs on the serving thread.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <vector>

#include "host/model_shelf.h"
#include "host/reading_desk.h"
#include "host/turn_queue.h"
#include "host/vectors_desk.h"
#include "host/waiting_room.h"

namespace cairn::host {

class Serving {
  public:
    /// All of these outlive it.
    Serving(ModelShelf& shelf, const RunSeams& seams, WaitingRoom& room, ReadingDesk& reading);

    /// Jobs that have entered the waiting room.
    void write(const TextJobPtr& job);
    void embed(const VectorsJobPtr& job);
    void cancel(RequestId id);
    /// Whether there is more to do.
    bool turn();
    /// Ends all that goes on; what comes later ends at once.
    void end();

    /// Of the shelf.
    void on_ready(std::size_t model);
    void on_failed(std::size_t model, const HostError& why);

  private:
    struct Place {  // that an answer waits for
        TextJobPtr job;
        std::size_t answer = 0;
    };

    /// With a model that is in memory.
    template <typename Job>
    void read(const std::shared_ptr<Job>& job, const std::shared_ptr<const ReadyModel>& model,
              std::size_t bytes);
    void read(const VectorsJobPtr& job) {
        read(job, shelf_.run(job->model())->model(), job->text_bytes());
    }
    /// Finds the version that it names first, or ends it.
    void begin(const TextJobPtr& job);
    /// `by`: the model that read it.
    void on_read(const TextJobPtr& job, const std::shared_ptr<const ReadyModel>& by,
                 OrHostError<ReadyModel::PromptTokens> prompt);
    void on_read(const VectorsJobPtr& job, const std::shared_ptr<const ReadyModel>& by,
                 OrHostError<std::vector<text::Tokens>> texts);
    void let_in(bool stuck);
    TurnChoice choose(const Place& place, bool stuck);
    void end(const VectorsJobPtr& job);
    void drop_over();
    std::size_t running();

    ModelShelf& shelf_;
    RunSeams seams_;
    WaitingRoom& room_;
    ReadingDesk& reading_;
    bool ended_ = false;

    std::map<RequestId, TextJobPtr> jobs_;         // all that are not over
    std::list<VectorsJobPtr> vector_jobs_;         // the same
    std::vector<TextJobPtr> texts_without_model_;  // until it is in memory
    std::vector<VectorsJobPtr> vectors_without_model_;
    TurnQueue<Place> places_;
    VectorsDesk vectors_;  // those whose texts have been read
};

}  // namespace cairn::host
