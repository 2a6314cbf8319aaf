// VectorsJob: a request for vectors of texts, from when it comes until it has been answered.
#pragma once

#include <memory>
#include <utility>

#include "host/host_counters.h"
#include "host/ready_model.h"
#include "host/text_host.h"

namespace cairn::host {

/// The memory that its texts take.
std::size_t bytes_of(const VectorsRequest& request);

class VectorsJob {
  public:
    VectorsJob(RequestId id, VectorsRequest request, VectorsDone done, std::size_t model,
               HostCounters& counters)
        : id_(id),
          request_(std::move(request)),
          done_(std::move(done)),
          model_(model),
          counters_(counters) {}

    RequestId id() const { return id_; }
    const VectorsRequest& request() const { return request_; }
    std::size_t model() const { return model_; }
    std::size_t text_bytes() const { return bytes_of(request_); }

    /// The texts as tokens, in order.
    void set_texts(std::vector<text::Tokens> texts) { texts_ = std::move(texts); }
    /// Those that have no vector yet.
    std::span<const text::Tokens> left() const {
        return std::span(texts_).subspan(vectors_.vectors.size());
    }
    /// All vectors come from one model: what another made is forgotten.
    void begin_with(const std::shared_ptr<const ReadyModel>& model) {
        const bool same =
            model_in_use_.lock() == model || (!version_.empty() && version_ == model->version());
        if (!same) vectors_.vectors.clear();
        model_in_use_ = model;
        version_ = model->version();
    }
    bool has_begun() const { return !vectors_.vectors.empty(); }
    void add(std::vector<float> vector) { vectors_.vectors.push_back(std::move(vector)); }

    bool is_over() const { return over_; }
    /// Each ends it; the first counts.
    void succeed(const std::string& model);
    void fail(const HostError& error);
    void cancel();  ///< without a word

  private:
    RequestId id_;
    VectorsRequest request_;
    VectorsDone done_;
    std::size_t model_;
    HostCounters& counters_;
    std::vector<text::Tokens> texts_;
    std::weak_ptr<const ReadyModel> model_in_use_;  // that made the vectors so far
    std::string version_;                           // of it, if known
    Vectors vectors_;
    bool over_ = false;
};

using VectorsJobPtr = std::shared_ptr<VectorsJob>;

}  // namespace cairn::host
