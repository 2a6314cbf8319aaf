// The part of LayerServer that knows when a part of its divided layers is away, and has it back.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "serve/layer_server.h"
#include "serve/layer_server_state.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kWatchMs = 1000;

}  // namespace

void LayerServer::set_divided(ModelSnapshot snapshot, model::LayerRange layers,
                              std::shared_ptr<DividedLayers> divided) {
    const auto loaded = std::make_shared<Loaded>(std::move(snapshot), layers, std::move(divided));
    add_model(loaded);
    watch_parts(loaded);
}

void LayerServer::watch_parts(const std::shared_ptr<Loaded>& loaded) {
    loop_.call_after(kWatchMs, alive_.guard([this, loaded] {
        if (std::ranges::find(models_, loaded) == models_.end()) return;
        if (!loaded->divided->is_whole()) {
            if (loaded->lost.empty()) lose_parts(*loaded, loaded->divided->away());
            return join_parts(loaded);
        }
        watch_parts(loaded);
    }));
}

void LayerServer::lose_parts(Loaded& loaded, const std::string& reason) {
    if (loaded.lost.empty())
        log_warn("{} are not served until all parts are back: {}", describe(loaded.layers), reason);
    loaded.lost = reason;
    std::vector<Session*> ending;
    for (const auto& [id, session] : sessions_)
        if (session->loaded.get() == &loaded) ending.push_back(session.get());
    for (Session* session : ending) fail(*session, Refusal::kBusy, kPartsAway);
}

void LayerServer::join_parts(const std::shared_ptr<Loaded>& loaded) {
    offload(
        loop_, Lane::kLayers, [divided = loaded->divided] { return divided->join(); },
        alive_.guard([this, loaded](const Status& joined) {
            if (joined.ok()) {
                log_info("all parts are back: {} are served again", describe(loaded->layers));
                loaded->lost.clear();
            } else {
                const std::string& why = joined.error().message;
                if (std::exchange(loaded->lost, why) != why)
                    log_warn("still not all parts are back: {}", why);
            }
            watch_parts(loaded);
        }));
}

}  // namespace cairn::serve
