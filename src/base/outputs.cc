#include "base/outputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/files.h"

namespace cairn {

namespace {

constexpr std::size_t kProbeBytes = 4096;

std::string shown(const NamedPath& named) { return named.option + " " + named.path; }

Error cannot(const NamedPath& named, int code) {
    return Error{code == ENOSPC || code == EDQUOT ? ErrorCode::kFull : ErrorCode::kIo,
                 shown(named) + " cannot be written: " + std::generic_category().message(code) +
                     "; nothing was begun"};
}

Status refuse(const NamedPath& named, const std::string& why) {
    return Error{ErrorCode::kRefused, shown(named) + " " + why + "; nothing was begun"};
}

// A full disk, quota, permissions and a read-only disk show only when something is written.
Status probe(const NamedPath& named, const std::string& target) {
    const std::string name = target + ".probe-" + std::to_string(::getpid());
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return cannot(named, errno);
    const std::array<char, kProbeBytes> block{};
    const ssize_t wrote = ::write(fd, block.data(), block.size());
    int code = wrote < 0 ? errno : wrote == static_cast<ssize_t>(block.size()) ? 0 : ENOSPC;
    if (code == 0 && ::fsync(fd) != 0) code = errno;
    ::close(fd);
    ::unlink(name.c_str());
    if (code != 0) return cannot(named, code);
    return ok_status();
}

Status check_output(const NamedPath& named) {
    if (named.path.ends_with('/')) return refuse(named, "names a folder, and a file is wanted");
    const std::string target = follow_links(named.path);
    if (is_planted_link(target))
        return refuse(named,
                      "is a link that somebody else made where everybody may make files, "
                      "and may lead anywhere: name another place");
    const auto kind = file_kind(target);
    if (!kind.ok()) return kind.error().with_prefix(named.option);
    if (*kind == FileKind::kFolder) return refuse(named, "is a folder, and a file is wanted");
    if (*kind == FileKind::kOther) return refuse(named, "is a device or a pipe, not a file");
    // What may not be written is not replaced either, although a rename would do it.
    if (*kind == FileKind::kFile && ::access(target.c_str(), W_OK) != 0)
        return cannot(named, errno);
    const Status folder = make_folders(folder_of(target));
    if (!folder.ok()) return folder.error().with_prefix(shown(named));
    return probe(named, target);
}

// The same name for a file that does not exist yet.
bool same_place(const std::string& a, const std::string& b) {
    if (same_file(a, b)) return true;
    const std::string first = follow_links(a), second = follow_links(b);
    return name_of(first) == name_of(second) && same_file(folder_of(first), folder_of(second));
}

// A model's folder is read file by file, and a file of safetensors with what lies beside it.
bool is_read_with(const NamedPath& input, const std::string& output) {
    const bool folder = is_folder(input.path);
    if (!folder && !input.path.ends_with(".safetensors")) return false;
    const std::string target = follow_links(output);
    if (!exists(target)) return false;
    bool part = false;
    for (const char* end : {".json", ".safetensors", ".jinja", ".txt"})
        part = part || target.ends_with(end);
    return part && same_file(folder_of(target), folder ? input.path : folder_of(input.path));
}

}  // namespace

Status check_outputs(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].path.empty()) continue;
        for (const NamedPath& input : inputs)
            if (!input.path.empty() &&
                (same_place(outputs[i].path, input.path) || is_read_with(input, outputs[i].path)))
                return refuse(outputs[i], "would overwrite " + shown(input) +
                                              ", which the command reads: name another file");
        for (std::size_t j = 0; j < i; ++j)
            if (!outputs[j].path.empty() && same_place(outputs[i].path, outputs[j].path))
                return refuse(outputs[i], "is also " + shown(outputs[j]) + ": name another file");
        RETURN_IF_ERROR(check_output(outputs[i]));
    }
    return ok_status();
}

}  // namespace cairn
