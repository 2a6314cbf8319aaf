#include "formats/mapped_source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>

#include "base/mutex.h"

namespace cairn::formats {

namespace {

// The signal handler reads this table; it may run at any time, so it neither allocates nor locks.
// A mapping that finds no free slot works all the same, but the handler cannot name its file.
struct MappedRange {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::uintptr_t> end{0};
    std::array<char, 256> path{};
};
constexpr std::size_t kSlots = 512;
std::array<MappedRange, kSlots> ranges;
Mutex slots_mutex;  // for writers; the handler takes no lock: it reads the atomics, then the path

void say(const char* text) {
    [[maybe_unused]] const ssize_t wrote = ::write(STDERR_FILENO, text, std::strlen(text));
}

struct sigaction before {};  // what was done about the signal; set before ours is installed

// Ends the program as it would have ended: a handler of before may have a terminal to give back.
void go_on(int signal, siginfo_t* info, void* context) {
    if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
    if (before.sa_handler != SIG_DFL) return before.sa_handler(signal);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
    const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (const MappedRange& range : ranges) {
        if (at < range.begin.load() || at >= range.end.load()) continue;
        say("cairn: ");
        say(range.path.data());
        say(" became shorter, or its disk failed, while the program used it; load it again\n");
        if (before.sa_handler == SIG_DFL) ::_exit(1);
        break;
    }
    go_on(signal, info, context);
}

// Asked for each mapping: somebody may have taken the signal since the last one.
void install_handler() REQUIRES(slots_mutex) {
    struct sigaction now {};
    if (::sigaction(SIGBUS, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) return;
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_bus_error) return;
    before = now;
    struct sigaction ours {};
    ours.sa_sigaction = on_bus_error;
    ours.sa_flags = SA_SIGINFO;
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(SIGBUS, &ours, nullptr);
}

std::size_t take_slot(const std::string& path, const std::uint8_t* begin, std::uint64_t size) {
    const MutexLock lock(slots_mutex);
    install_handler();
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        MappedRange& range = ranges[slot];
        if (range.end.load() != 0) continue;
        const std::size_t length = std::min(path.size(), range.path.size() - 1);
        std::copy_n(path.data(), length, range.path.data());
        range.path[length] = '\0';
        range.begin.store(reinterpret_cast<std::uintptr_t>(begin));
        range.end.store(reinterpret_cast<std::uintptr_t>(begin) + size);
        return slot;
    }
    return kSlots;
}

}  // namespace

MappedSource::MappedSource(FileSource file, const std::uint8_t* begin)
    : file_(std::move(file)), begin_(begin), slot_(take_slot(file_.name(), begin, file_.size())) {}

MappedSource::~MappedSource() {
    if (slot_ < kSlots) {
        const MutexLock lock(slots_mutex);
        ranges[slot_].begin.store(0);
        ranges[slot_].end.store(0);
    }
    ::munmap(const_cast<std::uint8_t*>(begin_), static_cast<std::size_t>(file_.size()));
}

Result<SharedSource> MappedSource::open(const std::string& path) {
    ASSIGN_OR_RETURN(FileSource file, FileSource::open(path));
    void* memory = ::mmap(nullptr, static_cast<std::size_t>(file.size()), PROT_READ, MAP_SHARED,
                          file.descriptor(), 0);
    if (memory == MAP_FAILED) return io_error("cannot map " + path + " into memory");
    return SharedSource(
        new MappedSource(std::move(file), static_cast<const std::uint8_t*>(memory)));
}

Status MappedSource::read_within(std::uint64_t offset, std::span<std::uint8_t> out) const {
    // Reads the file, not the mapping: if it was shortened, that is an error and no signal.
    return file_.read(offset, out);
}

Result<SharedSource> open_source(const std::string& path) {
    auto mapped = MappedSource::open(path);
    if (mapped.ok() || mapped.error().code != ErrorCode::kIo) return mapped;
    ASSIGN_OR_RETURN(FileSource file, FileSource::open(path));
    return SharedSource(std::make_shared<FileSource>(std::move(file)));
}

}  // namespace cairn::formats
