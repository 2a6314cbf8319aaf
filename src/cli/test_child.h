// A command line run in a process of its own, for tests of how a process ends: signals, readers
// that go away, limits, terminals.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace cairn::cli {

struct ChildEnd {
    int status = 0;      ///< as waitpid() gives it
    std::string output;  ///< standard output and error together

    /// The exit code; -1 if a signal ended it.
    int code() const;
};

class Child {
  public:
    /// `body` runs in the child, whose exit code it returns. Its standard output and error are a
    /// pipe to here; or, with `on_terminal`, its three streams are a terminal of 24 by 80.
    Child(const std::function<int()>& body, bool on_terminal);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    /// The program, as main() would run it.
    static int cairn(std::vector<std::string> arguments);

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    void type(const std::string& keys) const;
    /// Reads until `text` has come since the last call; false if it has not within a minute.
    bool reads(const std::string& text);
    /// Closes our end of the pipe, so that nobody reads the output; or closes the terminal.
    void hang_up();
    /// Whether its terminal echoes, edits lines and turns Ctrl-C into a signal.
    bool terminal_is_plain() const;
    const std::string& output() const { return output_; }
    /// Waits, a minute at most; then it is killed.
    ChildEnd end();

  private:
    bool read_some(int timeout_ms);

    pid_t pid_ = -1;
    int ours_ = -1;
    int terminal_ = -1;  // the child's side, held open so that it can be looked at
    std::string output_;
    std::size_t seen_ = 0;
};

/// A layer server of its own process: `cairn node --serve` with these words, on any port of this
/// machine. `ready` is what it says first: "address", "model", "layers".
std::unique_ptr<Child> start_layer_server(std::vector<std::string> words, nlohmann::json& ready);

/// Asks again and again until `condition` holds; false after a minute.
bool eventually(const std::function<bool()>& condition);

}  // namespace cairn::cli
