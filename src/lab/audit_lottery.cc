#include "lab/audit_lottery.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

namespace cairn::lab {

namespace {

constexpr std::uint64_t kPaidAnswers = 200;
constexpr std::uint32_t kRoomInWave = 2;

bool chance(Random& random, double probability) {
    return static_cast<double>(random.u64()) * 0x1p-64 < probability;
}

/// One key as a Verifier sees it.
class Key {
  public:
    trust::ServerStatus status() const { return status_; }
    double passed() const { return counts_.right; }
    double audit_chance(double rate) const {
        return trust::audit_chance(counts_, status_, {.audit_rate = rate});
    }
    void found(trust::Finding finding) {
        counts_.add(finding);
        if (finding == trust::Finding::kConvicted) status_ = trust::ServerStatus::kConvicted;
        if (status_ != trust::ServerStatus::kConvicted)
            status_ = trust::standing_of(counts_, "", 1, 1, {}).status;
    }

  private:
    trust::AuditCounts counts_;
    trust::ServerStatus status_ = trust::ServerStatus::kProbation;
};

bool is_out(trust::ServerStatus status) {
    return status == trust::ServerStatus::kConvicted || status == trust::ServerStatus::kDeactivated;
}

/// A life: how long until it was out, and how many wrong answers were taken.
struct Life {
    std::uint64_t answers = kMaxLife;
    std::uint64_t sold = 0;
    bool out = false;
};

struct Game {
    Behaviour behaviour;
    double audit_rate, cheat_rate;
    bool probation;
    Random& random;

    bool audited(const Key& key) const {
        return chance(random, probation ? key.audit_chance(audit_rate) : audit_rate);
    }

    Life one_server() const {
        Key key;
        Life life;
        bool turned = behaviour != Behaviour::kHonestUntilPaid;
        std::uint64_t paid = 0;
        for (std::uint64_t answer = 1; answer <= kMaxLife; ++answer) {
            const double rate =
                behaviour == Behaviour::kHonestUntilPaid ? (turned ? 1.0 : 0.0) : cheat_rate;
            const bool is_audited = audited(key);
            const bool by_verifier = is_audited && chance(random, 0.5);
            const bool knows = behaviour == Behaviour::kKnowsVerifier && by_verifier;
            const bool cheats = !knows && chance(random, rate);
            if (cheats) ++life.sold;
            if (is_audited) {
                if (!cheats)
                    key.found(trust::Finding::kRight);
                else if (behaviour == Behaviour::kRefusesEvidence)
                    key.found(trust::Finding::kUnanswered);
                else
                    key.found(trust::Finding::kConvicted);
                if (is_out(key.status())) {
                    life.out = true;
                    life.answers = answer;
                    return life;
                }
            }
            if (turned) continue;
            if (key.status() == trust::ServerStatus::kActive || !probation) ++paid;
            if (paid < kPaidAnswers) continue;
            turned = true;
            answer = 0;  // counted from the first wrong answer
        }
        return life;
    }

    /// Until both are out; the second covers the first, which does not help it.
    Life two_hops() const {
        Key hops[2];
        Life life;
        for (std::uint64_t answer = 1; answer <= kMaxLife; ++answer) {
            const bool cheat = chance(random, cheat_rate);
            for (Key& hop : hops) {
                if (is_out(hop.status())) continue;
                if (cheat) ++life.sold;
                if (!audited(hop)) continue;
                if (cheat)
                    hop.found(trust::Finding::kConvicted);
                else
                    hop.found(trust::Finding::kRight);
            }
            if (is_out(hops[0].status()) && is_out(hops[1].status())) {
                life.out = true;
                life.answers = answer;
                return life;
            }
        }
        return life;
    }
};

}  // namespace

double found_by_formula(double audit_rate, double cheat_rate, std::uint64_t answers) {
    return 1 - std::pow(1 - audit_rate * cheat_rate, static_cast<double>(answers));
}

std::vector<LotteryPoint> play_lottery(double audit_rate, double cheat_rate,
                                       const std::vector<std::uint64_t>& answers,
                                       std::uint64_t servers, Random& random,
                                       const std::function<void()>& played) {
    std::vector<LotteryPoint> points;
    for (const std::uint64_t n : answers)
        points.push_back({n, found_by_formula(audit_rate, cheat_rate, n), 0});
    const std::uint64_t last = answers.empty() ? 0 : answers.back();
    for (std::uint64_t server = 0; server < servers; ++server) {
        if (played) played();
        std::uint64_t found = 0;
        for (std::uint64_t n = 1; n <= last && found == 0; ++n)
            if (chance(random, cheat_rate) && chance(random, audit_rate)) found = n;
        if (found == 0) continue;
        for (LotteryPoint& point : points)
            if (found <= point.answers) point.played += 1.0 / static_cast<double>(servers);
    }
    return points;
}

std::string_view behaviour_name(Behaviour behaviour) {
    switch (behaviour) {
        case Behaviour::kSteady:
            return "steady";
        case Behaviour::kRefusesEvidence:
            return "refuses evidence";
        case Behaviour::kHonestUntilPaid:
            return "honest until paid";
        case Behaviour::kColludingHops:
            return "colluding hops";
        case Behaviour::kKnowsVerifier:
            return "knows the Verifier";
    }
    return "";
}

ConvictionRounds play_behaviour(Behaviour behaviour, double audit_rate, double cheat_rate,
                                bool probation, std::uint64_t lives, Random& random,
                                const std::function<void()>& played) {
    const Game game{behaviour, audit_rate, cheat_rate, probation, random};
    ConvictionRounds rounds{.behaviour = behaviour};
    std::vector<std::uint64_t> all;
    double sold = 0;
    double stayed = 0;
    for (std::uint64_t i = 0; i < lives; ++i) {
        const Life life =
            behaviour == Behaviour::kColludingHops ? game.two_hops() : game.one_server();
        all.push_back(life.answers);
        sold += static_cast<double>(life.sold);
        if (!life.out) stayed += 1;
        if (played) played();
    }
    if (all.empty()) return rounds;
    std::ranges::sort(all);
    const auto count = static_cast<double>(all.size());
    rounds.mean = std::accumulate(all.begin(), all.end(), 0.0) / count;
    rounds.p95 = all[all.size() * 95 / 100];
    rounds.most = all.back();
    rounds.sold = sold / count;
    rounds.never = stayed / count;
    return rounds;
}

namespace {

class Market {
  public:
    Market(const MarketCase& given, Random& random)
        : given_(given), random_(random), servers_(given.servers) {}

