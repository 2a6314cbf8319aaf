// LayerPart: what a part of a server computes for the lead (S46): its heads and columns of every
// layer, as the lead's Join says, and the heads' caches. It answers messages and knows no links: a
// process of its own puts it behind one (run_part.h), and the lead's own share is one, too.
//
// A part trusts its lead as a thread of a program trusts the others; still no message makes it
// crash, and its caches are bounded.
//
// Calls come one at a time, from any thread. They take as long as computing does.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>

#include "model/share_layers.h"
#include "serve/model_snapshot.h"
#include "serve/part_messages.h"
#include "tensor/compute.h"

namespace cairn::serve {

struct LayerPartOptions {
    /// Memory for the caches of all sequences.
    std::uint64_t max_cache_bytes = std::uint64_t{1280} << 20;
    std::size_t max_caches = 1024;
};

class LayerPart {
  public:
    /// `whole` has all layers in `held`, not packed; a share of them is copied when the lead joins.
    /// What is behind `compute` must outlive it.
    LayerPart(ModelSnapshot whole, model::LayerRange held, const tensor::Compute& compute,
              const LayerPartOptions& options = {});
    ~LayerPart();

    /// The answer to a message of the lead's; nothing to kClose, and to kinds that no lead sends.
    std::optional<PartMessage> answer(PartKind kind, ByteView body);
    /// The lead is gone, and its caches with it. The share's weights stay, for it may come back.
    void forget();

    /// From any thread.
    std::uint64_t rows_computed() const { return rows_; }
    std::size_t caches() const { return caches_.size(); }

  private:
    struct Joined;

    Status join(ByteView body);
    Status open(ByteView body);
    void close(std::uint64_t cache);
    Result<Bytes> heads(ByteView body);
    Result<Bytes> columns(ByteView body);
    /// What the rows of a message mean for the caches; kInvalid if they do not fit them.
    Result<std::vector<model::Segment>> segments_of(const PartHeads& message);
    Status check_rows(std::uint32_t layer, std::size_t rows, std::size_t numbers) const;

    ModelSnapshot whole_;
    model::LayerRange held_;
    tensor::Compute compute_;
    LayerPartOptions options_;
    std::unique_ptr<Joined> joined_;
    std::map<std::uint64_t, std::unique_ptr<model::KvCache>> caches_;
    std::uint64_t cache_bytes_ = 0;
    std::atomic<std::uint64_t> rows_{0};
};

}  // namespace cairn::serve
