#include "demo/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

namespace cairn::demo {

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments,
                                         const std::string& log_file) {
    std::vector<char*> argv;
    std::string self = "cairn";
    argv.push_back(self.data());
    std::vector<std::string> copies = arguments;
    for (std::string& argument : copies) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return io_error("cannot write the log " + log_file);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        ::close(log);
        return io_error("cannot start another process");
    }
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::setpgid(0, 0);  // Ctrl-C is for the demo, which then stops its nodes in order
        ::dup2(log, STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::execv("/proc/self/exe", argv.data());
        ::_exit(127);
    }
    ::close(log);
    return ChildProcess(pid, log_file);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), log_file_(std::move(other.log_file_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    if (this != &other) {
        stop();
        pid_ = std::exchange(other.pid_, -1);
        log_file_ = std::move(other.log_file_);
    }
    return *this;
}

ChildProcess::~ChildProcess() { stop(); }

bool ChildProcess::running() {
    if (pid_ < 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    pid_ = -1;
    return false;
}

void ChildProcess::stop(int grace_ms) {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    for (int waited = 0; waited < grace_ms; waited += 20) {
        if (!running()) return;
        ::usleep(20'000);
    }
    kill();
}

void ChildProcess::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

void ChildProcess::ask_to_end() {
    if (pid_ > 0) ::kill(pid_, SIGTERM);
}

Result<int> ChildProcess::wait(int timeout_ms, const Stop& stop) {
    for (int waited = 0; running(); waited += 10) {
        if (stop()) {
            kill();
            return stopped_early();
        }
        if (waited >= timeout_ms) {
            kill();
            return Error{ErrorCode::kTimeout, "it did not end in time"};
        }
        ::usleep(10'000);
    }
    return status_;
}

std::string ChildProcess::output() const {
    std::ifstream file(log_file_, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string ChildProcess::output_tail() const {
    const std::string all = output();
    return all.size() > 800 ? all.substr(all.size() - 800) : all;
}

}  // namespace cairn::demo
