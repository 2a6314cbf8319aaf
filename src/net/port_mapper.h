// Asks the router of a home network to pass links from outside on to this machine, so that peers
// can dial a node that sits behind it. On a thread of its own, since routers answer slowly or not
// at all: one port is asked for, asked for again before its lease ends, and given back at the end.
// Only the port for peers is ever asked for, never that of the API.
//
// That a router gave a port does not prove that anybody can dial it. Nothing is made of it but a
// line for people and the port in our Hello: peers pass on only what they dialled themselves (S17).
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/loop.h"
#include "net/address.h"

namespace cairn::net {

/// What is asked for, in seconds. After a router was restarted its port is back within half of it.
inline constexpr std::uint32_t kPortLeaseS = 1200;

struct PortMapping {
    Address outside;  ///< the router's address and the port there
    std::uint32_t lease_s = 0;
};

/// One protocol in which routers are asked. Used by one thread; each call blocks for seconds at
/// most, if the router is honest.
class RouterProtocol {
  public:
    virtual ~RouterProtocol() = default;
    virtual std::string name() const = 0;
    /// Asks for links to `port` of this machine, or for more time for what it gave before.
    virtual Result<PortMapping> map(std::uint16_t port, std::uint32_t lease_s) = 0;
    virtual void unmap(std::uint16_t port, const PortMapping& mapping) = 0;
};

/// How routers may be asked.
enum class PortAsking : std::uint8_t {
    kNot,
    kNatPmp,  ///< sixteen bytes from the default gateway and nobody else
    kUpnp,    ///< XML from whoever in the home network says that it is a router
    kAny,     ///< NAT-PMP, then UPnP
};

struct PortMapperOptions {
    std::uint16_t port = 0;  ///< where this machine listens
    /// In the order in which they are tried.
    std::vector<std::shared_ptr<RouterProtocol>> protocols;
    std::uint64_t retry_ms = 60'000;  ///< after a failure; twice as long each time, up to 16 times
    std::uint64_t second_ms = 1'000;  ///< for tests
};

struct PortReport {
    std::optional<PortMapping> mapping;
    bool reachable = false;  ///< the router's address is a public one
    std::string sentence;    ///< for people
};

/// The report in words. `failures` says what each protocol answered, if there is no mapping.
PortReport report_of(std::uint16_t port, std::optional<PortMapping> mapping,
                     const std::string& protocol, const std::string& failures);

class PortMapper {
  public:
    /// Starts asking. `on_change` is called on the loop, which must outlive this.
    PortMapper(Loop& loop, PortMapperOptions options,
               std::function<void(const PortReport&)> on_change);
    /// Gives the port back. Waits 5 s at most: a router that keeps its asker busy for longer is
    /// left to the end of the process.
    ~PortMapper();
    PortMapper(const PortMapper&) = delete;
    PortMapper& operator=(const PortMapper&) = delete;

  private:
    struct State;

    Loop& loop_;
    std::function<void(const PortReport&)> on_change_;
    std::string said_;
    TimerId timer_ = 0;  // for the next question
    std::shared_ptr<State> state_;
    std::future<void> ended_;
    std::thread thread_;
    Alive alive_;
};

/// The mapper for a node that listens at `listen` ("host:port"); nothing if there is no use in
/// asking: it is not to, listens on loopback or not at all, or this machine has a public address.
std::unique_ptr<PortMapper> map_port(Loop& loop, PortAsking asking, const std::string& listen,
                                     std::function<void(const PortReport&)> on_change);

}  // namespace cairn::net
