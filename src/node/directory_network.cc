#include "node/directory_network.h"

#include <algorithm>

#include "base/disk.h"
#include "base/files.h"
#include "base/log.h"

namespace cairn::node {
namespace {

/// A network that decided on an upgrade has a definition with a longer list; whoever names it by
/// --network gets it into his directory. An older file than the directory's changes nothing.
Status take_over_upgrades(const std::string& directory, const std::string& network_file,
                          const chain::NetworkDefinition& given, chain::NetworkDefinition& here,
                          PosixDisk& disk) {
    const auto begins_with = [](const auto& list, const auto& start) {
        return list.size() >= start.size() && std::equal(start.begin(), start.end(), list.begin());
    };
    if (begins_with(here.upgrades, given.upgrades)) return ok_status();
    if (!begins_with(given.upgrades, here.upgrades))
        return Error{ErrorCode::kRefused,
                     network_file + " and the network.json in " + directory +
                         " are of one network, but their upgrades differ; ask which list the "
                         "network follows, and put it into both files"};
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(network_file, chain::kMaxNetworkJsonBytes));
    RETURN_IF_ERROR(disk.write_atomic(std::string(kNetworkFile), bytes));
    log_info("{} upgrades of the network are new in {}",
             given.upgrades.size() - here.upgrades.size(), network_file);
    here = given;
    return ok_status();
}

}  // namespace

std::string name_and_id(const chain::NetworkDefinition& network) {
    return network.name + " (" + short_hex(chain::genesis_id(network)) + ")";
}

Result<chain::NetworkDefinition> load_network(const std::string& directory,
                                              const std::string& network_file, Assets& assets) {
    PosixDisk disk(directory);
    const std::string name(kNetworkFile);
    const std::string here = directory + "/" + name;
    RETURN_IF_ERROR(check_no_lost_link(here));
    if (!disk.exists(name)) {
        if (network_file.empty())
            return not_found("no " + name + " in " + directory +
                             ": give --network FILE, or make one with `cairn network create`");
        RETURN_IF_ERROR(read_network(network_file));
        ASSIGN_OR_RETURN(const Bytes bytes, read_file(network_file, chain::kMaxNetworkJsonBytes));
        RETURN_IF_ERROR(disk.write_atomic(name, bytes));
    }
    ASSIGN_OR_RETURN(chain::NetworkDefinition network, read_network(here));
    if (!network_file.empty()) {
        ASSIGN_OR_RETURN(const chain::NetworkDefinition given, read_network(network_file));
        if (chain::genesis_id(given) != chain::genesis_id(network))
            return Error{ErrorCode::kRefused, directory + " belongs to the network " +
                                                  name_and_id(network) + ", and " + network_file +
                                                  " is that of " + name_and_id(given) +
                                                  ": name another --dir"};
        RETURN_IF_ERROR(take_over_upgrades(directory, network_file, given, network, disk));
        Assets beside(folder_of(network_file));
        assets.copy_from(beside, network);
    }
    return network;
}

}  // namespace cairn::node
