#include "cli/write/line_reader.h"

#include <clocale>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

namespace cairn::cli {

namespace {

constexpr int kMaxHistory = 1000;

Result<std::optional<std::string>> bounded(std::string line) {
    if (line.size() > kMaxLineBytes) return invalid("a line is longer than 1 MiB");
    return std::optional(std::move(line));
}

class EditedLineReader final : public LineReader {
  public:
    explicit EditedLineReader(std::string history_file)
        : history_file_(std::move(history_file)),
          history_(history_init()),
          edit_(el_init("cairn", stdin, stdout, stderr)) {
        // Without a locale of UTF-8 the library would take every byte for a character.
        std::setlocale(LC_CTYPE, "");
        if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
        el_set(edit_, EL_CLIENTDATA, this);
        el_set(edit_, EL_PROMPT, &EditedLineReader::prompt);
        el_set(edit_, EL_EDITOR, "emacs");
        el_set(edit_, EL_HIST, history, history_);
        el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
        // Ctrl-C while a line is written throws the line away, not the program.
        el_set(edit_, EL_ADDFN, "cairn-drop", "Drop the line", &EditedLineReader::drop);
        el_set(edit_, EL_BIND, "^C", "cairn-drop", nullptr);
        el_set(edit_, EL_SETTY, "-d", "-isig", nullptr);
        HistEvent event;
        history(history_, &event, H_SETSIZE, kMaxHistory);
        history(history_, &event, H_SETUNIQUE, 1);
        if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
    }
    ~EditedLineReader() override {
        HistEvent event;
        if (!history_file_.empty()) history(history_, &event, H_SAVE, history_file_.c_str());
        el_end(edit_);
        history_end(history_);
    }
    EditedLineReader(const EditedLineReader&) = delete;
    EditedLineReader& operator=(const EditedLineReader&) = delete;

    Result<std::optional<std::string>> read(const std::string& prompt) override {
        prompt_ = prompt;
        dropped_ = false;
        int count = 0;
        const char* line = el_gets(edit_, &count);
        if (line == nullptr || count <= 0) {
            std::fputc('\n', stdout);
            return std::optional<std::string>();
        }
        std::string text = dropped_ ? "" : std::string(line, static_cast<std::size_t>(count));
        if (text.ends_with('\n')) text.pop_back();
        HistEvent event;
        if (!text.empty()) history(history_, &event, H_ENTER, text.c_str());
        return bounded(std::move(text));
    }
    bool is_terminal() const override { return true; }

  private:
    static EditedLineReader* self(EditLine* edit) {
        void* data = nullptr;
        el_get(edit, EL_CLIENTDATA, &data);
        return static_cast<EditedLineReader*>(data);
    }
    static char* prompt(EditLine* edit) { return self(edit)->prompt_.data(); }
    static unsigned char drop(EditLine* edit, int) {
        self(edit)->dropped_ = true;
        std::fputs("^C\n", stdout);
        return CC_NEWLINE;
    }

    std::string history_file_;
    History* history_;
    EditLine* edit_;
    std::string prompt_;
    bool dropped_ = false;
};

}  // namespace

Result<std::optional<std::string>> StreamLineReader::read(const std::string&) {
    std::string line;
    if (!std::getline(in_, line)) return std::optional<std::string>();
    if (line.ends_with('\r')) line.pop_back();
    return bounded(std::move(line));
}

std::unique_ptr<LineReader> standard_input(const std::string& history_file) {
    if (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0)
        return std::make_unique<EditedLineReader>(history_file);
    return std::make_unique<StreamLineReader>(std::cin);
}

}  // namespace cairn::cli
