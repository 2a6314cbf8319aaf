#include "openai/journal.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include "openai/paths.h"

namespace cairn::openai {

namespace {

constexpr double kMicro = 1e-6;

}  // namespace

void Journal::began() {
    MutexLock lock(mutex_);
    ++under_way_;
}

void Journal::ended(const JournalEntry& entry) {
    MutexLock lock(mutex_);
    --under_way_;
    const std::string path = counted_path(entry.path);
    ++counts_[{path, entry.status}];
    Sum& sum = sums_[path];
    ++sum.count;
    sum.took_us += entry.took_us;
    if (told_) told_(entry);
}

std::string Journal::metrics() const {
    MutexLock lock(mutex_);
    std::string text =
        "# HELP cairn_http_requests_total Requests answered, by path and status (499: the asker "
        "left).\n# TYPE cairn_http_requests_total counter\n";
    for (const auto& [key, count] : counts_)
        text += fmt::format("cairn_http_requests_total{{path=\"{}\",status=\"{}\"}} {}\n",
                            key.first, key.second, count);
    text +=
        "# HELP cairn_http_request_seconds From a request's arrival to the end of its answer.\n"
        "# TYPE cairn_http_request_seconds summary\n";
    for (const auto& [path, sum] : sums_)
        text += fmt::format(
            "cairn_http_request_seconds_sum{{path=\"{0}\"}} {1:.6f}\n"
            "cairn_http_request_seconds_count{{path=\"{0}\"}} {2}\n",
            path, static_cast<double>(sum.took_us) * kMicro, sum.count);
    return text + fmt::format(
                      "# HELP cairn_http_requests_under_way Requests being answered now.\n"
                      "# TYPE cairn_http_requests_under_way gauge\n"
                      "cairn_http_requests_under_way {}\n",
                      under_way_);
}

Exchange::Exchange(const http::Request& request, std::shared_ptr<http::Reply> reply,
                   std::shared_ptr<Journal> journal)
    : reply_(std::move(reply)),
      journal_(std::move(journal)),
      began_us_(journal_->clock().monotonic_us()) {
    entry_.method = request.method;
    entry_.path = request.path;
    journal_->began();
}

Exchange::~Exchange() { finish(kAskerLeft); }

void Exchange::send(http::Response response) {
    const unsigned status = response.status;
    reply_->send(std::move(response));
    finish(status);
}

void Exchange::begin_events() { reply_->begin({200, "text/event-stream; charset=utf-8"}); }

void Exchange::end_events() {
    reply_->end();
    finish(200);
}

void Exchange::first_piece() {
    if (entry_.first_us == 0) entry_.first_us = journal_->clock().monotonic_us() - began_us_;
}

void Exchange::finish(unsigned status) {
    if (std::exchange(finished_, true)) return;
    entry_.status = status;
    entry_.took_us = journal_->clock().monotonic_us() - began_us_;
    journal_->ended(entry_);
}

}  // namespace cairn::openai
