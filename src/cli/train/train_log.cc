#include "cli/train/train_log.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/files.h"
#include "model/files/source.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxLogBytes = std::size_t{1} << 30;

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
    return object.dump();
}

Result<TrainLog> TrainLog::open(const std::string& path, const char* mode) {
    std::FILE* file = std::fopen(path.c_str(), mode);
    if (file == nullptr) return io_error(path + ": " + std::strerror(errno));
    return TrainLog(path, file);
}

Result<TrainLog> TrainLog::create(const std::string& path) { return open(path, "w"); }

Result<TrainLog> TrainLog::resume(const std::string& path, std::uint64_t step) {
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind == FileKind::kNone) return create(path);
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxLogBytes));
    std::string kept;
    std::string_view text = as_text(bytes), line;
    while (next_line(text, line)) {
        const Json object = parse_line(line);
        if (!object.is_object())
            return invalid(path + " is not a training log; name another file with --log");
        if (whole(object, "step") <= step) kept.append(line).push_back('\n');
    }
    if (kept.size() != bytes.size()) {
        RETURN_IF_ERROR(write_file(path, as_bytes(kept)));
    }
    return open(path, "a");
}

Status TrainLog::write(const LogRow& row) { return write_line(to_json(row)); }

Status TrainLog::write_line(const std::string& json) {
    if (std::fputs((json + "\n").c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
        return io_error(path_ + ": " + std::strerror(errno));
    return ok_status();
}

Result<std::vector<LogRow>> read_train_log(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxLogBytes));
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
    return rows;
}

}  // namespace cairn::cli
