// Proves that a demo that is stopped while it makes its network leaves nothing behind, however
// often Ctrl-C is pressed.
#include "demo/demo.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "base/files.h"
#include "cli/chain/test_chain_node.h"
#include "cli/test_child.h"

namespace cairn::cli {
namespace {

TEST(Demo, ASecondCtrlCLeavesNoFolder) {
    const std::string place = *make_temporary_folder("cairn-demo-test");
    Child child(
        [&] {
            ::setenv("TMPDIR", place.c_str(), 1);
            return Child::cairn({"demo", "--headless", "--port", "0"});
        },
        false);
    ASSERT_TRUE(child.reads("Cairn demo in")) << child.output();
    child.signal(SIGINT);
    child.signal(SIGINT);
    // The step that it is in ends first, which takes as long as the machine is slow.
    EXPECT_TRUE(wait_for([&] { return list_folder(place)->empty(); }));
    const ChildEnd end = child.end();
    EXPECT_EQ(end.code(), 1) << end.output;
    EXPECT_EQ(list_folder(place)->size(), 0u) << end.output;
    EXPECT_TRUE(remove_tree(place).ok());
}

}  // namespace
}  // namespace cairn::cli
