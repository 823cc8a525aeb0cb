#include "joint_pass.hpp"

#include <algorithm>
#include <cmath>

#include "joint_tables.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::steps {

JointPass::JointPass(StepContext& context, DestripeTask const& task) : context_(context), task_(task) {
  options_.prior_amplitude = task.options.prior_amplitude;
  options_.clip_sigma = task.options.sigma;
}

JointPass::~JointPass() = default;

void JointPass::reserve() {
  auto const runs = exchange::divide_blocks({&task_.plan}, context_.world.size());
  std::int64_t largest_block = 0, visits = 0;
  std::vector<bool> reaches(task_.members.size(), false);
  for (auto const& run : runs[static_cast<std::size_t>(context_.world.rank())])
    for (auto k = run.begin; k < run.end; ++k) {
      auto const block = task_.plan.order[k];
      auto const& members = task_.plan.block_members[static_cast<std::size_t>(block)];
      if (members.size() < 2) continue;  // nothing to compare
      blocks_.push_back(block);
      largest_block = std::max(largest_block, joint_cells_bytes(task_, std::span(&block, 1)));
      visits += static_cast<std::int64_t>(members.size());
      for (int const member : members) reaches[static_cast<std::size_t>(member)] = true;
    }
  auto const [first, end] =
      exchange::owned_exposures(static_cast<int>(exposures_.size()), context_.world.rank(), context_.world.size());
  int most_stripes = 0;
  for (auto const& exposure : exposures_) most_stripes = std::max(most_stripes, exposure.stripes());
  auto const solving = exchange::joint_stripes_bytes(
      end - first, static_cast<int>(std::count(reaches.begin(), reaches.end(), true)), visits, most_stripes);
  auto const reading = joint_exposure_bytes(context_, task_), all = joint_cells_bytes(task_, blocks_);
  // The program itself takes its part too.
  auto const working = std::max(reading, solving),
             free = std::max<std::int64_t>(0, context_.budget.free() - context_.program_bytes);
  bool const is_resident = all + working <= free;
  wave_bytes_ = is_resident ? all : std::max(largest_block, free - reading);
  auto const bytes = is_resident ? all + working : std::max(reading + wave_bytes_, solving + largest_block);
  held_ = std::make_unique<parallel::MemoryBudget::Reservation>(context_.budget,
                                                                "joint stripes of " + task_.task->label(), bytes);
  auto const file = task_.task->scratch / fmt::format("joint_cells_{}", context_.world.rank());
  cells_ = std::make_unique<JointCells>(is_resident ? std::filesystem::path{} : file);
}

void JointPass::build(MemberGuard const& guard, StepCounts& counts) {
  auto const [first, end] =
      exchange::owned_exposures(static_cast<int>(task_.members.size()), context_.world.rank(), context_.world.size());
  parallel::all_or_none(context_.world, [&] { exposures_ = striped_exposures(context_, task_, first, end); });
  exposures_ = context_.world.all_gather_values<exchange::StripedExposure>(exposures_);
  parallel::all_or_none(context_.world, [&] { reserve(); });
  auto const total = context_.world.sum(static_cast<std::int64_t>(blocks_.size()));
  parallel::Progress progress(context_.world, "multi_tile_destripe joint: exposures on the sky", total);
  std::exception_ptr failure;
  try {
    build_joint_cells(context_, task_, blocks_, wave_bytes_, guard, *cells_, progress, counts);
  } catch (...) {
    failure = std::current_exception();  // the others are waiting
  }
  progress.finish();
  parallel::all_or_none(context_.world, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

bool JointPass::solve(StepCounts& counts) {
  options_.should_stop = [&] {
    bool const stop = context_.control.poll() >= parallel::StopRequest::FinishItems || cells_->failure();
    return context_.world.max(std::int64_t{stop}) > 0;
  };
  auto const solution = exchange::solve_joint_stripes(context_.world, exposures_, *cells_, options_);
  parallel::all_or_none(context_.world, [&] {
    if (cells_->failure()) std::rethrow_exception(cells_->failure());
  });
  if (solution.stopped) return false;
  parallel::all_or_none(context_.world, [&] { keep_profiles(solution, counts); });
  report(solution);
  return true;
}

void JointPass::keep_profiles(exchange::JointStripes const& solution, StepCounts& counts) {
  for (int exposure = solution.first; exposure < solution.end; ++exposure) {
    auto const member = static_cast<std::size_t>(exposure);
    if (task_.lost[member]) continue;
    auto const& record = task_.record(context_, member);
    auto const layout = find_stripe_layout(store::ExposureReader(record, task_.task->before), task_.options.quadrants);
    auto profile = make_profile(layout);
    auto const& stripes = solution.stripe[static_cast<std::size_t>(exposure - solution.first)];
    for (std::size_t a = 0, i = 0; a < profile.rows.size(); ++a)
      for (auto& value : profile.rows[a]) value = stripes[i++];
    task_.builder->journal().append(profile_item(task_, {}, record.identity), pack_profile(profile, 0));
    ++counts.items;
  }
}

void JointPass::report(exchange::JointStripes const& solution) const {
  std::string mine;
  for (int exposure = solution.first; exposure < solution.end; ++exposure) {
    auto const member = static_cast<std::size_t>(exposure);
    mine += joint_exposure_line(task_.record(context_, member).identity, exposures_[member], solution, exposure);
  }
  auto const lines = context_.world.all_gather(mine);
  parallel::all_or_none(context_.world, [&] {
    if (!context_.world.is_root()) return;
    std::filesystem::create_directories(task_.task->products);
    auto table = joint_exposure_head();
    for (auto const& text : lines) table += text;
    io::write_file(task_.task->products / "joint_exposures.csv", table);
    io::write_file(task_.task->products / "joint_rows.csv", joint_row_table(exposures_, solution));
    io::write_file(task_.task->products / "joint_sky_lines.csv", joint_sky_line_table(solution));
  });
  if (context_.world.is_root()) log_joint_solution(task_.task->label(), solution);
}

}  // namespace tessera::steps
