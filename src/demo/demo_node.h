// One node of the demo: its folder, its process, and what its API says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/remote_node.h"
#include "demo/child_process.h"
#include "demo/demo_view.h"

namespace cairn::demo {

struct DemoNodeOptions {
    std::string directory;     ///< the node's own folder
    std::string network_file;  ///< network.json, its assets beside it
    std::string train_file;    ///< empty: only follows the chain
    std::string books;         ///< which books it has, for people
    std::vector<std::string> connect;
    std::uint16_t api_port = 0;  ///< 0: any
    std::uint64_t seed = 0;
    bool mine = true;
    std::string serve{};  ///< layers A-B that it computes for coins; empty: none
    std::string price{};  ///< in coins for 1,000 tokens through one layer
};

class DemoNode {
  public:
    /// Starts the process; returns once its API answers, or with the end of its log.
    static Result<DemoNode> start(const DemoNodeOptions& options, const Stop& stop);

    /// "host:port" for other nodes.
    const std::string& address() const { return address_; }
    /// "http://host:port/".
    std::string dashboard() const { return "http://" + api_ + "/"; }
    const std::string& directory() const { return options_.directory; }

    /// Asks for its status; an unanswered call leaves `answering` false. kIo once it has died.
    Result<DemoNodeView> look();
    /// Merge blocks of its active chain, ascending.
    Result<std::vector<store::MergeRecord>> merges() const;
    /// What the model of its tip writes.
    Result<std::string> generate(const std::string& prompt, std::uint32_t tokens) const;
    /// Writes the tip's model into its folder; the file's path.
    Result<std::string> export_model() const;
    void ask_to_end() { process_->ask_to_end(); }
    void stop() { process_->stop(); }
    /// As a crash does it.
    void kill() { process_->kill(); }
    /// Starts it again on its folder.
    Status restart(const Stop& stop);

  private:
    DemoNode() = default;
    Result<api::RemoteNode> remote(std::uint64_t timeout_ms = api::Client::kDefaultTimeoutMs) const;

    DemoNodeOptions options_;
    std::unique_ptr<ChildProcess> process_;
    std::string api_;  // "host:port"
    std::string address_;
};

}  // namespace cairn::demo
