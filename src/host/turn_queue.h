// TurnQueue: what waits, by who asked. Whoever got something goes to the end of the round, so that
// somebody who asks for one thing waits for one of everybody else's, however many they asked for.
#pragma once

#include <algorithm>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <utility>

namespace cairn::host {

/// What to do with what waits: take it, or look at the next.
enum class TurnChoice { kTake, kNext };

template <typename T>
class TurnQueue {
  public:
    void add(const std::string& client, T item) { of(client).items.push_back(std::move(item)); }
    /// Before what this client has waiting already.
    void add_first(const std::string& client, T item) {
        of(client).items.push_front(std::move(item));
    }

    /// Asks `choose` about what waits, client by client, until it takes one. What it takes leaves,
    /// and the client's next turn comes after everybody else's.
    template <typename Choose>
    std::optional<T> take(const Choose& choose) {
        for (auto client = clients_.begin(); client != clients_.end(); ++client)
            for (auto item = client->items.begin(); item != client->items.end(); ++item) {
                if (choose(*item) == TurnChoice::kNext) continue;
                std::optional<T> taken = std::move(*item);
                client->items.erase(item);
                if (client->items.empty())
                    clients_.erase(client);
                else
                    clients_.splice(clients_.end(), clients_, client);
                return taken;
            }
        return std::nullopt;
    }

    /// Drops what `drops` says yes to.
    template <typename Drops>
    void remove_if(const Drops& drops) {
        for (Client& client : clients_) std::erase_if(client.items, drops);
        std::erase_if(clients_, [](const Client& client) { return client.items.empty(); });
    }

    /// `visit` may change what waits, and not that it does.
    template <typename Visit>
    void for_each(const Visit& visit) {
        for (Client& client : clients_)
            for (T& item : client.items) visit(item);
    }

    bool empty() const { return clients_.empty(); }

  private:
    struct Client {
        std::string name;
        std::deque<T> items;  // in the order of asking
    };
    Client& of(const std::string& client) {
        auto at = std::ranges::find(clients_, client, &Client::name);
        if (at == clients_.end()) at = clients_.insert(clients_.end(), Client{client, {}});
        return *at;
    }

    std::list<Client> clients_;  // whose turn is next first; each has something
};

}  // namespace cairn::host
