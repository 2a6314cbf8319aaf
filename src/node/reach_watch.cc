#include "node/reach_watch.h"

#include <algorithm>

namespace cairn::node {
namespace {

constexpr std::size_t kMaxFailures = 64;
constexpr std::size_t kShown = 2;

std::string advice_for(ErrorCode code, const std::string& network) {
    switch (code) {
        case ErrorCode::kNotFound:
            return "check the name, and this machine's way into the net; it is tried again";
        case ErrorCode::kTimeout:
            return "check the address and the port, and that no firewall is between; it is tried "
                   "again";
        case ErrorCode::kInvalid:
            return "name the port that the other node gives as `other nodes connect to`, not that "
                   "of its page";
        case ErrorCode::kUnsupported:
            return "update whichever is older";
        case ErrorCode::kRefused:
            return "name with --connect another node, one of this network (" + network +
                   "; its network.json must be the same file)";
        default:
            return "check that the other node runs and listens there, and the port; it is tried "
                   "again";
    }
}

}  // namespace

void ReachWatch::on_failed(const std::string& address, Error error) {
    if (failures_.size() >= kMaxFailures && !failures_.contains(address)) failures_.clear();
    failures_[address] = std::move(error);
}

void ReachWatch::look(const Place& place, std::uint64_t now_ms, Conditions& conditions) {
    if (place.linked > 0) {
        lonely_since_ms_.reset();
        return conditions.clear(condition::kNoPeers);
    }
    if (!lonely_since_ms_) lonely_since_ms_ = now_ms;
    if (now_ms < *lonely_since_ms_ + kLonelyMs) return;
    if (place.known == 0 && failures_.empty())
        return conditions.note(
            condition::kNoPeers, "no other node is linked, and no address of one is known",
            "give --connect HOST:PORT of a node of this network" +
                (place.listen.empty() ? "" : ", or have others connect to " + place.listen));

    std::vector<std::pair<std::string, Error>> tried;
    for (const std::string& address : place.named) {
        const auto found = failures_.find(address);
        tried.emplace_back(address, found != failures_.end()
                                        ? found->second
                                        : Error{ErrorCode::kTimeout, "it does not answer"});
    }
    for (const auto& [address, error] : failures_)
        if (std::ranges::find(place.named, address) == place.named.end())
            tried.emplace_back(address, error);
    std::string message = "no other node can be reached";
    for (std::size_t i = 0; i < std::min(tried.size(), kShown); ++i)
        message += (i == 0 ? ": " : "; ") + tried[i].first + ": " + tried[i].second.message;
    if (tried.size() > kShown)
        message += "; and " + std::to_string(tried.size() - kShown) + " more addresses";
    const ErrorCode first = tried.empty() ? ErrorCode::kTimeout : tried.front().second.code;
    conditions.set(condition::kNoPeers, std::move(message), advice_for(first, place.network));
}

}  // namespace cairn::node
