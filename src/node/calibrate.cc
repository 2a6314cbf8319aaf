#include "node/calibrate.h"

#include "chain/contribution.h"
#include "consensus/exact_dot.h"
#include "consensus/merge_judge.h"
#include "node/local_trainer.h"
#include "worth/chain_model.h"

namespace cairn::node {

Result<Calibration> calibrate(const chain::NetworkDefinition& network,
                              std::vector<std::uint32_t> judge_tokens,
                              std::vector<std::uint32_t> train_tokens,
                              const tensor::Kernels* kernels, std::size_t threads) {
    ThreadPool pool(threads);
    ASSIGN_OR_RETURN(const auto model,
                     worth::ChainModel::create(network, judge_tokens, {kernels, &pool}));
    ASSIGN_OR_RETURN(const auto trainer, LocalTrainer::create(network, std::move(train_tokens),
                                                              judge_tokens, 1, kernels, threads));
    Calibration result;
    RoundTask task;
    task.codec_seed = chain::codec_seed(chain::genesis_id(network), 0, {});
    const auto weights = model->state().weights();
    task.weights = std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
    task.progress = [&result](std::uint32_t step, double loss) {
        if (step == 1) result.first_loss = loss;
        result.last_loss = loss;
    };
    ASSIGN_OR_RETURN(const RoundPayload made, trainer->produce(task));
    if (made.payload.empty()) return invalid("the recipe takes no local steps");
    ASSIGN_OR_RETURN(const consensus::Delta delta, model->decode(made.payload, task.codec_seed));
    result.norm_start = consensus::norm(delta);
    consensus::MergeJudge judge(*model, consensus::JudgeKernels::kFast);
    judge.start(chain::genesis_id(network));
    const consensus::MergeSet alone{{Hash256{}}, [&](std::size_t) { return Result(delta); }};
    chain::MergeSteps steps{consensus::kWholeStep, 0};  // as the winner of a block is merged
    if (!network.one_winner()) {
        ASSIGN_OR_RETURN(steps, judge.find_steps(alone));
    }
    ASSIGN_OR_RETURN(const consensus::StepLosses losses, judge.losses(alone, steps));
    result.judge_gain =
        static_cast<double>(losses.before - losses.outer) / (1 << 20) / model->loss_tokens();
    if (result.norm_start == 0 || result.judge_gain <= 0)
        return invalid(
            "one round of the recipe does not lower the judge text's loss; take a smaller "
            "learning rate, more steps, or a judge text that is more like the training text");
    return result;
}

}  // namespace cairn::node
