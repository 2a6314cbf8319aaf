// The training log: a file of JSON objects, one a line, written as the run goes and flushed line by
// line, so that it can be followed, plotted (`cairn plot`) and loaded by anything.
//
//   {"event":"start","parameters":3230208,"dim":256,...}      how the run was asked for
//   {"step":1,"loss":5.54,"gradient_norm":7.1,"learning_rate":1e-05,"tokens":2048,
//    "tokens_per_second":14021,"elapsed":0.146,"valid_loss":5.53}     valid_loss: where measured
//   {"event":"plan"|"resume"|"end", "step":...}
//
// `step` counts the steps taken; `loss` is the mean over that step's own text before its update,
// `valid_loss` is measured after it; `elapsed` is in seconds of training, earlier sessions
// included. A step whose measurement was interrupted has no valid_loss.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::train {

struct LogRow {
    std::uint64_t step = 0;
    std::optional<double> loss;  ///< absent before the first step
    double gradient_norm = 0;
    double learning_rate = 0;
    std::uint64_t tokens = 0;
    double tokens_per_second = 0;
    double elapsed = 0;
    std::optional<double> valid_loss;
};

class TrainLog {
  public:
    /// Starts a new log, replacing an old one. kRefused while another run writes to it.
    static Result<TrainLog> create(const std::string& path);
    /// Goes on with a log whose run continues after `step`: lines of later steps, and a last line
    /// that was cut off, are dropped. A log that is not there is begun.
    static Result<TrainLog> resume(const std::string& path, std::uint64_t step);

    /// Before the work: kInvalid if `path` is there and is no training log, which create() would
    /// replace.
    static Status check(const std::string& path);

    TrainLog(TrainLog&& other) noexcept;
    TrainLog(const TrainLog&) = delete;
    TrainLog& operator=(const TrainLog&) = delete;
    TrainLog& operator=(TrainLog&&) = delete;
    ~TrainLog();

    /// After an error the log ends with its last whole line.
    Status write(const LogRow& row);
    /// One line of ready JSON.
    Status write_line(const std::string& json);
    const std::string& path() const { return path_; }

  private:
    TrainLog(std::string path, int fd, std::uint64_t size)
        : path_(std::move(path)), fd_(fd), size_(size) {}
    static Result<TrainLog> open(const std::string& path);

    std::string path_;
    int fd_;
    std::uint64_t size_;  // bytes of whole lines
};

std::string to_json(const LogRow& row);

/// The rows of a log, in order; other lines are skipped. kInvalid names the first bad line; a last
/// line that a crash cut off is no error, and counted in `cut_off`.
Result<std::vector<LogRow>> read_train_log(const std::string& path, bool* cut_off = nullptr);

}  // namespace cairn::train
