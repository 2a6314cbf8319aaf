#include "console/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/disk.h"
#include "base/files.h"
#include "console/terminal.h"

namespace cairn::console {

namespace {

constexpr int kMaxHistory = 1000;
constexpr std::size_t kMaxHistoryBytes = std::size_t{1} << 26;
constexpr std::string_view kHistoryMark = "_HiStOrY_V2_\n";  // libedit's
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr std::string_view kPasteBegin = "\x1b[200~";
// After Enter, the next byte of a paste comes sooner than this even over a slow line; nobody types
// that fast.
constexpr int kPasteGapMs = 30;
constexpr wchar_t kBreak = L'\x0f';  // a line end inside a line; no key that we need sends it
constexpr wchar_t kCtrlC = L'\x03';
constexpr wchar_t kReplacement = 0xFFFD;

Status check_history(const std::string& path) {
    if (path.empty() || !exists(path)) return ok_status();
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxHistoryBytes));
    if (bytes.empty() || as_text(bytes).starts_with(kHistoryMark)) return ok_status();
    return invalid("--history " + path +
                   " is there and is no history of `chat`; name another file");
}

// As libedit's own reader wants it: everything but visible ASCII as octal.
std::string history_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F && c != '\\')
            line += c;
        else
            line += fmt::format("\\{:03o}", byte);
    }
    return line + "\n";
}

// What acts on a terminal or ends a line stays out of it; line ends become one kind.
std::string pasted(std::string_view text) {
    std::string clean;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (text[i] == '\r') {
            if (i + 1 >= text.size() || text[i + 1] != '\n') clean += '\n';
        } else if ((byte < 0x20 && text[i] != '\n' && text[i] != '\t') || byte == 0x7F) {
            clean += "\xEF\xBF\xBD";
        } else {
            clean += text[i];
        }
    }
    return clean;
}

// How many bytes a character of UTF-8 that begins so has; 0 for what begins none.
std::size_t utf8_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

wchar_t utf8_character(std::string_view bytes) {
    const std::size_t length = bytes.size();
    auto value = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[0]));
    if (length > 1) value &= 0x7FU >> length;
    for (const char c : bytes.substr(1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80U) return kReplacement;
        value = (value << 6U) | (byte & 0x3FU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    if (value < kLeast[length] || value > 0x10FFFF || surrogate) return kReplacement;
    return static_cast<wchar_t>(value);
}

std::wstring wide(std::string_view text) {
    std::wstring out;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(static_cast<unsigned char>(text[i]));
        const bool whole = length > 0 && i + length <= text.size();
        const wchar_t c = whole ? utf8_character(text.substr(i, length)) : kReplacement;
        i += c == kReplacement && length != 3 ? 1 : std::max<std::size_t>(1, length);
        out += c;
    }
    return out;
}

class EditedLineReader final : public LineReader {
  public:
    EditedLineReader(std::string history_file, std::FILE* out)
        : history_file_(std::move(history_file)),
          out_(out),
          history_(history_init()),
          edit_(el_init("cairn", stdin, out, stderr)) {
        // Without a locale of UTF-8 the library would take every byte for a character.
        std::setlocale(LC_CTYPE, "");
        if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
        el_set(edit_, EL_CLIENTDATA, this);
        el_set(edit_, EL_PROMPT, &EditedLineReader::prompt);
        el_set(edit_, EL_EDITOR, "emacs");
        el_set(edit_, EL_HIST, history, history_);
        el_set(edit_, EL_GETCFN, &EditedLineReader::next_character);
        el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
        bind("cairn-drop", "Drop the line", &EditedLineReader::drop, "^C");
        bind("cairn-suspend", "Suspend the program", &EditedLineReader::suspend, "^Z");
        bind("cairn-paste", "Take a pasted block", &EditedLineReader::paste, "\\e[200~");
        bind("cairn-break", "A line end inside the line", &EditedLineReader::line_break, "^O");
        bind_held_arrows();
        el_set(edit_, EL_SETTY, "-d", "-isig", "-icrnl", "-inlcr", nullptr);
        HistEvent event;
        history(history_, &event, H_SETSIZE, kMaxHistory);
        history(history_, &event, H_SETUNIQUE, 1);
        if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
        remember_size();
    }
    ~EditedLineReader() override {
        if (!history_file_.empty()) {
            const Status saved = save_history();
            if (!saved.ok())
                std::fprintf(stderr, "cairn: the history was not saved: %s\n",
                             saved.error().message.c_str());
        }
        el_end(edit_);
        history_end(history_);
    }
    EditedLineReader(const EditedLineReader&) = delete;
    EditedLineReader& operator=(const EditedLineReader&) = delete;

