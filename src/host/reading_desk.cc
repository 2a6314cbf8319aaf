#include "host/reading_desk.h"

#include <utility>

#include "text/interruption.h"

namespace cairn::host {

void ReadingDesk::add(const std::string& client, std::size_t bytes, Reading reading) {
    Lane& lane = bytes <= kShortBytes ? short_ : long_;
    lane.waiting.add(client, std::move(reading));
    next(lane);
}

void ReadingDesk::next(Lane& lane) {
    while (lane.reads.size() < lane.ahead) {
        auto taken = lane.waiting.take([](const Reading&) { return TurnChoice::kTake; });
        if (!taken) return;
        const auto one = std::make_shared<UnderWay>(*std::move(taken));
        lane.reads.push_back(one);
        // What a reading holds ends on the serving thread, which then knows that it is free.
        lane.thread.post([this, &lane, one]() mutable {
            {
                const text::Interruption interruption(one->raised);
                if (!one->raised) one->reading.read();
            }
            to_serving_([this, &lane, one = std::move(one)] {
                std::erase(lane.reads, one);
                next(lane);
                if (!one->raised) one->reading.done();
            });
        });
    }
}

void ReadingDesk::drop_over() {
    for (Lane* lane : {&short_, &long_}) {
        lane->waiting.remove_if([](const Reading& reading) { return reading.is_over(); });
        for (const auto& one : lane->reads)
            if (one->reading.is_over()) one->raised = true;
    }
}

bool ReadingDesk::is_busy() const {
    return !short_.reads.empty() || !long_.reads.empty() || !short_.waiting.empty() ||
           !long_.waiting.empty();
}

void ReadingDesk::stop() {
    for (Lane* lane : {&short_, &long_}) {
        for (const auto& one : lane->reads) one->raised = true;
        lane->thread.stop();
    }
}

}  // namespace cairn::host
