// What the one-machine commands share: threads and kernels to compute with, and a model with its
// tokenizer from files that the user named.
#pragma once

#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "formats/load.h"
#include "tensor/compute.h"
#include "text/tokenizer.h"

namespace cairn::cli {

class Command;
class Option;

/// Threads and kernels. Neither can change a result.
class Machine {
  public:
    /// 0 threads: one per processor. Kernels: CAIRN_KERNELS, else the fastest here.
    static Result<std::unique_ptr<Machine>> create(std::size_t threads);

    const tensor::Compute& compute() const { return compute_; }
    std::size_t threads() const { return pool_.size(); }
    std::string kernels() const;

  private:
    Machine(std::size_t threads, const tensor::Kernels* kernels)
        : pool_(threads), compute_{kernels, &pool_} {}

    ThreadPool pool_;
    tensor::Compute compute_;
};

inline constexpr std::size_t kMaxThreads = 1024;
/// --threads, for Machine::create(); `of_what`, if not empty, begins its description.
Option add_threads_option(const Command& command, std::size_t& threads,
                          const std::string& of_what = "");

struct LocalModel {
    model::Model model;
    std::string format;
    std::unique_ptr<text::Tokenizer> tokenizer;
    model::ParameterLayout layout;
    std::optional<model::Pooling> pooling{};  ///< where its files say so
    /// Of an encoder-decoder, whose decoder `model` is; only for those who need an answer.
    std::optional<formats::EncoderHalf> encoder{};
    /// What servers call it, where its layers' weights are not here to be hashed.
    std::optional<Hash256> name{};
};

/// kNotFound, naming the option, unless the path exists. Commands check all their inputs with this
/// before they read the first.
Status check_exists(const std::string& option, const std::string& path);

/// A file's text as tokens behind a begin token, for a model to predict. kInvalid if it is empty.
Result<text::Tokens> read_stream(const std::string& path, const text::Tokenizer& tokenizer);

/// What a command needs from a model: that it can write text, or only hidden states (any model), or
/// that it answers a prompt, by going on with it or by reading it with an encoder of its own.
enum class Needs { kText, kStates, kAnswer };

/// `tokenizer_path` may be empty: then the checkpoint's own, or the file beside the model.
/// kUnsupported for an encoder where text is needed, and for an encoder-decoder except where an
/// answer is. Errors name `option` where there is no model.
Result<std::unique_ptr<LocalModel>> load_local_model(const std::string& model_path,
                                                     const std::string& tokenizer_path,
                                                     Needs needs = Needs::kText,
                                                     const std::string& option = "--model");

/// --tokenizer, for load_local_model().
Option add_tokenizer_option(const Command& command, std::string& path);

/// Packs the weights for fast products and lets go of the memory or file they came from. Nothing
/// but inference can be done with the model afterwards; take its content hash before.
void pack_local_model(const tensor::Compute& compute, LocalModel& local);

}  // namespace cairn::cli
