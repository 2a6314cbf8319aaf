#include "train/train_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/files.h"
#include "base/foreign_file.h"

namespace cairn::train {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxLogBytes = std::size_t{1} << 30;

Error failed(const std::string& path, int code) {
    return Error{code == ENOSPC || code == EDQUOT ? ErrorCode::kFull : ErrorCode::kIo,
                 path + ": " + std::generic_category().message(code)};
}

Json parse_line(std::string_view line) {
    return Json::parse(line, nullptr, /*allow_exceptions=*/false);
}

std::optional<double> number(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
}

std::uint64_t whole(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// Cuts the next line off `text`; false if there is no complete one.
bool next_line(std::string_view& text, std::string_view& line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
}

// A log may be empty: its run ended before the first step.
Result<Bytes> read_log(const std::string& path) {
    ASSIGN_OR_RETURN(Bytes bytes, read_file(path, kMaxLogBytes));
    if (!bytes.empty()) RETURN_IF_ERROR(check_foreign(path, bytes, bytes.size()));
    return bytes;
}

}  // namespace

std::string to_json(const LogRow& row) {
    Json object = {{"step", row.step}};
    if (row.loss) {
        object["loss"] = *row.loss;
        object["gradient_norm"] = row.gradient_norm;
        object["learning_rate"] = row.learning_rate;
    }
    object["tokens"] = row.tokens;
    if (row.loss) object["tokens_per_second"] = row.tokens_per_second;
    object["elapsed"] = row.elapsed;
    if (row.valid_loss) object["valid_loss"] = *row.valid_loss;
    return object.dump();  // numbers alone
}

Result<TrainLog> TrainLog::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return failed(path, errno);
    TrainLog log(path, fd, 0);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return Error{ErrorCode::kRefused,
                     "another cairn train writes to the log " + path + "; name another --log"};
    const off_t size = ::lseek(fd, 0, SEEK_END);
    if (size < 0) return failed(path, errno);
    log.size_ = static_cast<std::uint64_t>(size);
    return log;
}

Status TrainLog::check(const std::string& path) {
    if (path.empty() || !exists(path)) return ok_status();
    ASSIGN_OR_RETURN(const Bytes bytes, read_log(path));
    std::string_view text = as_text(bytes), line;
    if (next_line(text, line) ? parse_line(line).is_object() : text.empty() || text[0] == '{')
        return ok_status();
    return invalid(path + " is there and is not a training log; name another file with --log");
}

TrainLog::TrainLog(TrainLog&& other) noexcept
    : path_(std::move(other.path_)), fd_(other.fd_), size_(other.size_) {
    other.fd_ = -1;
}

TrainLog::~TrainLog() {
    if (fd_ >= 0) ::close(fd_);
}

Result<TrainLog> TrainLog::create(const std::string& path) {
    ASSIGN_OR_RETURN(TrainLog log, open(path));
    if (::ftruncate(log.fd_, 0) != 0) return failed(path, errno);
    log.size_ = 0;
    return log;
}

Result<TrainLog> TrainLog::resume(const std::string& path, std::uint64_t step) {
    std::string kept;
    {
        ASSIGN_OR_RETURN(const TrainLog held, open(path));
        ASSIGN_OR_RETURN(const Bytes bytes, read_log(path));
        std::string_view text = as_text(bytes), line;
        while (next_line(text, line)) {
            const Json object = parse_line(line);
            if (!object.is_object())
                return invalid(path + " is not a training log; name another file with --log");
            // What was measured before the first step is measured again.
            const bool again = step == 0 && !object.contains("event");
            if (whole(object, "step") <= step && !again) kept.append(line).push_back('\n');
        }
        if (kept.size() != bytes.size()) RETURN_IF_ERROR(write_file(path, as_bytes(kept)));
    }
    return open(path);
}

Status TrainLog::write(const LogRow& row) { return write_line(to_json(row)); }

Status TrainLog::write_line(const std::string& json) {
    const std::string line = json + "\n";
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t wrote = ::write(fd_, line.data() + done, line.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            const int code = wrote < 0 ? errno : ENOSPC;
            (void)!::ftruncate(fd_, static_cast<off_t>(size_));
            return failed(path_, code);
        }
        done += static_cast<std::size_t>(wrote);
    }
    size_ += line.size();
    return ok_status();
}

Result<std::vector<LogRow>> read_train_log(const std::string& path, bool* cut_off) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_log(path));
    std::vector<LogRow> rows;
    std::string_view text = as_text(bytes), line;
    for (std::size_t count = 1; next_line(text, line); ++count) {
        const Json object = parse_line(line);
        if (!object.is_object())
            return invalid(fmt::format("{}, line {}: not a JSON object", path, count));
        if (object.contains("event")) continue;
        LogRow row;
        row.step = whole(object, "step");
        row.loss = number(object, "loss");
        row.gradient_norm = number(object, "gradient_norm").value_or(0);
        row.learning_rate = number(object, "learning_rate").value_or(0);
        row.tokens = whole(object, "tokens");
        row.tokens_per_second = number(object, "tokens_per_second").value_or(0);
        row.elapsed = number(object, "elapsed").value_or(0);
        row.valid_loss = number(object, "valid_loss");
        rows.push_back(row);
    }
    // A last line without its end is whole or was cut off.
    if (cut_off != nullptr) *cut_off = !text.empty();
    return rows;
}

}  // namespace cairn::train
