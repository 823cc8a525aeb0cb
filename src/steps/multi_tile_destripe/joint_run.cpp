#include "joint_run.hpp"

#include "joint_pass.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

/// Runs what fails on all ranks alike: one of them notes it.
template <class Work>
void fail_together(DestripeRun& run, DestripeTask& task, Work work) {
  auto const begin = std::chrono::steady_clock::now();
  try {
    work();
  } catch (Error const& error) {
    if (error.status() == ExitStatus::InternalError) throw;
    if (run.context.world.is_root()) run.note(task.task->label(), error);
    task.failed = true;
  }
  run.outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

bool measure_jointly(DestripeRun& run, DestripeTask& task) {
  MemberGuard const guard = [&](std::size_t member, std::function<void()> const& work) {
    auto const& record = task.record(run.context, member);
    run.guarded(run.index_of(task), static_cast<int>(member), record.identity.label(), work);
  };
  while (!task.failed) {
    auto const lost = task.lost;
    std::unique_ptr<JointPass> joint;
    fail_together(run, task, [&] {
      joint = std::make_unique<JointPass>(run.context, task);
      joint->build(guard, run.outcome.counts);
    });
    if (!run.agree()) return false;
    if (task.lost != lost) continue;
    if (!task.failed) fail_together(run, task, [&] { joint->solve(run.outcome.counts); });
    if (!run.agree()) return false;
    if (!task.failed) run.share_journal(task);
    return true;
  }
  return true;
}

}  // namespace tessera::steps
