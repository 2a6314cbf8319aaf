// Accuser: a stranger who offers exhibits against layer servers, true ones or not.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "serve/evidence_desk.h"
#include "sim/stranger.h"

namespace cairn::sim {

/// Offers exhibits and gives them to whoever asks.
struct Accuser {
    Accuser(World& world, const std::string& address) : stranger(world, address) {
        stranger.on_heard = [this](const std::string&, node::MessageKind kind, ByteView body) {
            if (kind != node::MessageKind::kGetExhibit) return;
            ++asked;
            const auto id = node::decode_hash(body);
            const auto has = exhibits.find(*id);
            if (has != exhibits.end()) stranger.say(node::MessageKind::kExhibit, has->second);
        };
    }
    void offer(const std::vector<serve::Exhibit>& list) {
        node::Exhibits message;
        for (const serve::Exhibit& exhibit : list) {
            Bytes bytes = encode(exhibit);
            message.notes.push_back(note_of(exhibit, bytes));
            exhibits[message.notes.back().id] = std::move(bytes);
        }
        stranger.say(node::MessageKind::kExhibits, encode(message));
    }

    Stranger stranger;
    std::map<Hash256, Bytes> exhibits;
    int asked = 0;
};

}  // namespace cairn::sim
