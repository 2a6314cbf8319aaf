// PartLink: a part in another process, behind a link of its own (S45). The link has a loop and a
// thread, so that whoever waits for an answer may simply wait; it checks that the other end has the
// parts' key, and tells a part that computes from one that is gone by asking whether it is alive.
#pragma once

#include <memory>
#include <string>

#include "serve/part_keys.h"
#include "serve/part_port.h"

namespace cairn::serve {

struct PartLinkPatience {
    std::uint64_t ask_ms = 500;        ///< of silence, before a part is asked whether it is alive
    std::uint64_t silence_ms = 3'000;  ///< after which it is taken for gone
};

class PartLink final : public PartPort {
  public:
    /// `name` is for people. Nothing is dialled before connect().
    static Result<std::unique_ptr<PartLink>> start(const PartKeys& keys, const std::string& address,
                                                   const std::string& name,
                                                   const PartLinkPatience& patience = {});
    ~PartLink() override;

    std::string name() const override;
    bool is_up() const override;
    std::string why_down() const override;
    /// Dials again and again meanwhile. Errors say why the last time came to nothing.
    Status connect(std::uint64_t patience_ms) override;
    Status send(PartKind kind, Bytes body) override;
    Result<PartMessage> receive(std::uint64_t patience_ms) override;
    void end() override;

  private:
    struct Impl;
    explicit PartLink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::serve