    Result<std::optional<std::string>> read(const std::string& prompt,
                                            Interrupt& interrupt) override {
        prompt_ = prompt;
        interrupt_ = &interrupt;
        interrupt.forget();
        dropped_ = too_long_ = false;
        first_ = true;
        int count = 0;
        // Must happen before the prompt appears and somebody types.
        el_set(edit_, EL_PREP_TERM, 1);
        mark_pastes(::fileno(out_), true);
        const char* line = el_gets(edit_, &count);
        mark_pastes(::fileno(out_), false);
        if (dropped_) return std::optional(std::string());
        if (line == nullptr || count <= 0) {
            std::fputc('\n', out_);
            return std::optional<std::string>();
        }
        std::string text(line, static_cast<std::size_t>(count));
        while (text.ends_with('\n')) text.pop_back();
        if (too_long_ || text.size() > kMaxLineBytes)
            return invalid("that is longer than 1 MiB and was not sent");
        HistEvent event;
        if (!text.empty()) history(history_, &event, H_ENTER, text.c_str());
        return std::optional(std::move(text));
    }
    bool is_terminal() const override { return true; }
    bool dropped() const override { return dropped_; }

  private:
    static EditedLineReader* self(EditLine* edit) {
        void* data = nullptr;
        el_get(edit, EL_CLIENTDATA, &data);
        return static_cast<EditedLineReader*>(data);
    }
    static char* prompt(EditLine* edit) { return self(edit)->prompt_.data(); }

    void bind(const char* name, const char* help, unsigned char (*function)(EditLine*, int),
              const char* key) {
        el_set(edit_, EL_ADDFN, name, help, function);
        el_set(edit_, EL_BIND, key, name, nullptr);
    }

    // Arrows with Shift, Alt or Ctrl held: the library would type the end of their sequence.
    void bind_held_arrows() {
        constexpr std::pair<char, const char*> kDoes[] = {
            {'A', "ed-prev-history"}, {'B', "ed-next-history"}, {'C', "em-next-word"},
            {'D', "ed-prev-word"},    {'H', "ed-move-to-beg"},  {'F', "ed-move-to-end"}};
        for (char held = '2'; held <= '8'; ++held)
            for (const auto& [key, does] : kDoes)
                el_set(edit_, EL_BIND, fmt::format("\\e[1;{}{}", held, key).c_str(), does, nullptr);
    }

    static unsigned char drop(EditLine* edit, int) {
        EditedLineReader* reader = self(edit);
        const LineInfo* line = el_line(edit);
        const bool empty = line->lastchar == line->buffer;
        std::fputs(empty ? "^C (Ctrl-D or /quit leaves)\n" : "^C\n", reader->out_);
        reader->dropped_ = true;
        return CC_NEWLINE;
    }

    static unsigned char suspend(EditLine* edit, int) {
        const int out = ::fileno(self(edit)->out_);
        mark_pastes(out, false);
        el_set(edit, EL_PREP_TERM, 0);
        ::kill(0, SIGTSTP);  // as the terminal would have done
        el_set(edit, EL_PREP_TERM, 1);
        mark_pastes(out, true);
        return CC_REDISPLAY;
    }

