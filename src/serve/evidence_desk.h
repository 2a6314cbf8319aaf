// EvidenceDesk: what this machine holds against layer servers. It keeps the book of audits, judges
// exhibits by computing the accused layers again (exhibit.h), whoever shows them, and keeps the
// files of those that convict. Nobody is believed: an exhibit whose layers are not here changes
// nothing.
//
// Judging costs a pass over the layers, so strangers can ask for little of it: few exhibits wait,
// one is judged at a time, on a thread that steps back behind all others, and after one that a
// stranger sent those of strangers wait nine times as long as that took.
//
// Everything happens on the loop. Files: audits.book and exhibits/ID.exhibit under the disk's root.
// Others (a client that found a liar, `cairn verify --exhibits`) may put files into that folder:
// they are found, judged and told on like any other.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "base/loop.h"
#include "serve/exhibit_file.h"
#include "trust/audit_book.h"

namespace cairn::serve {

/// Names in the folder of a node.
inline constexpr const char* kBookFile = "audits.book";
inline constexpr const char* kExhibitFolder = "exhibits";
/// The largest exhibit that travels between nodes. Rows have 8 MiB: 256 of a model that is 8,192
/// wide, or 1,024 of a source and as many of a text 1,024 wide. How they are cut into pushes, the
/// receipt and the terms come on top.
inline constexpr std::size_t kMaxSharedExhibit = (std::size_t{1} << 23) + (std::size_t{1} << 16);

struct EvidenceLimits {
    std::size_t waiting = 8;  ///< exhibits that wait to be judged
    std::size_t kept = 256;   ///< that convict; who serves nobody goes first, then the largest
    std::uint64_t kept_bytes = std::uint64_t{64} << 20;
    /// Of the chain's model so many versions, as long as they take no more than so many bytes;
    /// the newest in any case, if it is needed for more than judging others' exhibits.
    std::size_t versions = 3;
    std::uint64_t version_bytes = std::uint64_t{1} << 30;
    bool needs_newest = false;
    std::uint64_t rest = 9;  ///< times as long as judging a stranger's took
};

/// What an exhibit is about, as far as it says.
struct ExhibitNote {
    Hash256 id;
    crypto::PublicKey server;
    Hash256 model;
    model::LayerRange layers;
    std::uint32_t bytes = 0;
    bool operator==(const ExhibitNote&) const = default;
};
ExhibitNote note_of(const Exhibit& exhibit, ByteView bytes);

enum class Judgement {
    kConvicts,
    kProvesNothing,  ///< or clears the server
    kNotHere,        ///< the layers of its model are not here
    kFull,           ///< too many wait
};

/// Since it was started.
struct EvidenceCounts {
    std::uint64_t judged = 0;
    std::uint64_t convicting = 0;
    std::uint64_t in_vain = 0;
};

class EvidenceDesk {
  public:
    using Done = std::function<void(Judgement, const std::string& why)>;

    /// Clock, loop and disk outlive it. Without a disk nothing is kept beyond its end. A damaged
    /// book is set aside, and a new one begun.
    EvidenceDesk(Loop& loop, const Clock& clock, Disk* disk, const trust::TrustRules& rules = {},
                 const EvidenceLimits& limits = {});

    /// A model from a file, for good.
    void add_model(ModelSnapshot model);
    /// The chain's newest.
    void put_chain_model(ModelSnapshot model);
    /// Null if it is not here.
    std::shared_ptr<const ModelSnapshot> model(const Hash256& hash) const;
    std::vector<std::shared_ptr<const ModelSnapshot>> models() const;
    /// Whether the layers that the note is about can be computed here.
    bool can_judge(const ExhibitNote& note) const;

    const trust::AuditBook& book() const { return book_; }
    const trust::TrustRules& rules() const { return rules_; }
    /// Nothing for a server of which nothing is known.
    std::optional<trust::Standing> standing(const crypto::PublicKey& server) const;
    bool is_convicted(const crypto::PublicKey& server) const;
    /// Whether it is not to be used: convicted, or deactivated.
    bool is_out(const crypto::PublicKey& server) const;
    /// What an audit of this machine's own found. The exhibit, if there is one, was judged already.
    void enter(const crypto::PublicKey& server, const trust::ServerPage& page,
               trust::Finding finding, const std::string& sentence,
               const std::optional<Exhibit>& exhibit);

    /// Whether another may wait to be judged.
    bool has_room() const { return waiting_.size() < limits_.waiting; }
    /// Judges what somebody showed; after what a stranger showed, strangers wait.
    void submit(Bytes bytes, bool is_strangers, Done done);
    /// Where a server is, for people; asked about those that are convicted. May be empty.
    void set_address_of(std::function<std::string(const crypto::PublicKey&)> address_of) {
        address_of_ = std::move(address_of);
    }

    /// Exhibits that convict and are kept, by id.
    const std::map<Hash256, ExhibitNote>& kept() const { return kept_; }
    /// The bytes of one of them; empty if they are gone.
    void read(const Hash256& id, std::function<void(Bytes)> done);
    /// Called when one more is kept. May be empty.
    void on_kept(std::function<void(const ExhibitNote&)> told) { kept_told_ = std::move(told); }
    /// Called when a server's standing may have come to be another one. May be empty.
    void on_change(std::function<void()> told) { change_told_ = std::move(told); }
    const EvidenceCounts& counts() const { return counts_; }

    /// Looks into the folder for files that others put there. Every few seconds.
    void look();

  private:
    struct Waiting {
        std::shared_ptr<const Exhibit> exhibit;
        ExhibitNote note;
        Bytes bytes;
        bool is_strangers = false;
        Done done;
    };
    struct Seen {
        int tries = 0;
    };

    void judge_next();
    void on_judged(const Verdict& verdict, std::uint64_t began_us);
    void convict(const ExhibitNote& note, const std::string& sentence);
    void keep(const ExhibitNote& note, Bytes bytes);
    void make_room();
    void write_book();
    void take_file(const std::string& name, Bytes bytes);
    static std::string file_of(const Hash256& id);

    Loop& loop_;
    const Clock& clock_;
    Disk* disk_;
    trust::TrustRules rules_;
    EvidenceLimits limits_;
    trust::AuditBook book_;
    std::vector<std::shared_ptr<const ModelSnapshot>> fixed_;
    std::deque<std::shared_ptr<const ModelSnapshot>> versions_;  // newest last
    std::deque<Waiting> waiting_;  // the first is being judged, if judging_
    bool judging_ = false;
    std::uint64_t rests_until_us_ = 0;
    bool resting_ = false;
    std::map<Hash256, ExhibitNote> kept_;
    std::deque<Hash256> kept_order_;
    std::map<Hash256, Bytes> in_memory_;  // of kept_, while they are on no disk
    std::map<std::string, Seen> files_;   // that were looked at
    bool looking_ = false;
    bool writing_ = false, write_again_ = false;
    EvidenceCounts counts_;
    std::function<std::string(const crypto::PublicKey&)> address_of_;
    std::function<void(const ExhibitNote&)> kept_told_;
    std::function<void()> change_told_;
    Alive alive_;
};

}  // namespace cairn::serve
