#include "fetch/leaf_source.h"

#include <bit>

namespace cairn::fetch {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers travel as they lie in memory");

crypto::MerkleRange whole_tree(const std::vector<Hash256>& leaves) {
    auto tree = crypto::MerkleRange::build(leaves, 0, leaves.size(), {});
    CHECK(tree.ok());
    return *std::move(tree);
}

/// Everything in memory.
class MemoryLeaves : public LeafSource {
  public:
    MemoryLeaves(Manifest manifest, const std::vector<Hash256>& leaves)
        : LeafSource(std::move(manifest)), tree_(whole_tree(leaves)) {
        CHECK(tree_.root() == this->manifest().root && tree_.total() == plan().leaves());
    }

    Result<LeafRun> read(std::uint64_t first, std::uint64_t count) const override {
        CHECK(has(first, count));
        const std::size_t tensor = plan().tensor_of(first);
        const std::uint64_t begin = (first - plan().tensor(tensor).first) * kLeafBytes;
        const ByteView bytes = bytes_of(tensor).subspan(begin, plan().bytes(first, count));
        return LeafRun{{bytes.begin(), bytes.end()}, tree_.prove(first, first + count)};
    }

  protected:
    bool has_tensor(std::size_t) const override { return true; }
    virtual ByteView bytes_of(std::size_t tensor) const = 0;

  private:
    crypto::MerkleRange tree_;
};

class ModelLeaves final : public MemoryLeaves {
  public:
    ModelLeaves(std::shared_ptr<const model::Model> model, NamedModel named)
        : MemoryLeaves(std::move(named.manifest), named.leaves),
          model_(std::move(model)),
          layout_(model_->layout()) {}

  private:
    ByteView bytes_of(std::size_t tensor) const override {
        const model::TensorInfo& info = layout_.tensors()[tensor];
        return model::tensor_at(model_->weights, info.kind, info.layer).canonical();
    }

    std::shared_ptr<const model::Model> model_;
    model::ParameterLayout layout_;
};

ByteView bytes_of_theta(const std::vector<std::int32_t>& theta) {
    return {reinterpret_cast<const std::uint8_t*>(theta.data()), theta.size() * sizeof theta[0]};
}

class ThetaLeaves final : public MemoryLeaves {
  public:
    ThetaLeaves(Manifest manifest, const std::vector<Hash256>& leaves,
                std::vector<std::int32_t> theta)
        : MemoryLeaves(std::move(manifest), leaves), theta_(std::move(theta)) {}

  private:
    ByteView bytes_of(std::size_t tensor) const override {
        const TensorLeaves& at = plan().tensor(tensor);
        return bytes_of_theta(theta_).subspan(at.first * kLeafBytes, at.bytes);
    }

    std::vector<std::int32_t> theta_;
};

}  // namespace

bool LeafSource::has(std::uint64_t first, std::uint64_t count) const {
    if (count == 0 || first >= plan_.leaves()) return false;
    const std::size_t number = plan_.tensor_of(first);
    const TensorLeaves& tensor = plan_.tensor(number);
    return count <= tensor.first + tensor.count - first && has_tensor(number);
}

std::shared_ptr<const LeafSource> leaves_of(std::shared_ptr<const model::Model> model,
                                            NamedModel named) {
    return std::make_shared<const ModelLeaves>(std::move(model), std::move(named));
}

std::shared_ptr<const LeafSource> leaves_of_chain(const model::ModelConfig& config,
                                                  std::vector<std::int32_t> theta) {
    const std::vector<Hash256> leaves = leaf_hashes(Form::kChain, bytes_of_theta(theta));
    Manifest manifest{Form::kChain, config, {}, whole_tree(leaves).root()};
    return std::make_shared<const ThetaLeaves>(std::move(manifest), leaves, std::move(theta));
}

}  // namespace cairn::fetch
