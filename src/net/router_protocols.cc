#include "net/router_protocols.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>
#include <natpmp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <string>

namespace cairn::net {
namespace {

/// A question is repeated after 250 ms, then 500 ms and so on: 1.75 s in all.
constexpr int kNatPmpTries = 3;
constexpr int kDiscoverMs = 2'000;
/// Ports tried while others of the home network have them.
constexpr int kPortsTried = 4;

std::string text_of(const in_addr& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    return text.data();
}

class NatPmp final : public RouterProtocol {
  public:
    std::string name() const override { return "NAT-PMP"; }

    Result<PortMapping> map(std::uint16_t port, std::uint32_t lease_s) override {
        const Session session;
        if (!session.open) return not_found("this machine has no router");
        PortMapping mapping;
        sendpublicaddressrequest(&session.router);
        ASSIGN_OR_RETURN(const natpmpresp_t where, session.answer(NATPMP_RESPTYPE_PUBLICADDRESS));
        mapping.outside.host = text_of(where.pnu.publicaddress.addr);
        // The port that it gave before is asked for again.
        const std::uint16_t wanted = given_ != 0 ? given_ : port;
        sendnewportmappingrequest(&session.router, NATPMP_PROTOCOL_TCP, port, wanted, lease_s);
        ASSIGN_OR_RETURN(const natpmpresp_t what, session.answer(NATPMP_RESPTYPE_TCPPORTMAPPING));
        const auto& given = what.pnu.newportmapping;
        if (given.privateport != port || given.mappedpublicport == 0 || given.lifetime == 0)
            return invalid("the router answers for another port");
        mapping.outside.port = given_ = given.mappedpublicport;
        mapping.lease_s = given.lifetime;
        return mapping;
    }

    void unmap(std::uint16_t port, const PortMapping&) override {
        const Session session;
        if (!session.open) return;
        sendnewportmappingrequest(&session.router, NATPMP_PROTOCOL_TCP, port, 0, 0);
        (void)session.answer(NATPMP_RESPTYPE_TCPPORTMAPPING);
    }

  private:
    struct Session {
        Session() { open = initnatpmp(&router, 0, 0) == 0; }
        ~Session() { closenatpmp(&router); }
        Session(const Session&) = delete;
        Session& operator=(const Session&) = delete;

        Result<natpmpresp_t> answer(std::uint16_t type) const {
            natpmpresp_t response{};
            int result = NATPMP_TRYAGAIN;
            while (result == NATPMP_TRYAGAIN && router.try_number <= kNatPmpTries) {
                timeval pause{};
                if (getnatpmprequesttimeout(&router, &pause) != 0) break;
                pollfd socket{router.s, POLLIN, 0};
                const long ms = std::max(0L, pause.tv_sec * 1000 + pause.tv_usec / 1000 + 1);
                ::poll(&socket, 1, static_cast<int>(std::min(ms, 5'000L)));
                result = readnatpmpresponseorretry(&router, &response);
            }
            if (result == NATPMP_TRYAGAIN || result == NATPMP_ERR_NOGATEWAYSUPPORT)
                return not_found("the router does not answer");
            if (result == NATPMP_ERR_NOTAUTHORIZED)
                return Error{ErrorCode::kRefused, "the router is told to give no ports"};
            if (result != 0)
                return io_error("the router gives none (error " + std::to_string(result) + ")");
            if (response.type != type) return invalid("the router answers another question");
            return response;
        }

        mutable natpmp_t router{};
        bool open = false;
    };

    std::uint16_t given_ = 0;
};

class Upnp final : public RouterProtocol {
  public:
    std::string name() const override { return "UPnP"; }

    Result<PortMapping> map(std::uint16_t port, std::uint32_t lease_s) override {
        const Router router;
        if (!router.found) return not_found("no router answers");
        PortMapping mapping;
        mapping.lease_s = lease_s;
        std::array<char, 64> host{};
        if (UPNP_GetExternalIPAddress(router.urls.controlURL, router.data.first.servicetype,
                                      host.data()) != UPNPCOMMAND_SUCCESS)
            return io_error("the router does not tell its address");
        in_addr number{};
        if (::inet_pton(AF_INET, host.data(), &number) != 1)
            return invalid("the router's address is none");
        mapping.outside.host = text_of(number);
        const int first = given_ != 0 ? given_ : port;
        int error = 0;
        for (int i = 0; i < kPortsTried && first + i <= 65535; ++i) {
            const std::string outer = std::to_string(first + i);
            error = UPNP_AddPortMapping(router.urls.controlURL, router.data.first.servicetype,
                                        outer.c_str(), std::to_string(port).c_str(),
                                        router.own_address.data(), "cairn", "TCP", nullptr,
                                        std::to_string(lease_s).c_str());
            if (error == UPNPCOMMAND_SUCCESS) {
                mapping.outside.port = given_ = static_cast<std::uint16_t>(first + i);
                return mapping;
            }
            if (error != 718) break;  // another machine has this port
        }
        if (error == 725)
            return Error{ErrorCode::kUnsupported, "the router gives ports for ever only"};
        return Error{ErrorCode::kRefused,
                     "the router gives none (error " + std::to_string(error) + ")"};
    }

    void unmap(std::uint16_t, const PortMapping& mapping) override {
        const Router router;
        if (!router.found) return;
        UPNP_DeletePortMapping(router.urls.controlURL, router.data.first.servicetype,
                               std::to_string(mapping.outside.port).c_str(), "TCP", nullptr);
    }

  private:
    /// The router that answers first.
    struct Router {
        Router() {
            int error = 0;
            UPNPDev* const devices =
                upnpDiscover(kDiscoverMs, nullptr, nullptr, UPNP_LOCAL_PORT_ANY, 0, 2, &error);
            if (devices == nullptr) return;
            const int length = static_cast<int>(own_address.size());
#if MINIUPNPC_API_VERSION >= 18
            const int kind =
                UPNP_GetValidIGD(devices, &urls, &data, own_address.data(), length, nullptr, 0);
            found = kind == 1 || kind == 2;  // 2: its address is no public one
#else
            found = UPNP_GetValidIGD(devices, &urls, &data, own_address.data(), length) == 1;
#endif
            freeUPNPDevlist(devices);
        }
        ~Router() { FreeUPNPUrls(&urls); }
        Router(const Router&) = delete;
        Router& operator=(const Router&) = delete;

        mutable UPNPUrls urls{};
        IGDdatas data{};
        std::array<char, 64> own_address{};
        bool found = false;
    };

    std::uint16_t given_ = 0;
};

}  // namespace

std::shared_ptr<RouterProtocol> nat_pmp() { return std::make_shared<NatPmp>(); }
std::shared_ptr<RouterProtocol> upnp() { return std::make_shared<Upnp>(); }

bool has_public_address() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return false;
    bool found = false;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        sockaddr_in address{};
        std::copy_n(reinterpret_cast<const char*>(at->ifa_addr), sizeof(address),
                    reinterpret_cast<char*>(&address));
        found = found || is_public(text_of(address.sin_addr));
    }
    ::freeifaddrs(list);
    return found;
}

}  // namespace cairn::net
