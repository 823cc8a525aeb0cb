#include "align_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../alignment_tables.hpp"
#include "reference_catalogue.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::steps {

namespace {

using exchange::AlignStatus;

/// What the groups that were aligned come to, in one line.
std::string describe(exchange::Alignment const& alignment, std::size_t images) {
  int aligned = 0, matches = 0;
  std::ptrdiff_t const groups = std::count_if(alignment.groups.begin(), alignment.groups.end(),
                                              [](auto const& fit) { return fit.group != exchange::AbsoluteGroup; });
  double before = 0, after = 0, largest = 0;
  std::string reference;
  for (auto const& fit : alignment.groups) {
    if (fit.status == AlignStatus::Reference) reference = fit.group;
    if (fit.status != AlignStatus::Success) continue;
    aligned += fit.group != exchange::AbsoluteGroup;
    matches += fit.matches;
    before += fit.rms_before * fit.rms_before * fit.matches;
    after += fit.rmse * fit.rmse * fit.matches;
    largest = std::max(largest, std::hypot(fit.shift[0], fit.shift[1]));
  }
  if (matches == 0) return fmt::format("{} exposures keep their WCS", images);
  // The global solution knows no pairs of two lists, and so no scatter before it.
  std::string const scatter_before =
      before > 0 ? fmt::format("{:.1f} mas before, ", 1000 * std::sqrt(before / matches)) : "";
  return fmt::format("{} of {} groups aligned{}: shifts up to {:.4f} arcsec; rms of {} matches {}{:.1f} mas after",
                     aligned, groups, reference.empty() ? "" : " to " + reference, largest, matches, scatter_before,
                     1000 * std::sqrt(after / matches));
}

/// Groups that keep their WCS. Where the absolute stage succeeded none does.
void note_failures(exchange::Alignment const& alignment, std::string const& label, std::vector<AlignmentNote>& notes) {
  bool const all_moved =
      std::any_of(alignment.groups.begin(), alignment.groups.end(), [](exchange::GroupFit const& fit) {
        return fit.group == exchange::AbsoluteGroup && fit.status == AlignStatus::Success;
      });
  for (auto const& fit : alignment.groups) {
    if (fit.status == AlignStatus::Success || fit.status == AlignStatus::Reference) continue;
    bool const is_said =
        fit.group == exchange::AbsoluteGroup || (fit.status == AlignStatus::NotAligned && fit.reason.empty());
    if (is_said) continue;  // by the problem of all
    notes.push_back({true, fmt::format("{}: {} {}: {}{}", label, fit.group,
                                       all_moved ? "moves with all onto the catalogue, but not onto the other groups"
                                                 : "is not aligned",
                                       status_text(fit.status), fit.reason.empty() ? "" : " (" + fit.reason + ")")});
  }
}

void write_products(BandTask const& task, exchange::Alignment const& alignment,
                    std::vector<exchange::AlignImage> const& images) {
  std::filesystem::create_directories(task.products);
  io::write_file(task.products / "tweakreg_groups.csv", group_table(alignment, images));
  io::write_file(task.products / "tweakreg_residuals.csv", residual_histograms(alignment, images));
  draw_residuals(task.products / "tweakreg_residuals.png", alignment, task.label());
}

}  // namespace

AlignedTask align_task(BandTask const& task, TweakregStepOptions const& options,
                       std::vector<exchange::AlignImage> images, std::vector<store::ExposureRecord> const& records) {
  AlignedTask aligned;
  auto const label = task.step + " " + task.label();
  auto const reference = read_reference_catalogue(task, options, records);
  for (auto const& warning : reference.warnings) aligned.notes.push_back({true, warning});
  if (!reference.problem.empty())
    aligned.notes.push_back({true, fmt::format("{}: no absolute alignment: {}", label, reference.problem)});

  auto const outlines = exchange::without_stars(images);
  auto const finish = [&](exchange::Alignment const& alignment) {
    write_products(task, alignment, outlines);
    if (!alignment.problem.empty()) aligned.notes.push_back({true, fmt::format("{}: {}", label, alignment.problem)});
    if (!alignment.warning.empty()) aligned.notes.push_back({true, fmt::format("{}: {}", label, alignment.warning)});
    note_failures(alignment, label, aligned.notes);
    aligned.notes.push_back({false, fmt::format("{}: {}", label, describe(alignment, outlines.size()))});
    aligned.corrections = alignment.corrections;
  };
  if (options.method == TweakregStepOptions::Method::Global) {
    auto const solved = exchange::align_globally(images, reference.stars, options.catalogue_error, options.global);
    finish(solved);
    io::write_file(task.products / "tweakreg_pairs.csv", pair_table(solved));
    if (!solved.detectors.empty()) io::write_file(task.products / "tweakreg_detectors.csv", detector_table(solved));
  } else {
    finish(exchange::align(std::move(images), reference.stars, options.align));
  }
  return aligned;
}

}  // namespace tessera::steps
