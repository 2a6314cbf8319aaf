// Serving: what a host does between a request and its answer, as one thread sees it. A request
// waits until its model is in memory and its prompt has been read (on another thread), then for a
// place; those who ask take turns (turn_queue.h), and who holds much yields to who has nothing
// (yielding.h). Each turn lets in whoever fits, computes a batch
// of every model that writes, and a bounded piece of vectors.
//
// All of it runs on the serving thread.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <utility>
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
        std::unique_ptr<Paused> paused{};  // null: it has not begun
    };
    // While places are given in a turn: what need not be looked at again.
    struct Round {
        bool stuck = false;
        bool is_short = false;   // of memory, for somebody who has none
        std::size_t checks = 0;  // that may still be made of what is under way
        std::set<std::pair<const ModelRun*, std::string>> refused{};  // null: memory, of any run
        std::vector<ModelRun::Yielded> yielded{};
    };

    /// With a model that is in memory.
    template <typename Job>
    void read(const std::shared_ptr<Job>& job, const std::shared_ptr<const ReadyModel>& model,
              std::size_t bytes);
    void begin(const VectorsJobPtr& job) {
        read(job, shelf_.run(job->model())->model(), job->text_bytes());
    }
    /// Finds the version that it names first, or ends it.
    void begin(const TextJobPtr& job);
    /// Its model was unloaded before it could be read.
    void begin_again(const TextJobPtr& job);
    void begin_again(const VectorsJobPtr& job);
    /// `by`: the model that read it.
    void on_read(const TextJobPtr& job, const std::shared_ptr<const ReadyModel>& by,
                 OrHostError<ReadyModel::PromptTokens> prompt);
    void on_read(const VectorsJobPtr& job, const std::shared_ptr<const ReadyModel>& by,
                 OrHostError<std::vector<text::Tokens>> texts);
    /// A job whose prompt the run's model has read: its answers wait for places.
    void admit(const TextJobPtr& job, ModelRun& run);
    void let_in(bool stuck);
    /// Where a model has waited long for memory, answers of another give up theirs.
    void clear_for_models();
    /// Whether its model was loaded for somebody like it, and has served nobody yet.
    bool is_owed(const Place& place);
    /// Where nothing runs, those whose models owe them a turn come first.
    std::optional<Place> next_place(Round& round);
    TurnChoice choose(Place& place, Round& round);
    bool find_place(const Place& place, ModelRun& run, Round& round);
    bool find_memory(const Place& place, ModelRun& run, Round& round);
    bool evict_for(const std::string& client, std::uint64_t wanted, std::size_t model,
                   Round& round);
    std::uint64_t memory_of(const std::string& client);
    /// Memory for vectors of a text, beside a model in memory.
    bool find_for_vectors(const std::string& client, std::uint64_t bytes, std::size_t model);
    /// Where a place can be had: of an answer that goes on, the run that it left. Null if it is not
    /// in memory.
    ModelRun* run_of(const Place& place);
    /// What has begun with a model that left memory goes on with this run, if it is the same.
    void take_up(std::size_t model, const ModelRun& run);
    void wait_again(std::vector<ModelRun::Yielded> yielded);
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
