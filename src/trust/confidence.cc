#include "trust/confidence.h"

#include <boost/math/special_functions/beta.hpp>

#include "base/check.h"

namespace cairn::trust {

namespace {

namespace policies = boost::math::policies;

/// Nothing is thrown: what cannot be computed is NaN or the nearest number.
using Quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::underflow_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>, policies::promote_double<false>>;

}  // namespace

double lower_bound(double successes, double trials, double confidence) {
    CHECK(successes >= 0 && successes <= trials && confidence > 0 && confidence < 1);
    if (successes <= 0) return 0.0;
    return boost::math::ibeta_inv(successes, trials - successes + 1, 1 - confidence, Quiet());
}

double upper_bound(double successes, double trials, double confidence) {
    return 1 - lower_bound(trials - successes, trials, confidence);
}

}  // namespace cairn::trust
