#include "serve/part_keys.h"

#include <filesystem>

#include "base/disk.h"
#include "crypto/hash.h"

namespace cairn::serve {

namespace {

Result<crypto::SecretKey> derived(std::string_view tag, ByteView secret) {
    return crypto::SecretKey::from_bytes(crypto::tagged_hash(tag, secret).view());
}

}  // namespace

Result<PartKeys> load_part_keys(const std::string& file, Random& random, bool make) {
    const std::filesystem::path path(file);
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    const std::string name = path.filename().string();
    PosixDisk disk(folder);
    if (!disk.exists(name)) {
        if (!make)
            return not_found("no file is called " + file +
                             ": copy it from the machine that leads (its --part-key)");
        const crypto::SecretKey fresh = crypto::SecretKey::generate(random);
        RETURN_IF_ERROR(disk.write_secret(name, as_bytes(to_hex(fresh.bytes()) + "\n")));
    }
    ASSIGN_OR_RETURN(const Bytes text, disk.read_secret(name, 128));
    std::string hex(as_text(text));
    while (!hex.empty() && (hex.back() == '\n' || hex.back() == ' ')) hex.pop_back();
    const auto secret = from_hex(hex);
    if (!secret.ok() || secret->size() != 32)
        return invalid(file + " holds no key of a divided server: 64 hexadecimal digits");
    ASSIGN_OR_RETURN(crypto::SecretKey lead, derived("cairn/part-lead", *secret));
    ASSIGN_OR_RETURN(crypto::SecretKey part, derived("cairn/part", *secret));
    return PartKeys{std::move(lead), std::move(part)};
}

}  // namespace cairn::serve
