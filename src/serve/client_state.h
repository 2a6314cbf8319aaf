// Private to client*.cc: what a Client keeps per session and per search for servers.
#pragma once

#include <deque>
#include <optional>

#include "serve/client.h"

namespace cairn::serve {

inline constexpr std::size_t kNoHop = SIZE_MAX;
inline constexpr std::size_t kMaxEnded = 256;

struct Client::Pending {
    std::uint32_t position = 0;
    std::uint32_t tokens = 0;
    Hash256 states;  // what we sent, hashed
    Answer<States> done;
};

struct Client::Session {
    struct Link {
        Hop hop;
        net::PeerId peer = 0;  // 0: not connected yet
        bool opened = false;
        Hash256 inputs;  // rolling hash that its next receipt must continue
        std::optional<Progress> progress;
    };

    SessionTerms terms;
    std::uint32_t dim = 0;
    std::vector<Link> links;
    Answer<Hash256> open_done;  // empty once answered
    bool is_open = false;
    std::uint32_t sent = 0;  // positions
    std::deque<Pending> pending;
    std::uint64_t waiting_since_us = 0;  // for the first of them
    TimerId timer = 0;

    const Hash256& id() const { return terms.session; }
    std::size_t hop_of(net::PeerId peer) const {
        for (std::size_t i = 0; i < links.size(); ++i)
            if (links[i].peer == peer) return i;
        return kNoHop;
    }
};

struct Client::Search {
    struct Target {
        std::string address;
        net::PeerId peer = 0;
        bool settled = false;
        std::optional<Announce> offer;
        std::string why_silent;
    };

    std::uint64_t serial = 0;
    std::vector<Target> targets;
    std::function<void(Discovery)> done;
    TimerId timer = 0;
};

}  // namespace cairn::serve