    static unsigned char line_break(EditLine* edit, int) {
        return el_winsertstr(edit, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
    }

    static unsigned char paste(EditLine* edit, int) {
        EditedLineReader* reader = self(edit);
        const std::wstring text = wide(pasted(reader->pasted_block()));
        return el_winsertstr(edit, text.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }

    // Reads up to the end mark of the paste. An end mark that is followed by a second one without a
    // begin mark between them was part of the pasted text, which tried to pass for typed input.
    std::string pasted_block() {
        std::string text;
        char byte = 0;
        while (bytes_.next(*interrupt_, byte) == InputBytes::Event::kByte) {
            text += byte;
            if (text.size() > kMaxLineBytes + kPasteEnd.size()) {
                too_long_ = true;
                text.erase(0, text.size() - kPasteEnd.size());
            }
            if (!text.ends_with(kPasteEnd)) continue;
            const std::string& behind = bytes_.look_ahead(kPasteGapMs, kMaxLineBytes);
            const std::size_t end = behind.find(kPasteEnd);
            if (end == std::string::npos || behind.find(kPasteBegin) < end) {
                text.erase(text.size() - kPasteEnd.size());
                break;
            }
        }
        return text;
    }

    static int next_character(EditLine* edit, wchar_t* character) {
        return self(edit)->read_character(*character);
    }

    int read_character(wchar_t& character) {
        char byte = 0;
        std::string bytes;
        std::size_t length = 1;
        const bool early = std::exchange(first_, false) && bytes_.peek(0);
        while (bytes.size() < length) {
            watch_size();
            const InputBytes::Event event = bytes_.next(*interrupt_, byte);
            if (event == InputBytes::Event::kEnd || interrupt_->must_end()) return 0;
            if (event == InputBytes::Event::kInterrupted) {
                interrupt_->forget();
                character = kCtrlC;
                return 1;
            }
            if (bytes.empty()) length = utf8_length(static_cast<unsigned char>(byte));
            bytes += byte;
        }
        // A Ctrl-D that was typed before the prompt appeared arrives as a zero byte.
        if (early && byte == '\0') byte = bytes[0] = '\x04';
        if (byte == '\r' && bytes_.peek(0) == '\n') (void)bytes_.next(*interrupt_, byte);
        character = length == 0 ? kReplacement : utf8_character(bytes);
        if (character == L'\n' || character == L'\r') {
            const auto more = bytes_.peek(kPasteGapMs);
            const bool goes_on = more && (static_cast<unsigned char>(*more) >= 0x20 ||
                                          *more == '\t' || *more == '\n' || *more == '\r');
            if (goes_on) character = kBreak;
        }
        return 1;
    }

    void remember_size() { ::ioctl(::fileno(out_), TIOCGWINSZ, &size_); }
    void watch_size() {
        const winsize before = size_;
        remember_size();
        if (before.ws_col != size_.ws_col || before.ws_row != size_.ws_row) el_resize(edit_);
    }

    Status save_history() {
        std::string text(kHistoryMark);
        HistEvent event;
        for (int more = history(history_, &event, H_LAST); more >= 0;
             more = history(history_, &event, H_PREV))
            text += history_line(event.str);
        return PosixDisk(folder_of(history_file_))
            .write_secret(name_of(history_file_), as_bytes(text));
    }

    const ChangedTerminal changed_;
    std::string history_file_;
    std::FILE* out_;
    History* history_;
    EditLine* edit_;
    InputBytes bytes_{STDIN_FILENO};
    Interrupt* interrupt_ = nullptr;  // while reading
    std::string prompt_;
    winsize size_{};
    bool dropped_ = false;
    bool too_long_ = false;
    bool first_ = true;  // character of the line
};

}  // namespace

Result<std::unique_ptr<LineReader>> edited_input(const std::string& history_file, std::FILE* out) {
    RETURN_IF_ERROR(check_history(history_file));
    return std::unique_ptr<LineReader>(std::make_unique<EditedLineReader>(history_file, out));
}

}  // namespace cairn::console
