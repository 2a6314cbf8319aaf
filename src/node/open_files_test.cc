// Proves that a node takes the file descriptors that it may have, makes fewer links where they are
// few, and refuses to start where they are too few.
#include "node/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cairn::node {
namespace {

TEST(OpenFiles, LinksFitIntoWhatThereIs) {
    for (std::size_t files = kLeastFiles; files < 1000; ++files) {
        const LinkBounds bounds = link_bounds(files);
        EXPECT_GE(bounds.peers, 2U);
        EXPECT_LT(bounds.inbound, bounds.peers + 1) << "room for those that we choose";
        EXPECT_LE(kOwnFiles + bounds.peers + 2 * bounds.pending, files);
    }
    EXPECT_EQ(link_bounds(kEnoughFiles).peers, LinkBounds().peers);
}

/// How many files a process gets that may have `soft` open, and `hard` if it asks; 0 if it is
/// refused.
int provided(rlim_t soft, rlim_t hard) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{soft, hard};
        ::setrlimit(RLIMIT_NOFILE, &limit);
        const auto files = provide_open_files();
        ::_exit(files.ok() ? static_cast<int>(*files) : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

TEST(OpenFiles, TheSoftLimitIsRaisedAndTooFewAreRefused) {
    EXPECT_EQ(provided(16, 200), 200);
    EXPECT_EQ(provided(64, 64), 64);
    EXPECT_EQ(provided(16, 16), 0);
    EXPECT_EQ(provided(32, 32), 0);
}

}  // namespace
}  // namespace cairn::node
