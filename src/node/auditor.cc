#include "node/auditor.h"

#include <algorithm>

#include "base/log.h"
#include "base/priority.h"
#include "base/uniform.h"
#include "net/address.h"
#include "net/relay_messages.h"
#include "node/audit_order.h"

namespace cairn::node {
namespace {

constexpr int kBehind = 9;
constexpr std::uint64_t kFirstRoundMs = 2'000;
/// Of one round: the others have their chance in the next.
constexpr std::size_t kMaxAudits = 64;
/// An audit that has not ended then counts as unanswered, or one slow server would be all that is
/// audited; and servers that are out are audited so much more rarely than those on probation.
constexpr std::uint64_t kAuditMs = 120'000;
constexpr double kChanceOfThoseOut = 0.125;
/// One audit of so many is up to so long, and of those ever fewer up to so many times as long: who
/// lies late in a text is found, too.
constexpr std::uint64_t kLongAudits = 8;
constexpr std::uint32_t kLongPrompt = 512;
constexpr std::uint64_t kLongestTimes = 4;
/// Of servers that cost nothing one audit of so many is of the whole route that a text takes.
constexpr std::uint64_t kInRoutes = 2;
/// Of the text of one audit at most, and of its source.
constexpr std::uint64_t kAuditRows = 64 + 16;

/// Of one audit at most, with what is paid ahead.
std::uint64_t paid_rows(const serve::ModelSnapshot& model) {
    return kAuditRows * (model.config.crosses() ? 2 : 1) + channel::kTokensAtRisk;
}

/// How many times as long as usual an audit may be, by chance; of servers with a price none.
std::uint64_t draw_length(std::uint64_t price, Random& random, serve::AuditTextLimits& texts) {
    if (price > 0 || random.below(kLongAudits) > 0) return 1;
    std::uint64_t times = 1;
    while (times < kLongestTimes && random.below(2) == 0) times *= 2;
    texts.max_prompt = kLongPrompt * static_cast<std::uint32_t>(times);
    return times;
}

}  // namespace

Auditor::Auditor(Loop& loop, Node& node, AuditorOptions options)
    : loop_(loop), node_(node), options_(std::move(options)) {
    loop_.call_after(kFirstRoundMs, alive_.guard([this] { round(); }));
}

Auditor::~Auditor() { stop(); }

void Auditor::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const serve::ModelSnapshot> Auditor::model_of(const crypto::PublicKey& key,
                                                              const serve::Announce& offer) const {
    const auto model = node_.evidence().model(offer.model);
    if (key == node_.key() || !model || offer.numerics != kNumericsVersion ||
        offer.serve_version != serve::kServeVersion || offer.layers.end > model->config.layers ||
        node_.evidence().is_convicted(key))
        return nullptr;
    return model;
}

std::vector<Auditor::Job> Auditor::draw() {
    std::vector<Job> jobs;
    std::map<Hash256, std::shared_ptr<Offers>> free;
    serve::EvidenceDesk& desk = node_.evidence();
    for (const auto& [key, known] : node_.server_gossip().table().known()) {
        const serve::Announce& offer = known.record;
        const auto model = model_of(key, offer);
        if (!model) continue;
        std::shared_ptr<Offers>& of_model = free[offer.model];
        if (!of_model) of_model = std::make_shared<Offers>();
        if (offer.price == 0) of_model->push_back(offer);
        if (!may_pay(offer, *model)) continue;
        const trust::ServerPage* page = desk.book().find(key);
        const auto standing = desk.standing(key);
        double chance = trust::audit_chance(
            page == nullptr ? trust::AuditCounts{} : page->counts,
            standing ? standing->status : trust::ServerStatus::kProbation, desk.rules());
        if (standing && standing->status == trust::ServerStatus::kDeactivated)
            chance = std::min(chance, kChanceOfThoseOut);
        if (uniform(random_) >= chance) continue;
        const auto texts = options_.texts.find(model->hash);
        jobs.push_back({model, offer,
                        texts == options_.texts.end() ? options_.chain_text : texts->second,
                        of_model});
    }
    return in_turns(std::move(jobs));
}

// The end of a long list is for the next round.
std::vector<Auditor::Job> Auditor::in_turns(std::vector<Job> jobs) {
    std::vector<std::string> groups;
    for (const Job& job : jobs)
        groups.push_back(net::netgroup(net::dialled_host(job.offer.address)));
    std::vector<std::size_t> order = audit_order(groups, random_);
    if (order.size() > kMaxAudits) order.resize(kMaxAudits);
    std::vector<Job> made;
    for (const std::size_t at : order) made.push_back(std::move(jobs[at]));
    return made;
}

bool Auditor::may_pay(const serve::Announce& offer, const serve::ModelSnapshot& model) const {
    if (offer.price == 0) return true;
    const std::uint64_t most = paid_rows(model) * serve::row_price(offer.price, offer.layers);
    return offer.price <= options_.max_price &&
           channel::add_up(view_.spent, most) <= options_.spend;
}

void Auditor::round() {
    if (stopping_) return;
    std::vector<Job> jobs = draw();
    if (jobs.empty()) {
        return round_later();
    }
    if (thread_.joinable()) thread_.join();  // it has told its end already
    const serve::PurseOptions paying{
        .genesis_id = node_.chain().genesis_id(),
        .max_price = options_.max_price,
        .max_spent = options_.spend - std::min(options_.spend, view_.spent)};
    thread_ = std::thread(
        [this, paying, jobs = std::move(jobs)]() mutable { run(std::move(jobs), paying); });
}

// On the thread. What it posts is dropped once the auditor has ended.
void Auditor::run(std::vector<Job> jobs, const serve::PurseOptions& paying) {
    step_back(kBehind);
    SystemRandom random;
    const SystemClock clock;
    ThreadPool pool(1);
    const auto kernels = tensor::kernels_from_environment();
    CHECK(kernels.ok());
    const tensor::Compute compute{*kernels, &pool};
    std::unique_ptr<PosixDisk> disk;
    std::unique_ptr<serve::Purse> purse;
    const bool pays = std::ranges::any_of(jobs, [](const Job& job) { return job.offer.price > 0; });
    if (pays && options_.secret_of) {
        disk = std::make_unique<PosixDisk>(options_.wallet_directory);
        purse = std::make_unique<serve::Purse>(*disk, random, paying, options_.secret_of);
    }
    std::erase_if(spare_, [&](const auto& spare) {
        return std::ranges::none_of(jobs,
                                    [&](const Job& job) { return job.model->hash == spare.first; });
    });
    audited_.clear();
    convicted_.clear();
    for (Job& job : jobs) {
        if (stopping_) break;
        if (audited_.contains(job.offer.key)) continue;  // on another's route
        if (job.offer.price == 0 && random.below(kInRoutes) == 0 &&
            audit_in_route(job, compute, random))
            continue;
        serve::VerifierOptions options;
        options.purse = purse.get();
        options.bounds = job.texts.bounds;
        options.spare = &spare_[job.model->hash];
        const std::uint64_t times = draw_length(job.offer.price, random, options.texts);
        options.max_ms = kAuditMs * times;
        options.most_pause_ms *= times;
        options.cancelled = [this] { return stopping_.load(); };
        serve::Verifier verifier(*job.model, compute, random, clock, options);
        auto report = verifier.audit(job.offer, job.texts.text);
        tell(std::move(job), std::move(report));
    }
    const std::uint64_t spent = purse ? purse->spent() : 0;
    loop_.post(alive_.guard([this, spent] { on_round(spent); }));
}

void Auditor::tell(Job job, Result<serve::AuditReport> report) {
    audited_.insert(job.offer.key);
    if (report.ok() && report->examined.finding == trust::Finding::kConvicted)
        convicted_.insert(job.offer.key);
    loop_.post(
        alive_.guard([this, done = Done{std::move(job), std::move(report)}] { on_report(done); }));
}

bool Auditor::audit_in_route(const Job& job, const tensor::Compute& compute, Random& random) {
    const SystemClock clock;
    serve::RouteAuditOptions options;
    options.bounds = job.texts.bounds;
    options.spare = &spare_[job.model->hash];
    options.max_ms = kAuditMs * draw_length(job.offer.price, random, options.texts);
    options.cancelled = [this] { return stopping_.load(); };
    Offers free = *job.free;
    std::erase_if(free, [this](const auto& offer) { return convicted_.contains(offer.key); });
    const auto reports = serve::audit_route(
        *job.model, compute, random, clock, options,
        serve::route_through(job.offer, free, job.model->config), job.texts.text);
    if (!reports.ok()) return stopping_;
    bool was_come_to = false;
    for (const serve::AuditReport& report : *reports) {
        const auto offer = std::ranges::find(free, report.server, &serve::Announce::key);
        if (offer == free.end() || !report.examined.finding) continue;
        was_come_to = was_come_to || report.server == job.offer.key;
        tell({job.model, *offer, {}, nullptr}, report);
    }
    return was_come_to;
}

void Auditor::on_report(const Done& done) {
    const serve::Announce& offer = done.job.offer;
    if (!done.report.ok()) {
        view_.last = done.report.error().message;
        return;
    }
    const serve::AuditReport& report = *done.report;
    view_.rows += report.rows;
    view_.bytes += report.bytes;
    view_.last = offer.address + ": " + report.examined.sentence;
    if (!report.examined.finding) return;
    const trust::Finding finding = *report.examined.finding;
    if (finding == trust::Finding::kUnanswered && has_moved_on(offer)) return;
    view_.right += finding == trust::Finding::kRight;
    view_.wrong += finding == trust::Finding::kWrong;
    view_.unanswered += finding == trust::Finding::kUnanswered;
    view_.convicted += finding == trust::Finding::kConvicted;
    if (finding == trust::Finding::kConvicted)
        log_warn("layer server {} at {} is convicted: {}", short_hex(offer.key), offer.address,
                 report.examined.sentence);
    node_.evidence().enter(offer.key, serve::page_of(offer), finding, report.examined.sentence,
                           report.examined.exhibit);
}

// A server that came to hold another model, as a chain's do, or other layers, was right to refuse.
bool Auditor::has_moved_on(const serve::Announce& offer) const {
    const auto& known = node_.server_gossip().table().known();
    const auto now = known.find(offer.key);
    return now != known.end() &&
           (now->second.record.model != offer.model || now->second.record.layers != offer.layers);
}

void Auditor::on_round(std::uint64_t spent) {
    ++view_.rounds;
    view_.spent += spent;
    round_later();
}

// A server that is asked every 30 seconds by somebody new knows whom it has before it.
void Auditor::round_later() {
    const std::uint64_t half = options_.interval_ms / 2;
    loop_.call_after(half + random_.below(2 * half + 1), alive_.guard([this] { round(); }));
}

}  // namespace cairn::node
