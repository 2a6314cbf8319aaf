// A stream that replaces control characters, so that no text from a file, a model or a peer can
// control the user's terminal. Standard output and standard error of every command go through one,
// so that no command has to think of it.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>

#include "base/text.h"

namespace cairn::console {

class ShownStream final : public std::ostream {
  public:
    /// Output goes to `target` through PrintableStream, or unchanged after set_exact(true).
    explicit ShownStream(std::ostream& target) : std::ostream(nullptr), buffer_(target) {
        rdbuf(&buffer_);
    }

    void set_exact(bool exact) { buffer_.exact = exact; }
    /// Breaks lines between words, for a terminal of so many columns (0: as they are). A line of
    /// which a part was flushed is left to the terminal.
    void set_columns(std::size_t columns) { buffer_.columns = columns; }
    /// Sends what waits and flushes the target; false if anything could not be written.
    bool finish();

  private:
    struct Buffer final : std::streambuf {
        explicit Buffer(std::ostream& to) : target(to) {}
        int_type overflow(int_type c) override;
        std::streamsize xsputn(const char* text, std::streamsize size) override;
        int sync() override;
        void put(std::string_view text);
        void put_beginning();

        std::ostream& target;
        std::size_t columns = 0;
        std::string line;       ///< that has not ended
        bool is_begun = false;  ///< a part of it was sent
        PrintableStream clean;
        bool exact = false;
    };

    Buffer buffer_;
};

/// "cairn: " and the sentence, on a line of standard error.
void say(std::string_view sentence);

}  // namespace cairn::console
