// ChainModelSource: the chain's model as a host (host/model_host.h) opens it. The node is asked for
// it only when it is needed, so that a node that nobody asks holds no copy.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "host/model_source.h"
#include "node/served_model.h"

namespace cairn::api {

class ChainModelSource final : public host::ModelSource {
  public:
    /// `needed` is called on the host's loading thread when open() waits for give() or refuse().
    ChainModelSource(std::string id, std::function<void()> needed)
        : id_(std::move(id)), needed_(std::move(needed)) {}

    std::string id() const override { return id_; }
    /// Of the merge block; 0 before somebody asked.
    std::int64_t created_s() const override;
    bool has_versions() const override { return true; }
    /// When somebody asks for it.
    bool at_start() const override { return false; }
    /// Waits for a model, unless one was given that has not been opened yet.
    Result<host::OpenedModel> open() override;

    // Any thread.

    /// Whether somebody has ever asked for it.
    bool is_wanted() const;
    bool is_awaited() const;  ///< by open()
    /// The block of the latest model; zero if there was none.
    Hash256 known() const;
    /// False if open() waited for it; if not, the host should be told that there is another model.
    bool give(node::ServedModel model);
    /// Ends an open() that waits.
    void refuse(const Error& why);
    /// Ends it, and all later ones.
    void stop();

  private:
    std::string id_;
    std::function<void()> needed_;
    mutable Mutex mutex_;
    Condition given_;
    std::optional<node::ServedModel> next_ GUARDED_BY(mutex_);
    std::optional<Error> refusal_ GUARDED_BY(mutex_);
    Hash256 known_ GUARDED_BY(mutex_);
    std::uint64_t time_ms_ GUARDED_BY(mutex_) = 0;
    bool wanted_ GUARDED_BY(mutex_) = false;
    bool awaited_ GUARDED_BY(mutex_) = false;
    bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace cairn::api
