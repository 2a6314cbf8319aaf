#include "node/peer_reads.h"

#include <algorithm>
#include <utility>

namespace cairn::node {

std::size_t PeerReads::Group::waiting() const {
    std::size_t count = 0;
    for (const OfPeer& of_peer : peers) count += of_peer.questions.size();
    return count;
}

void PeerReads::add(Question question) {
    const net::PeerId peer = question.peer;
    const auto counted = of_peer_.find(peer);
    if (counted != of_peer_.end() && counted->second >= limits_.per_peer) return question.refuse();
    const std::string name = group_of_ ? group_of_(peer) : std::string();
    if (waiting_ >= limits_.waiting && !make_room(name, peer)) return question.refuse();
    auto group = std::ranges::find(groups_, name, &Group::name);
    if (group == groups_.end()) group = groups_.insert(groups_.end(), Group{name, {}});
    auto of_peer = std::ranges::find(group->peers, peer, &OfPeer::peer);
    if (of_peer == group->peers.end())
        of_peer = group->peers.insert(group->peers.end(), OfPeer{peer, {}});
    of_peer->questions.push_back(std::move(question));
    ++of_peer_[peer];
    ++waiting_;
    run();
}

// The latest question of whoever has most waiting gives way: in the part that has most, or in the
// asker's own if none has more. It must leave the loser no less than the asker then has.
bool PeerReads::make_room(const std::string& group, net::PeerId peer) {
    const auto own = std::ranges::find(groups_, group, &Group::name);
    const std::size_t has = own == groups_.end() ? 0 : own->waiting();
    auto loser = std::ranges::max_element(groups_, {}, &Group::waiting);
    if (loser == groups_.end()) return false;
    if (loser->waiting() <= has + 1) loser = own;
    if (loser == groups_.end()) return false;
    const auto size = [](const OfPeer& of_peer) { return of_peer.questions.size(); };
    const auto most = std::ranges::max_element(loser->peers, {}, size);
    if (loser == own) {
        const auto asker = std::ranges::find(own->peers, peer, &OfPeer::peer);
        if (size(*most) <= (asker == own->peers.end() ? 0 : size(*asker)) + 1) return false;
    }
    const Question gone = std::move(most->questions.back());
    most->questions.pop_back();
    if (most->questions.empty()) loser->peers.erase(most);
    if (loser->peers.empty()) groups_.erase(loser);
    --waiting_;
    release(gone.peer);
    gone.refuse();
    return true;
}

void PeerReads::forget(net::PeerId peer) {
    of_peer_.erase(peer);
    for (Group& group : groups_)
        std::erase_if(group.peers, [this, peer](const OfPeer& of_peer) {
            if (of_peer.peer != peer) return false;
            waiting_ -= of_peer.questions.size();
            return true;
        });
    std::erase_if(groups_, [](const Group& group) { return group.peers.empty(); });
}

std::size_t PeerReads::most_of_a_peer() const {
    std::size_t most = 0;
    for (const auto& [peer, count] : of_peer_) most = std::max(most, count);
    return most;
}

void PeerReads::release(net::PeerId peer) {
    const auto counted = of_peer_.find(peer);
    if (counted != of_peer_.end() && --counted->second == 0) of_peer_.erase(counted);
}

PeerReads::Question PeerReads::take_next() {
    const auto group = groups_.begin();
    const auto of_peer = group->peers.begin();
    Question question = std::move(of_peer->questions.front());
    of_peer->questions.pop_front();
    if (of_peer->questions.empty())
        group->peers.erase(of_peer);
    else
        group->peers.splice(group->peers.end(), group->peers, of_peer);
    if (group->peers.empty())
        groups_.erase(group);
    else
        groups_.splice(groups_.end(), groups_, group);
    --waiting_;
    return question;
}

// A read may finish at once and so come back here: only the outermost call goes on.
void PeerReads::run() {
    if (std::exchange(running_, true)) return;
    while (reading_ < limits_.at_once && waiting_ > 0) {
        const Question question = take_next();
        ++reading_;
        question.read(alive_.guard([this, peer = question.peer] { on_finished(peer); }));
    }
    running_ = false;
}

void PeerReads::on_finished(net::PeerId peer) {
    --reading_;
    release(peer);
    run();
}

}  // namespace cairn::node
