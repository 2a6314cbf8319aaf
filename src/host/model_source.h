// ModelSource: where a host gets a model from. Files are one kind (model_files.h); a node's own
// model, which becomes another one as the chain grows, can be another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "formats/loaded_model.h"
#include "text/tokenizer.h"

namespace cairn::host {

/// A model as its source gives it, before its weights are packed.
struct OpenedModel {
    formats::LoadedModel loaded;
    /// Null where there is none: then the model takes tokens only, and writes nothing.
    std::shared_ptr<const text::Tokenizer> tokenizer;
    std::string tokenizer_problem;  ///< why there is none
    /// What answers call it, where that says more than the id: the height of a chain's model.
    std::string answers_as;
    /// Equal where a source gives the same model again, to the bit: what was begun with it goes on
    /// although it left the memory meanwhile. Empty: nothing is known.
    std::string version;
};

class ModelSource {
  public:
    virtual ~ModelSource() = default;
    virtual std::string id() const = 0;  ///< what requests name it by
    /// Unix time of the file, or of whatever it is made from. Asked again when it has been opened,
    /// from another thread.
    virtual std::int64_t created_s() const = 0;
    /// Whether it writes text, as far as that can be told without opening it.
    virtual std::optional<bool> writes() const { return std::nullopt; }
    /// Whether it gives a newer model now and then, which answers name (OpenedModel::answers_as).
    virtual bool has_versions() const { return false; }
    /// Whether it is wanted from the start, and not when somebody asks for it.
    virtual bool at_start() const = 0;
    /// Reads it; may take long. On the host's loading thread, one source at a time. kTimeout: it is
    /// not there yet, and whoever asks again may get it.
    virtual Result<OpenedModel> open() = 0;
};

}  // namespace cairn::host
