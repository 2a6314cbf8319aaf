// ModelRun: a model in memory with the answers that it is writing. Answers join and leave a running
// batch (infer/batch.h); what they begin with and was computed before is copied, not computed.
//
// Only the serving thread touches it, one run steps at a time.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "host/drafting.h"
#include "host/paused.h"
#include "host/prefix_cache.h"
#include "host/yielding.h"

namespace cairn::host {

struct RunBounds {
    std::size_t max_sequences = 16;
    std::size_t prefill_rows = 256;  ///< of prompts in a step while nobody decodes
    model::KvType kv = model::KvType::kF32;
};

/// Memory that a run takes besides its weights.
std::uint64_t run_scratch_bytes(const model::ModelConfig& config, std::size_t context,
                                const RunBounds& bounds);

/// What runs share.
struct RunSeams {
    const tensor::Compute& compute;
    const Clock& clock;
    HostCounters& counters;
    MemoryBudget& budget;
    PrefixMemory& prefixes;
    Drafting* drafting = nullptr;  ///< null: nobody guesses ahead
};

class ModelRun {
  public:
    static constexpr std::size_t kOpenAnswer = 1024;

    ModelRun(std::shared_ptr<const ReadyModel> model, const RunBounds& bounds,
             const RunSeams& seams);
    ~ModelRun();

    const std::shared_ptr<const ReadyModel>& model() const { return model_; }
    /// Of weights and of what a batch is computed in.
    std::uint64_t bytes() const { return bytes_; }
    /// Memory that one answer takes from when it joins until it leaves.
    std::uint64_t answer_bytes(const TextJob& job) const;

    /// Tokens that an answer to a prompt may have for which no limit was said: what a place's share
    /// of the memory has room for, or kOpenAnswer.
    std::size_t open_answer(std::size_t prompt) const;

    bool has_place() const;
    /// Whether another text is computing what this job's prompt begins with: who waits finds it
    /// computed. The first looks through all texts and remembers what it found, the second asks
    /// only whether that is still so, which costs next to nothing.
    bool finds_under_way(TextJob& job);
    bool awaits(const TextJob& job) const;
    /// Takes a place and answer_bytes() of memory, which the caller has seen to be free. Answers
    /// must be possible (infer::BatchEngine::add); the model writes.
    void join(const TextJobPtr& job, std::size_t answer);
    /// The same for an answer that goes on; if it has its rows no memory is taken.
    void join(const TextJobPtr& job, std::size_t answer, Paused paused);

    /// An answer that has to wait for a place, or its memory, again.
    struct Yielded {
        TextJobPtr job;
        std::size_t answer = 0;
        Paused paused;
    };
    /// Whether an answer yields its place to this client (yielding.h).
    bool would_yield_to(const std::string& client) const { return victim(client).has_value(); }
    /// CHECKs that one does, and takes its place; it keeps its memory.
    Yielded yield_to(const std::string& client);
    /// All that are being written, as those see them who want memory.
    struct Holder {
        infer::SequenceId id = 0;
        const std::string* client = nullptr;
        MemoryHeld memory;  ///< but for client_bytes
    };
    std::vector<Holder> holders() const;
    /// Memory that a client's answers hold that are being written.
    std::uint64_t bytes_of(const std::string& client) const;
    /// Takes place and memory of one of them.
    Yielded evict(infer::SequenceId id);

    /// Paused::run of the answers that left it.
    const std::shared_ptr<const char>& token() const { return token_; }
    /// Whether answers that left may come back.
    bool is_awaited() const { return token_.use_count() > 1; }
    /// Computes one batch and tells the listeners. Whether an answer has ended.
    bool step();
    /// Frees the places of jobs that are over.
    void drop_over();
    /// Nothing is written, nor paused with its rows.
    bool is_idle() const {
        return joining_.empty() && running_.empty() && rows_token_.use_count() == 1;
    }
    std::size_t running() const { return joining_.size() + running_.size(); }

  private:
    struct Writing {
        Answer answer;
        KvReservation memory;
        text::Tokens text;        // until it is in the batch: the prompt, and what has been written
        std::size_t entered = 0;  // tokens of it
        std::uint64_t number = 0;
        std::uint64_t waited_us = 0;
        std::uint64_t since_us = 0;   // it has its place
        std::uint64_t worked_us = 0;  // before that, since it has had its memory
        unsigned evictions = 0;
        std::size_t kept = 0;  // tokens whose blocks have been remembered
        // Until it is in the batch: rows found in the prefix cache, to be copied up to `known`.
        std::optional<model::KvCache> cache{};
        std::size_t known = 0;

        const std::string& client() const { return answer.job()->request().client; }
    };
    using Running = std::map<infer::SequenceId, Writing>;

    model::KvCache new_cache(const TextJob& job) const;
    std::optional<infer::SequenceId> victim(const std::string& client) const;
    Yielded pause(Running::iterator at, bool keeps_rows);
    void fill_joining();
    void enter(Writing& writing);
    void remember(infer::SequenceId id, Writing& writing);
    bool on_event(const infer::BatchEvent& event);
    struct Ahead {
        std::size_t prompt_rows = 0;  // that could be computed now, beside one of each text
        bool decoding = false;        // some text has its prompt behind it
    };
    Ahead ahead() const;
    std::size_t slice_for(const Ahead& ahead) const;
    void learn_slice(const Ahead& ahead, std::uint64_t step_us);
    void count_drafts();

    std::shared_ptr<const ReadyModel> model_;
    RunBounds bounds_;
    RunSeams seams_;
    std::uint64_t bytes_;
    bool guessed_for_;
    std::unique_ptr<model::Transformer> transformer_;  // null: an encoder
    std::unique_ptr<infer::BatchEngine> engine_;
    PrefixCache prefix_;
    std::list<Writing> joining_;
    Running running_;
    std::shared_ptr<const char> token_ = std::make_shared<char>();
    std::shared_ptr<const char> rows_token_ = std::make_shared<char>();
    bool ended_ = false;  // an answer, in this step
    infer::DraftCount counted_;
    // Rows of prompts in a step beside texts that decode, and without any.
    double slice_beside_;
    double slice_alone_;
    double decode_us_ = 0;  // of a step without prompts
};

}  // namespace cairn::host