    MarketOutcome run() {
        for (std::uint64_t request = 0; request < given_.requests; ++request) {
            if (request % given_.servers == 0)
                for (Server& server : servers_) server.in_wave = 0;
            if (const auto server = choose()) serve(*server, request);
        }
        return outcome();
    }

  private:
    struct Server {
        Key key;
        std::uint64_t carried = 0;
        std::uint64_t load = 0;     // requests, for sharing them out
        std::uint32_t in_wave = 0;  // of them in this wave
    };

    bool is_liar(std::size_t server) const { return server < given_.liars; }

    /// The least loaded of the active ones that have room; one on probation every so often, and
    /// where no active one has room: the one that has passed most audits, so that honest keys get
    /// through however many new ones there are.
    std::optional<std::size_t> choose() {
        const auto first_of = [&](trust::ServerStatus status, const auto& rank) {
            std::optional<std::size_t> best;
            for (std::size_t i = 0; i < servers_.size(); ++i)
                if (servers_[i].key.status() == status && servers_[i].in_wave < kRoomInWave &&
                    (!best || rank(servers_[i]) < rank(servers_[*best])))
                    best = i;
            return best;
        };
        const auto active = first_of(trust::ServerStatus::kActive, [](const Server& server) {
            return std::pair(server.in_wave, server.load);
        });
        const auto fresh = first_of(trust::ServerStatus::kProbation, [](const Server& server) {
            return std::tuple(server.in_wave, -server.key.passed(), server.load);
        });
        if (!active) return fresh;
        if (fresh && chance(random_, given_.probation_part)) return fresh;
        return active;
    }

    void serve(std::size_t index, std::uint64_t request) {
        Server& server = servers_[index];
        const bool fresh = server.key.status() == trust::ServerStatus::kProbation;
        const bool is_audited = chance(random_, server.key.audit_chance(given_.audit_rate));
        ++server.load;
        ++server.in_wave;
        if (chance(random_, given_.timeout_rate)) {
            if (is_audited) server.key.found(trust::Finding::kUnanswered);
            return;  // another carries it; who, changes nothing here
        }
        const bool cheats =
            is_liar(index) && !(given_.patient && fresh) && chance(random_, given_.cheat_rate);
        ++server.carried;
        count(index, request, cheats);
        if (!is_audited) return;
        if (cheats)
            server.key.found(trust::Finding::kConvicted);
        else
            server.key.found(trust::Finding::kRight);
        if (is_liar(index) && given_.return_under_new_keys && is_out(server.key.status())) {
            server.key = {};
            ++keys_;
        }
    }

    void count(std::size_t index, std::uint64_t request, bool wrong) {
        const bool after = request >= given_.settled;
        tokens_[after] += 1;
        if (is_liar(index)) liars_[after] += 1;
        if (wrong) wrong_[after] += 1;
    }

    MarketOutcome outcome() const {
        MarketOutcome result{.given = given_, .keys = keys_};
        const double fair =
            static_cast<double>(given_.requests) / static_cast<double>(given_.servers);
        result.least_honest = 1e9;
        for (std::size_t i = given_.liars; i < servers_.size(); ++i) {
            result.least_honest =
                std::min(result.least_honest, static_cast<double>(servers_[i].carried) / fair);
            result.mean_honest += static_cast<double>(servers_[i].carried) / fair /
                                  static_cast<double>(given_.servers - given_.liars);
            if (is_out(servers_[i].key.status())) ++result.honest_out;
        }
        const auto part = [&](const double(&of)[2], bool after) {
            return tokens_[after] > 0 ? of[after] / tokens_[after] : 0.0;
        };
        result.liars_before = part(liars_, false);
        result.liars_after = part(liars_, true);
        result.wrong_after = part(wrong_, true);
        return result;
    }

    const MarketCase given_;
    Random& random_;
    std::vector<Server> servers_;
    double tokens_[2] = {};
    double liars_[2] = {};
    double wrong_[2] = {};
    std::uint64_t keys_ = 0;
};

}  // namespace

MarketOutcome play_market(const MarketCase& given, Random& random) {
    return Market(given, random).run();
}

}  // namespace cairn::lab
