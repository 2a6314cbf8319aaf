#include "openai/body_desk.h"

#include <utility>

namespace cairn::openai {

bool BodyDesk::add(const std::string& client, std::size_t bytes, std::function<void()> read) {
    {
        const MutexLock lock(mutex_);
        const auto found = of_client_.find(client);
        const std::size_t own = found == of_client_.end() ? 0 : found->second;
        if (bytes_ + bytes > kMaxBytes || own + bytes > kMaxClientBytes) return false;
        bytes_ += bytes;
        if (bytes > 0) of_client_[client] = own + bytes;
        waiting_.add(client, {client, bytes, std::move(read)});
    }
    thread_.post([this] { read_one(); });
    return true;
}

void BodyDesk::read_one() {
    std::optional<Waiting> next;
    {
        const MutexLock lock(mutex_);
        next = waiting_.take([](const Waiting&) { return host::TurnChoice::kTake; });
    }
    if (!next) return;
    next->read();
    if (next->bytes == 0) return;
    const MutexLock lock(mutex_);
    bytes_ -= next->bytes;
    const auto own = of_client_.find(next->client);
    own->second -= next->bytes;
    if (own->second == 0) of_client_.erase(own);
}

void put_together_at(const std::weak_ptr<BodyDesk>& desk, const std::string& client,
                     std::size_t bytes, std::function<void()> work) {
    const std::shared_ptr<BodyDesk> there = bytes > BodyDesk::kShortBytes ? desk.lock() : nullptr;
    if (there == nullptr) return work();
    there->add_answer(client, std::move(work));
}

}  // namespace cairn::openai
