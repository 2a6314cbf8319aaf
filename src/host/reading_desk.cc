#include "host/reading_desk.h"

#include <memory>
#include <utility>

namespace cairn::host {

void ReadingDesk::add(const std::string& client, std::size_t bytes, Reading reading) {
    Lane& lane = bytes <= kShortBytes ? short_ : long_;
    lane.waiting.add(client, std::move(reading));
    next(lane);
}

void ReadingDesk::next(Lane& lane) {
    while (lane.reads < lane.ahead) {
        auto taken = lane.waiting.take([](const Reading&) { return TurnChoice::kTake; });
        if (!taken) return;
        ++lane.reads;
        lane.thread.post([this, &lane, reading = std::make_shared<Reading>(*std::move(taken))] {
            reading->read();
            to_serving_([this, &lane, reading] {
                --lane.reads;
                next(lane);
                reading->done();
            });
        });
    }
}

void ReadingDesk::drop_over() {
    const auto over = [](const Reading& reading) { return reading.is_over(); };
    short_.waiting.remove_if(over);
    long_.waiting.remove_if(over);
}

bool ReadingDesk::is_busy() const {
    return short_.reads > 0 || long_.reads > 0 || !short_.waiting.empty() || !long_.waiting.empty();
}

void ReadingDesk::stop() {
    short_.thread.stop();
    long_.thread.stop();
}

}  // namespace cairn::host
