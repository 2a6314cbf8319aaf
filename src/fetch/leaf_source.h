// LeafSource: who has leaves of a model, all or some, and can prove them. Immutable; read from any
// thread.
#pragma once

#include <memory>

#include "crypto/merkle_range.h"
#include "fetch/manifest.h"

namespace cairn::fetch {

/// Leaves of one tensor, with their proof.
struct LeafRun {
    Bytes bytes;
    crypto::RangeProof proof;
};

class LeafSource {
  public:
    explicit LeafSource(Manifest manifest)
        : manifest_(std::move(manifest)), name_(manifest_.name()), plan_(manifest_) {}
    virtual ~LeafSource() = default;

    const Manifest& manifest() const { return manifest_; }
    const Hash256& name() const { return name_; }
    const LeafPlan& plan() const { return plan_; }

    /// Whether leaves [first, first + count) are there and of one tensor, so that they can be read.
    bool has(std::uint64_t first, std::uint64_t count) const;
    /// CHECKs has(). May read from disk: then kIo, or kInvalid for what lies there damaged.
    virtual Result<LeafRun> read(std::uint64_t first, std::uint64_t count) const = 0;

  protected:
    virtual bool has_tensor(std::size_t number) const = 0;

  private:
    Manifest manifest_;
    Hash256 name_;
    LeafPlan plan_;
};

/// A whole model in memory (or in a mapped file), unpacked; shares its memory. `named` is
/// name_model() of it.
std::shared_ptr<const LeafSource> leaves_of(std::shared_ptr<const model::Model> model,
                                            NamedModel named);

/// The chain's model: parameters in the layout of its state, padding included.
std::shared_ptr<const LeafSource> leaves_of_chain(const model::ModelConfig& config,
                                                  std::vector<std::int32_t> theta);

}  // namespace cairn::fetch
