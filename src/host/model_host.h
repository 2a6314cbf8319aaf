// ModelHost: the models on this machine behind the seam of text_host.h. Requests join and leave
// running batches, equal beginnings are computed once, places and memory are shared fairly, and
// everybody gets the bits that he would have got alone.
//
//   ASSIGN_OR_RETURN(auto models, model_files({"smollm2.gguf", "models/"}));
//   ASSIGN_OR_RETURN(auto host, ModelHost::start({.models = std::move(models)}));
//   host->write({.model = "smollm2", .prompt = "Once"}, listener);
//
// Four threads: one serves (serving.h), with a pool that computes; one loads models; two read
// prompts (reading_desk.h), which takes a while for long ones.
#pragma once

#include <atomic>
#include <memory>

#include "host/serving.h"

namespace cairn::host {

class ModelHost final : public TextHost {
  public:
    /// Answers at once, while models load; only the model that guesses ahead, a small one, is there
    /// first. kInvalid for options out of their bounds, no model or two of one id.
    static Result<std::unique_ptr<ModelHost>> start(HostOptions options);
    /// Ends all that goes on with kCancelled, within one batch; waits for a load that is under way.
    ~ModelHost() override;

    std::vector<HostedModel> models() const override { return shelf_.views(); }
    RequestId write(TextRequest request, std::shared_ptr<TextListener> listener) override;
    void cancel(RequestId id) override;
    RequestId embed(VectorsRequest request, VectorsDone done) override;
    std::string metrics() const override;

    /// A model's source has another model now. Texts being written go on with the one with which
    /// they began, and later ones get the other, once it is loaded. Any thread.
    void refresh(const std::string& id);

    /// What computes, for people: "avx512", 2.
    std::string kernels() const;
    std::size_t threads() const { return pool_.size(); }

  private:
    ModelHost(HostOptions options, std::optional<OpenedModel> draft, const tensor::Kernels* kernels,
              std::size_t threads);

    struct Found {
        std::size_t model = 0;  ///< its place
        std::string version;    ///< empty: the newest
    };
    /// The model, or version, that a request names or, if it names none, the first model that can
    /// do what is asked.
    OrHostError<Found> find(const std::string& id, bool writes) const;

    HostCounters counters_;
    const Clock& clock_;
    MemoryBudget budget_;
    PrefixMemory prefixes_;
    ThreadPool pool_;
    ThreadPool loader_pool_;
    tensor::Compute compute_;
    tensor::Compute loader_;
    Drafting drafting_;
    WaitingRoom room_;
    std::atomic<RequestId> last_id_ = 0;
    TaskThread loading_;
    ReadingDesk reading_;
    ModelShelf shelf_;
    Serving serving_;
    TaskThread serving_thread_;  // last: its turns use all else
};

}  // namespace cairn::host
