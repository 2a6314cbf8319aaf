// What a LightClient makes of headers: of each node all that it has, those of less work than the
// best counted and not kept; and whether they have been compared.
#include <algorithm>
#include <utility>

#include "consensus/rules.h"
#include "node/light_client.h"

namespace cairn::node {

namespace {

/// Who told less than this part of the room for headers did not fill it.
constexpr std::size_t kFillerShare = 64;

Status done(const Result<LightHeaders::Taken>& taken) {
    return taken.ok() ? ok_status() : Status(taken.error());
}

}  // namespace

void LightClient::ask_headers(net::PeerId peer, Node& node) {
    if (!send(network_, peer, MessageKind::kGetHeaders, encode(GetHeaders{headers_->locator()})))
        return;
    node.headers_ms = now_ms();
}

void LightClient::make_room(net::PeerId peer, const std::string& why) {
    std::string filler = nodes_.at(peer).address;
    std::size_t most = options_.max_headers / kFillerShare;
    for (const auto& [address, told] : told_) {
        if (told.added < most || headers_->is_on_best(told.last)) continue;
        filler = address;
        most = told.added;
    }
    known_[filler] = true;
    dial_at_ms_.erase(filler);
    const auto linked = std::ranges::find_if(
        nodes_, [&](const auto& node) { return node.second.address == filler; });
    if (linked != nodes_.end()) leave_out(linked->first, why);
    if (!fetcher_) forget_headers();
}

void LightClient::forget_headers() {
    take_first_root(first_root_);
    first_headers_ms_ = more_headers_ms_ = 0;
    told_.clear();
    for (auto& [peer, node] : nodes_) {
        node.is_stale = node.headers_ms != 0;
        node.counted.reset();
        node.headers_done = node.is_compared = false;
        node.headers_ms = 0;
    }
}

// From where it stands on its own branch, which need not be the best one.
void LightClient::ask_headers_behind(net::PeerId peer, Node& node, const BlockNode* from,
                                     const Hash256& last) {
    GetHeaders next{headers_->locator(from)};
    if (next.locator.front() != last) next.locator.insert(next.locator.begin(), last);
    if (next.locator.size() > kMaxLocator) next.locator.resize(kMaxLocator);
    send(network_, peer, MessageKind::kGetHeaders, encode(next));
    node.headers_ms = more_headers_ms_ = new_ms_ = now_ms();
}

Status LightClient::on_headers(net::PeerId peer, Node& node, ByteView body) {
    ASSIGN_OR_RETURN(const Headers told, decode_headers(body));
    if (!headers_) return ok_status();
    if (node.headers_ms == 0) {
        // A newer block than it told of, perhaps. Only answers are read, one at a time: to check
        // what is not kept may cost more than to send it again.
        if (!told.headers.empty() &&
            headers_->find(chain::block_hash(told.headers.back())) == nullptr)
            node.headers_done = false;
        return ok_status();
    }
    const bool is_one = told.headers.size() == 1;
    if (node.counted && !told.headers.empty()) {
        if (told.headers[0].previous == node.counted->last()) {
            node.headers_ms = 0;
            return on_counted(peer, node, told.headers);
        }
        // Its newest block, on a branch that is known here; the answer is still to come.
        if (is_one && headers_->find(told.headers[0].previous) != nullptr)
            return done(take_headers(node, told.headers, LightHeaders::Counted::kNo));
    }
    if (!told.headers.empty() && headers_->find(told.headers[0].previous) == nullptr) {
        // Nodes announce their newest block alone, also to who has not read up to there yet. And
        // what was asked for before forget_headers() may go on from what is forgotten.
        const bool is_stale = std::exchange(node.is_stale, false);
        if (is_stale || is_one) {
            node.headers_done = false;
            return ok_status();
        }
    }
    node.counted.reset();  // it follows another branch by now, or has no more of this one
    node.headers_ms = 0;
    const bool is_full = told.headers.size() == kMaxHeadersPerMessage;
    ASSIGN_OR_RETURN(const LightHeaders::Taken taken,
                     take_headers(node, told.headers, LightHeaders::Counted::kNo));
    if (is_full && taken.too_little_work) {
        const auto first = std::ranges::find_if(told.headers, [this](const auto& header) {
            return headers_->find(chain::block_hash(header)) == nullptr;
        });
        node.counted = std::make_unique<Presync>(headers_->find(first->previous), options_.salt,
                                                 headers_->best()->work);
        return on_counted(peer, node, {first, told.headers.end()});
    }
    if (is_full && taken.added > 0) {
        ask_headers_behind(peer, node, headers_->best(), chain::block_hash(told.headers.back()));
        return ok_status();
    }
    headers_are_told(node);
    return ok_status();
}

void LightClient::headers_are_told(Node& node) {
    node.counted.reset();
    node.headers_done = node.is_compared = true;
    if (first_headers_ms_ == 0) first_headers_ms_ = now_ms();
}

Result<LightHeaders::Taken> LightClient::take_headers(Node& node,
                                                      std::span<const chain::BlockHeader> headers,
                                                      LightHeaders::Counted counted) {
    ASSIGN_OR_RETURN(const LightHeaders::Taken taken,
                     headers_->take(headers, clock_.wall_ms(), consensus::Work::kUnknown, counted));
    if (taken.added > 0) {
        new_ms_ = now_ms();
        Told& sum = told_[node.address];
        sum.added += taken.added;
        // The last may be of a time to come, and not taken.
        for (const chain::BlockHeader& header : headers)
            if (const BlockNode* found = headers_->find(chain::block_hash(header)))
                sum.last = found;
    }
    if (options_.progress)
        options_.progress("headers", headers_->best()->height, headers_->best()->height);
    return taken;
}

// Headers of little work cost nothing where a branch leaves the chain far back: what has less than
// the best is counted with a bit for each, and read again and kept once it has more.
Status LightClient::on_counted(net::PeerId peer, Node& node,
                               std::span<const chain::BlockHeader> headers) {
    Presync& counted = *node.counted;
    const chain::Versions newest = consensus::own_rule_book().newest();
    const bool is_last = headers.size() < kMaxHeadersPerMessage && counted.counted() > 0;
    bool is_over = is_last;
    if (counted.is_second_reading()) {
        if (!counted.matches(found_.network, newest, headers, clock_.wall_ms()))
            return invalid("it sent another branch when it was asked for it again");
        RETURN_IF_ERROR(done(take_headers(node, headers, LightHeaders::Counted::kYes)));
        is_over = is_over || counted.is_complete();
        if (is_over && !is_last) {  // what came on top meanwhile
            node.counted.reset();
            ask_headers_behind(peer, node, headers_->best(), chain::block_hash(headers.back()));
            return ok_status();
        }
    } else {
        const Verdict verdict = counted.count(found_.network, newest, headers, clock_.wall_ms(),
                                              consensus::Work::kUnknown);
        if (verdict.is_invalid()) return invalid("it sent an invalid header: " + verdict.reason());
        if (counted.counted() > options_.max_headers)
            return invalid("it sends more headers than this program keeps");
        const bool is_best = counted.walk().work() > headers_->best()->work;
        if (is_best) counted.read_again();
        is_over = !is_best && (is_last || verdict.is_undecided());
    }
    if (is_over) {
        headers_are_told(node);
        return ok_status();
    }
    ask_headers_behind(peer, node, counted.from(), counted.last());
    return ok_status();
}

// Nodes that are still being dialled have a moment; one that is being read has as long as it goes
// on: what it has told so far says nothing of the work that is still to come.
bool LightClient::are_headers_compared() const {
    if (first_headers_ms_ == 0) return false;
    if (now_ms() >= std::max(first_headers_ms_, more_headers_ms_) + options_.compare_ms)
        return true;
    const auto is_done = [](const auto& node) {
        return node.second.headers_done && node.second.told_addresses;
    };
    return dial_at_ms_.empty() && std::ranges::all_of(nodes_, is_done);
}

}  // namespace cairn::node
