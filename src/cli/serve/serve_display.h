// What `cairn serve` shows: models as they load, where it listens and how to ask, a line for each
// request.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "console/line_writer.h"
#include "host/text_host.h"
#include "openai/journal.h"

namespace cairn::cli {

class ServeDisplay {
  public:
    /// Shows what the log says, too, until it ends.
    ServeDisplay(bool json, bool quiet, std::ostream& out);
    ~ServeDisplay();
    ServeDisplay(const ServeDisplay&) = delete;
    ServeDisplay& operator=(const ServeDisplay&) = delete;

    /// A model that has been loaded: one line.
    void loaded(const host::HostedModel& model);
    struct Place {
        std::string address;
        std::string token;       ///< empty: none is needed
        std::string token_file;  ///< where it is from; empty: it was made
        bool beyond = false;     ///< others than this machine can reach it
    };
    void ready(const Place& place, const std::vector<host::HostedModel>& models);
    /// From any thread; nobody waits for who reads it.
    void answered(const openai::JournalEntry& entry);
    void note(const std::string& line);

  private:
    const bool json_;
    const bool quiet_;
    std::ostream& out_;
    console::LineWriter errors_;
};

}  // namespace cairn::cli
