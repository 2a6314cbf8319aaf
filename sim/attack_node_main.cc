// attack_node: hostile peers (hostile_peer.h) over real TLS links, against a real node on this
// machine. For tools/check-attacks; it is no part of the program that people use, and dials
// nothing but loopback.
//
//   build/attack_node FOLDER HOST:PORT KIND PEERS SECONDS [SEED]
//
// FOLDER has network.json and its assets; KIND is a name of Malice ("header flood", ...), or
// "sockets" for connections that never say a word.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "consensus/ledger.h"
#include "net/address.h"
#include "net/tls_network.h"
#include "node/assets.h"
#include "node/create_network.h"
#include "sim/hostile_peer.h"
#include "worth/chain_model.h"

namespace {

std::uint32_t next_source = 0;

/// Another address of 127.0.0.0/8 for each connection, so that the node under attack sees peers
/// from all 256 netgroups that loopback has.
void bind_to_next_source(int descriptor) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    next_source += 0x9e3779b9U;  // steps through them all, far apart
    from.sin_addr.s_addr = htonl(0x7f000000U | ((next_source >> 8) | 1U));
    (void)::bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof from);
}

}  // namespace

// Takes the place of the C library's for this program: its links have no option for the address
// that they come from, since nobody but this program needs one.
extern "C" int connect(int descriptor, const sockaddr* to, socklen_t size) {
    if (to->sa_family == AF_INET) bind_to_next_source(descriptor);
    return static_cast<int>(::syscall(SYS_connect, descriptor, to, size));
}

namespace cairn::sim {
namespace {

struct Request {
    std::string folder;
    std::string victim;
    std::string kind;
    std::uint64_t peers = 1;
    std::uint64_t seconds = 10;
    std::uint64_t seed = 1;
};

Result<Request> parse(int argc, char** argv) {
    if (argc < 6) return misused("attack_node FOLDER HOST:PORT KIND PEERS SECONDS [SEED]");
    Request request{argv[1], argv[2], argv[3], 1, 10, 1};
    ASSIGN_OR_RETURN(request.peers, parse_whole(argv[4], "PEERS"));
    ASSIGN_OR_RETURN(request.seconds, parse_whole(argv[5], "SECONDS"));
    if (argc > 6) {
        ASSIGN_OR_RETURN(request.seed, parse_whole(argv[6], "SEED"));
    }
    ASSIGN_OR_RETURN(const net::Address victim, net::parse_peer_address(request.victim));
    if (!net::is_loopback(victim.host)) return misused("only nodes on this machine are attacked");
    if (request.peers > 512 || request.seconds > 3'600) return misused("that is too much");
    return request;
}

Result<Malice> malice_of(const std::string& name) {
    for (int i = 0; i < kMalices; ++i)
        if (name == name_of(static_cast<Malice>(i))) return static_cast<Malice>(i);
    return misused("there is no kind of malice called " + name);
}

/// Its peers tell addresses that the node under attack will dial: nowhere but where nothing can
/// leave this machine.
Status check_alone() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return io_error("the interfaces of this machine are not known");
    bool is_alone = true;
    for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next)
        is_alone = is_alone && (each->ifa_flags & IFF_LOOPBACK) != 0;
    ::freeifaddrs(all);
    if (is_alone) return ok_status();
    return Error{ErrorCode::kRefused,
                 "this machine has more than a loopback interface here: run tools/check-attacks, "
                 "which makes a network of its own"};
}

/// Opens connections that say nothing, again and again.
Status hold_sockets(const Request& request) {
    ASSIGN_OR_RETURN(const net::Address victim, net::parse_peer_address(request.victim));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(victim.port);
    ::inet_pton(AF_INET, victim.host.c_str(), &to.sin_addr);
    std::vector<int> open;
    for (std::uint64_t second = 0; second < request.seconds; ++second) {
        for (std::uint64_t i = 0; i < request.peers; ++i) {
            const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
            if (descriptor < 0) break;
            (void)::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to);
            open.push_back(descriptor);
        }
        ::sleep(1);
        if (second % 12 != 11) continue;  // the node has closed them by now
        for (const int descriptor : open) ::close(descriptor);
        open.clear();
    }
    return ok_status();
}

struct Seat {
    crypto::SecretKey key;
    std::unique_ptr<net::TlsNetwork> network;
    std::unique_ptr<HostilePeer> peer;
};

Status attack(const Request& request) {
    ASSIGN_OR_RETURN(const Malice malice, malice_of(request.kind));
    ASSIGN_OR_RETURN(const chain::NetworkDefinition network,
                     node::read_network(request.folder + "/network.json"));
    ASSIGN_OR_RETURN(const auto judge, node::Assets(request.folder).get(network.judge_hash));
    ASSIGN_OR_RETURN(auto tokens, node::token_text_from_bytes(*judge));
    ThreadPool pool(1);
    ASSIGN_OR_RETURN(const auto kernels, tensor::kernels_from_environment());
    ASSIGN_OR_RETURN(const auto model,
                     worth::ChainModel::create(network, std::move(tokens), {kernels, &pool}));
    const chain::Block genesis = consensus::Ledger(network, *model).genesis();

    SystemRandom chance;
    net::AsioLoop loop;
    std::vector<Seat> seats;
    for (std::uint64_t i = 0; i < request.peers; ++i) {
        Seat seat{crypto::SecretKey::generate(chance), nullptr, nullptr};
        net::TlsOptions tls{.key = seat.key, .genesis = chain::genesis_id(network)};
        ASSIGN_OR_RETURN(seat.network, net::TlsNetwork::start(loop, chance, std::move(tls)));
        seat.peer = std::make_unique<HostilePeer>(
            HostileSeat{network, genesis, loop, *seat.network, seat.key}, request.seed + i, malice,
            std::vector<std::string>{request.victim});
        seats.push_back(std::move(seat));
    }
    loop.call_after(request.seconds * 1'000, [&loop] { loop.stop(); });
    loop.on_terminate([&loop] { loop.stop(); });
    loop.run();
    std::uint64_t sent = 0;
    for (const Seat& seat : seats) sent += seat.peer->sent();
    std::printf("%s: %zu peers sent %llu messages\n", request.kind.c_str(), seats.size(),
                static_cast<unsigned long long>(sent));
    for (Seat& seat : seats) seat.network.reset();  // before the peers that it tells of its end
    return ok_status();
}

}  // namespace
}  // namespace cairn::sim

int main(int argc, char** argv) {
    const auto request = cairn::sim::parse(argc, argv);
    const cairn::Status alone = cairn::sim::check_alone();
    const cairn::Status done = !request.ok()                ? cairn::Status(request.error())
                               : !alone.ok()                ? alone
                               : request->kind == "sockets" ? cairn::sim::hold_sockets(*request)
                                                            : cairn::sim::attack(*request);
    if (done.ok()) return 0;
    std::fprintf(stderr, "attack_node: %s\n", done.error().message.c_str());
    return 1;
}
