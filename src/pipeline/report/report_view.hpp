// What the sections of the report look at.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "picture_shelf.hpp"
#include "tessera/config/step_list.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/timing.hpp"

namespace tessera::pipeline {

struct ReportTarget {
  std::string name;
  std::vector<std::string> bands;
};

/// A run, and the page about it. Sections take what is there: a product that is missing, or cannot be read, is left
/// out.
struct ReportView {
  std::filesystem::path page;
  RunPlan const& plan;
  std::vector<StepTiming> const& timing;
  std::vector<parallel::Failure> const& failures;
  std::vector<ReportTarget> targets;      ///< in the order of the configuration
  std::vector<config::StepEntry> listed;  ///< entries of `steps`; empty where there is no configuration
  PictureShelf mosaic_pictures, plots;
  bool drawings_left_out = false;  ///< there was no place for more of them

  ReportView(std::filesystem::path page, RunPlan const& plan, std::vector<StepTiming> const& timing,
             std::vector<parallel::Failure> const& failures);

  /// <version>/<target>/<band>
  std::filesystem::path band_folder(std::string const& target, std::string const& band) const;
  /// The planned ledger step of a (target, band), and its place in the run; nothing where it does not run.
  struct Work {
    PlannedStep const* planned = nullptr;
    BandWork const* band = nullptr;
    explicit operator bool() const { return band != nullptr; }
    std::filesystem::path ledger() const { return ledger_file(*planned, *band); }
  };
  Work find(std::string_view step, std::string const& target, std::string const& band) const;
  /// Where a step leaves its tables: of a planned ledger step, or of a listed step that worked on count rates. Nothing
  /// where it does not run.
  std::optional<std::filesystem::path> products(std::string_view step, std::string const& target,
                                                std::string const& band) const;
  /// The drawing with a caption below it (plain text; none where it is empty), as far as the page has place for it.
  std::string figure(std::string const& drawing, std::string const& caption = {});
  /// Whether the item of a failure ("target/band/exposure", "target band") is of this target.
  static bool is_of(parallel::Failure const& failure, std::string const& target);

 private:
  std::int64_t drawing_bytes_left_;
};

/// Sections of one target: HTML, nothing where there is nothing to show.
std::string steps_section(ReportView const& view, ReportTarget const& target);
std::string level2_section(ReportView const& view, ReportTarget const& target);
std::string mosaics_section(ReportView& view, ReportTarget const& target);
std::string levels_section(ReportView& view, ReportTarget const& target);
std::string stripes_section(ReportView& view, ReportTarget const& target);
std::string alignment_section(ReportView& view, ReportTarget const& target);
std::string flags_section(ReportView& view, ReportTarget const& target);
std::string comparison_section(ReportView const& view, ReportTarget const& target);

/// Sections of the whole run.
std::string overview_section(ReportView const& view);
std::string cost_section(ReportView const& view);

/// What a column of numbers holds.
struct ColumnSummary {
  std::size_t count = 0;
  double least = 0, median = 0, largest = 0, rms = 0;
};
/// Of the finite ones; nothing where there is none.
std::optional<ColumnSummary> summarise(std::vector<double> values);

}  // namespace tessera::pipeline
