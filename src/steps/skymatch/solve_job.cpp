#include <algorithm>
#include <set>

#include "sky_job.hpp"
#include "sky_list.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::steps {

namespace {

std::vector<std::string> group_names(SkyJob const& job) {
  std::vector<std::string> names(static_cast<std::size_t>(job.neighbours.group_count));
  for (std::size_t k = 0; k < job.members.size(); ++k)
    names[static_cast<std::size_t>(job.neighbours.groups[k])] = sky_group_name(job.options.grouping, *job.members[k]);
  return names;
}

/// Says which exposures come out without a level, and how many sets are matched each by itself.
void warn_of_loose_ends(SkyJob const& job, TaskSkies const& skies) {
  std::string names;
  std::size_t count = 0;
  for (std::size_t k = 0; k < job.members.size(); ++k) {
    if (job.results[k].level || job.results[k].failed) continue;
    if (++count <= 5) names += (count == 1 ? "" : ", ") + job.members[k]->identity.exposure;
  }
  if (count > 5) names += ", ...";
  if (count > 0)
    log::warn("skymatch {}: no sky level for {} of {} exposures ({}): {}", job.task->label(), count, job.members.size(),
              names,
              job.options.uses_overlaps() ? "they overlap no other group in good pixels within the limits"
                                          : "they have no good pixel within the limits");
  auto const sets = exchange::connect_items(job.neighbours.group_count, skies.overlaps);
  std::set<int> matched;
  for (auto const& overlap : skies.overlaps) matched.insert(sets[static_cast<std::size_t>(overlap.first)]);
  if (matched.size() > 1)
    log::warn(
        "skymatch {}: {} sets of exposures do not overlap each other: each is matched by itself to a mean of zero",
        job.task->label(), matched.size());
}

void tell_result(SkyJob const& job) {
  double least = 0, greatest = 0;
  std::size_t count = 0;
  for (auto const& result : job.results) {
    if (!result.level) continue;
    least = count == 0 ? *result.level : std::min(least, *result.level);
    greatest = count == 0 ? *result.level : std::max(greatest, *result.level);
    ++count;
  }
  if (count > 0)
    log::info("skymatch {}: {}: sky of {:.6g} to {:.6g} {} {} of {} exposures in {} groups", job.task->label(),
              job.options.method_name, least, greatest, job.options.subtract ? "taken off" : "noted for", count,
              job.members.size(), job.neighbours.group_count);
}

}  // namespace

void solve_job(SkyJob& job, std::vector<std::vector<SkyMeasurement>> const& measured) {
  TaskSkies skies;
  std::vector<double> levels;  // by position
  if (job.options.method == exchange::SkyMethod::User) {
    levels = read_sky_list(*job.options.skylist, job.members);
  } else {
    skies = solve_skies(job.options, job.neighbours, measured);
    for (int const group : job.neighbours.groups) levels.push_back(skies.group_skies[static_cast<std::size_t>(group)]);
  }
  for (std::size_t k = 0; k < job.members.size(); ++k)
    if (!job.results[k].failed && !std::isnan(levels[k])) job.results[k].level = levels[k];
  warn_of_loose_ends(job, skies);
  tell_result(job);
  std::filesystem::create_directories(job.task->products);
  io::write_file(job.task->products / "skymatch.csv",
                 exposure_table(job.options, job.members, measured, job.neighbours, skies, job.results));
  if (job.options.uses_overlaps())
    io::write_file(job.task->products / "skymatch_pairs.csv", pair_table(group_names(job), skies));
}

}  // namespace tessera::steps
