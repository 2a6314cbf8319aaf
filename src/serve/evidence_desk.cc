#include "serve/evidence_desk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/priority.h"
#include "model/layout.h"

namespace cairn::serve {

namespace {

/// How far a judging thread steps back.
constexpr int kBehind = 9;
/// Files of the folder that are remembered, and read at one look.
constexpr std::size_t kMaxFiles = 1024;
constexpr std::size_t kFilesAtOnce = 4;
/// Looks at a file whose model is not here yet (a chain's comes with a block).
constexpr int kMaxTries = 24;

std::uint64_t bytes_of(const ModelSnapshot& model) {
    return model::ParameterLayout(model.config).size() * sizeof(float);
}

/// By the fast kernels first; where they find a fault the reference has the last word.
Verdict judge_carefully(const Exhibit& exhibit, const ModelSnapshot& model) {
    Verdict verdict = Verdict::undecided("not judged");
    run_behind(kBehind, [&] {
        ThreadPool one(1);
        const auto fast = tensor::kernels_from_environment();
        const auto slow = tensor::kernels_for(tensor::KernelSet::kReference);
        CHECK(fast.ok() && slow.ok());
        verdict = judge(exhibit, model, {*fast, &one});
        if (verdict.is_invalid()) verdict = judge(exhibit, model, {*slow, &one});
    });
    return verdict;
}

trust::AuditBook read_book(Disk* disk) {
    if (disk == nullptr || !disk->exists(kBookFile)) return {};
    const auto bytes = disk->read(kBookFile, trust::AuditBook::kMaxFileBytes);
    if (bytes.ok())
        if (auto book = trust::AuditBook::decode(*bytes); book.ok()) return *std::move(book);
    log_error("{} cannot be read: what was found of layer servers is forgotten, and found anew",
              kBookFile);
    if (bytes.ok()) (void)disk->write_atomic(std::string(kBookFile) + ".damaged", *bytes);
    return {};
}

}  // namespace

ExhibitNote note_of(const Exhibit& exhibit, ByteView bytes) {
    return {exhibit_id(bytes), exhibit.server, exhibit.terms.model, exhibit.receipt.layers,
            static_cast<std::uint32_t>(bytes.size())};
}

EvidenceDesk::EvidenceDesk(Loop& loop, const Clock& clock, Disk* disk,
                           const trust::TrustRules& rules, const EvidenceLimits& limits)
    : loop_(loop),
      clock_(clock),
      disk_(disk),
      rules_(rules),
      limits_(limits),
      book_(read_book(disk)) {}

void EvidenceDesk::add_model(ModelSnapshot model) {
    fixed_.push_back(std::make_shared<const ModelSnapshot>(std::move(model)));
}

void EvidenceDesk::put_chain_model(ModelSnapshot model) {
    if (this->model(model.hash)) return;
    const std::uint64_t each = bytes_of(model);
    versions_.push_back(std::make_shared<const ModelSnapshot>(std::move(model)));
    const std::size_t least = limits_.needs_newest ? 1 : 0;
    while (versions_.size() > least &&
           (versions_.size() > limits_.versions || versions_.size() * each > limits_.version_bytes))
        versions_.pop_front();
}

std::shared_ptr<const ModelSnapshot> EvidenceDesk::model(const Hash256& hash) const {
    for (const auto& all = models(); const auto& model : all)
        if (model->is_called(hash)) return model;
    return nullptr;
}

std::vector<std::shared_ptr<const ModelSnapshot>> EvidenceDesk::models() const {
    std::vector<std::shared_ptr<const ModelSnapshot>> all(versions_.begin(), versions_.end());
    all.insert(all.end(), fixed_.begin(), fixed_.end());
    return all;
}

bool EvidenceDesk::can_judge(const ExhibitNote& note) const {
    const auto here = model(note.model);
    return here && has_layers(*here, note.layers);
}

std::optional<trust::Standing> EvidenceDesk::standing(const crypto::PublicKey& server) const {
    if (book_.find(server) == nullptr) return std::nullopt;
    return book_.standing(server, clock_.wall_ms(), rules_);
}

bool EvidenceDesk::is_convicted(const crypto::PublicKey& server) const {
    const trust::ServerPage* page = book_.find(server);
    return page != nullptr && !page->convicted.empty();
}

bool EvidenceDesk::is_out(const crypto::PublicKey& server) const {
    const auto known = standing(server);
    return known && (known->status == trust::ServerStatus::kConvicted ||
                     known->status == trust::ServerStatus::kDeactivated);
}

void EvidenceDesk::enter(const crypto::PublicKey& server, const trust::ServerPage& page,
                         trust::Finding finding, const std::string& sentence,
                         const std::optional<Exhibit>& exhibit) {
    book_.enter(server, page, finding, sentence, clock_.wall_ms(), rules_);
    write_book();
    if (exhibit) {
        Bytes bytes = encode(*exhibit);
        const ExhibitNote note = note_of(*exhibit, bytes);
        keep(note, std::move(bytes));
    }
    if (change_told_) change_told_();
}

void EvidenceDesk::submit(Bytes bytes, bool is_strangers, Done done) {
    auto exhibit = decode_exhibit(bytes);
    if (!exhibit.ok()) return done(Judgement::kProvesNothing, exhibit.error().message);
    const ExhibitNote note = note_of(*exhibit, bytes);
    if (!can_judge(note))
        return done(Judgement::kNotHere, "its model is not here, so it is not checked here");
    if (!has_room()) return done(Judgement::kFull, "too many exhibits wait to be judged");
    waiting_.push_back({std::make_shared<const Exhibit>(*std::move(exhibit)), note,
                        std::move(bytes), is_strangers, std::move(done)});
    judge_next();
}

void EvidenceDesk::judge_next() {
    if (judging_ || waiting_.empty()) return;
    const std::uint64_t now_us = clock_.monotonic_us();
    // Who is no stranger does not wait for what strangers sent; of theirs the small first.
    const auto next_one = std::ranges::min_element(waiting_, {}, [](const Waiting& each) {
        return std::pair(each.is_strangers, each.is_strangers ? each.note.bytes : 0);
    });
    std::rotate(waiting_.begin(), next_one, next_one + 1);
    if (waiting_.front().is_strangers && now_us < rests_until_us_) {
        if (std::exchange(resting_, true)) return;
        loop_.call_after((rests_until_us_ - now_us) / 1000 + 1, alive_.guard([this] {
            resting_ = false;
            judge_next();
        }));
        return;
    }
    judging_ = true;
    const Waiting& next = waiting_.front();
    const auto snapshot = model(next.note.model);
    if (!snapshot) return on_judged(Verdict::undecided("its model is no longer here"), now_us);
    offload(
        loop_, Lane::kReference,
        [exhibit = next.exhibit, snapshot] { return judge_carefully(*exhibit, *snapshot); },
        alive_.guard([this, now_us](const Verdict& verdict) { on_judged(verdict, now_us); }));
}

void EvidenceDesk::on_judged(const Verdict& verdict, std::uint64_t began_us) {
    Waiting judged = std::move(waiting_.front());
    waiting_.pop_front();
    judging_ = false;
    ++counts_.judged;
    if (judged.is_strangers) {
        // Whatever came of it: who serves layers can make proofs against himself.
        const std::uint64_t now_us = clock_.monotonic_us();
        rests_until_us_ = now_us + limits_.rest * (now_us - began_us);
    }
    if (verdict.is_invalid()) {
        ++counts_.convicting;
        const bool is_new = !is_convicted(judged.note.server);
        const std::string sentence =
            fmt::format("{} (exhibit {}, computed again here)", verdict.reason(),
                        to_hex(judged.note.id.view()).substr(0, 16));
        if (is_new) convict(judged.note, sentence);
        keep(judged.note, std::move(judged.bytes));
        judged.done(Judgement::kConvicts, sentence);
        if (is_new && change_told_) change_told_();
    } else {
        ++counts_.in_vain;
        const bool is_here = can_judge(judged.note);
        judged.done(is_here ? Judgement::kProvesNothing : Judgement::kNotHere,
                    verdict.is_valid() ? "the server computed what it should" : verdict.reason());
    }
    judge_next();
}

void EvidenceDesk::convict(const ExhibitNote& note, const std::string& sentence) {
    log_warn("layer server {} is convicted: {}", short_hex(note.server), sentence);
    trust::ServerPage page;
    if (const trust::ServerPage* known = book_.find(note.server)) page = *known;
    if (address_of_)
        if (std::string address = address_of_(note.server); !address.empty())
            page.address = std::move(address);
    const auto snapshot = model(note.model);  // the note may have its name on the chain
    page.model = snapshot ? snapshot->hash : note.model;
    page.first_layer = note.layers.begin;
    page.end_layer = note.layers.end;
    book_.enter(note.server, page, trust::Finding::kConvicted, sentence, clock_.wall_ms(), rules_);
    write_book();
}

std::string EvidenceDesk::file_of(const Hash256& id) {
    return std::string(kExhibitFolder) + "/" + exhibit_file_name(id);
}

void EvidenceDesk::keep(const ExhibitNote& note, Bytes bytes) {
    if (!kept_.emplace(note.id, note).second) return;
    kept_order_.push_back(note.id);
    const std::string name = file_of(note.id);
    files_.emplace(name, Seen{kMaxTries});
    in_memory_[note.id] = bytes;
    if (disk_ != nullptr)
        offload(
            loop_, Lane::kRead,
            [disk = disk_, name, bytes = std::move(bytes)] {
                return disk->exists(name) ? ok_status() : disk->write_atomic(name, bytes);
            },
            alive_.guard([this, id = note.id, name](const Status& kept) {
                if (kept.ok())
                    in_memory_.erase(id);
                else
                    log_error("{} is not kept: {}", name, kept.error().message);
            }));
    make_room();
    if (kept_told_) kept_told_(note);
}

// Keys that lie are made for nothing, so those that serve nobody any more go first, and then what
// takes most room: else a liar convicts some such keys himself, and the proof against him goes.

void EvidenceDesk::make_room() {
    std::uint64_t bytes = 0;
    for (const auto& [id, note] : kept_) bytes += note.bytes;
    while (kept_.size() > 1 && (kept_.size() > limits_.kept || bytes > limits_.kept_bytes)) {
        // All but the newest; of equals the oldest.
        const auto worst = std::ranges::max_element(
            kept_order_.begin(), kept_order_.end() - 1, {}, [this](const Hash256& id) {
                const ExhibitNote& note = kept_.at(id);
                return std::pair(address_of_ && address_of_(note.server).empty(), note.bytes);
            });
        const Hash256 gone = *worst;
        kept_order_.erase(worst);
        bytes -= kept_.at(gone).bytes;
        kept_.erase(gone);
        in_memory_.erase(gone);
        if (disk_ != nullptr)
            offload(loop_, Lane::kRead,
                    [disk = disk_, name = file_of(gone)] { (void)disk->remove(name); });
    }
}

void EvidenceDesk::read(const Hash256& id, std::function<void(Bytes)> done) {
    const auto found = in_memory_.find(id);
    if (found != in_memory_.end() || disk_ == nullptr)
        return done(found == in_memory_.end() ? Bytes() : found->second);
    offload(
        loop_, Lane::kRead,
        [disk = disk_, name = file_of(id)] {
            auto bytes = disk->read(name, kMaxSharedExhibit);
            return bytes.ok() ? *std::move(bytes) : Bytes();
        },
        alive_.guard([id, done = std::move(done)](Bytes bytes) {
            done(bytes.empty() || exhibit_id(bytes) != id ? Bytes() : std::move(bytes));
        }));
}

// One write at a time; what is entered meanwhile is in the next.
void EvidenceDesk::write_book() {
    if (disk_ == nullptr) return;
    write_again_ = writing_;
    if (std::exchange(writing_, true)) return;
    offload(
        loop_, Lane::kRead,
        [disk = disk_, bytes = book_.encode()] { return disk->write_atomic(kBookFile, bytes); },
        alive_.guard([this](const Status& written) {
            writing_ = false;
            if (!written.ok())
                log_error("what audits found is not kept: {}", written.error().message);
            if (write_again_) write_book();
        }));
}

void EvidenceDesk::look() {
    if (disk_ == nullptr || std::exchange(looking_, true)) return;
    struct Found {
        std::vector<std::pair<std::string, Bytes>> files;
        std::set<std::string> listed;
    };
    std::set<std::string> known;
    for (const auto& [name, seen] : files_)
        if (seen.tries >= kMaxTries) known.insert(name);
    offload(
        loop_, Lane::kRead,
        [disk = disk_, known = std::move(known)] {
            Found found;
            for (const std::string& file : disk->list(kExhibitFolder)) {
                const std::string name = std::string(kExhibitFolder) + "/" + file;
                if (!file.ends_with(kExhibitEnding)) continue;
                found.listed.insert(name);
                if (known.contains(name) || found.files.size() == kFilesAtOnce) continue;
                auto bytes = disk->read(name, kMaxExhibitBytes);
                found.files.emplace_back(name, bytes.ok() ? *std::move(bytes) : Bytes());
            }
            return found;
        },
        alive_.guard([this](Found found) {
            looking_ = false;
            // Of proofs that made room for others, so that the places for names do not run out.
            std::erase_if(files_, [&](const auto& file) {
                return file.second.tries >= kMaxTries && !found.listed.contains(file.first);
            });
            for (auto& [name, bytes] : found.files) take_file(name, std::move(bytes));
        }));
}

void EvidenceDesk::take_file(const std::string& name, Bytes bytes) {
    if (files_.size() >= kMaxFiles && !files_.contains(name)) return;
    Seen& seen = files_[name];
    const auto exhibit = decode_exhibit(bytes);
    if (!exhibit.ok()) {
        seen.tries = kMaxTries;
        return log_warn("{} is not used: {}", name, exhibit.error().message);
    }
    const ExhibitNote note = note_of(*exhibit, bytes);
    if (is_convicted(note.server) && file_of(note.id) == name) {
        // Of an earlier run of this node, which had judged it.
        seen.tries = kMaxTries;
        return keep(note, std::move(bytes));
    }
    ++seen.tries;
    submit(std::move(bytes), false, [this, name](Judgement judgement, const std::string& why) {
        Seen& again = files_[name];
        if (judgement == Judgement::kFull) --again.tries;
        if (judgement != Judgement::kConvicts && judgement != Judgement::kProvesNothing &&
            again.tries < kMaxTries)
            return;
        again.tries = kMaxTries;
        if (judgement != Judgement::kConvicts) log_warn("{} proves nothing: {}", name, why);
    });
}

}  // namespace cairn::serve
