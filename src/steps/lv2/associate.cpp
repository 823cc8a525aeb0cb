#include "tessera/steps/lv2/associate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "tessera/steps/lv2/off_field.hpp"

namespace tessera::steps {

namespace {

/// Offs further than this from science are said: backgrounds change from day to day.
constexpr double LateDays = 2;

/// Offs of less weight than this, that of the nearest being 1, are left out: they change nothing, and further away
/// their weight is 0, of which no mean can be made.
constexpr double LeastWeight = 1e-6;

/// What an off and its science must have in common.
struct Readout {
  std::string detector, subarray, readpatt;
  auto operator<=>(Readout const&) const = default;
  std::string text() const { return fmt::format("{} {} {}", detector, subarray, readpatt); }
};

Readout readout_of(RateRecord const& record) { return {record.detector, record.subarray, record.readpatt}; }

/// "MIRIMAGE FULL FASTR1 (8), MIRIMAGE SUB256 FASTR1 (2)"
std::string list_readouts(std::map<Readout, int> const& counts) {
  std::vector<std::string> parts;
  for (auto const& [readout, count] : counts) parts.push_back(fmt::format("{} ({})", readout.text(), count));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Associates the exposures of one band.
class BandAssociator {
 public:
  BandAssociator(std::span<RateRecord const> records, config::Band const& band, config::ResolvedParameters const& lv2)
      : records_(records),
        band_(band),
        selection_(lv2.optional_integer("off_selection")),
        weighting_days_(lv2.optional_real("off_weighting_days")),
        check_type_(lv2.text("bgr_check_type")) {
    auto const types = lv2.texts("bgr_observation_types");
    wants_backgrounds_ = !band.is_background &&
                         std::find(types.begin(), types.end(), config::instrument_name(band.instrument)) != types.end();
    offs_are_science_ = band.is_background || lv2.boolean("process_bgr_like_science");
  }

  BandAssociations make(std::vector<int> const& members, config::ResolvedParameters const& lv2) {
    std::set<int> is_off;
    for (int const member : members) {
      auto const& record = at(member);
      bool const off = is_off_field({record.path, record.target_name, record.parallel_sequence}, band_, lv2);
      if (off) {
        is_off.insert(member);
        offs_.push_back(member);
      }
      if (off ? offs_are_science_ : !band_.is_background) science_.push_back(member);
    }
    std::sort(offs_.begin(), offs_.end(), [&](int a, int b) {
      return std::tie(at(a).start, at(a).identity.exposure, a) < std::tie(at(b).start, at(b).identity.exposure, b);
    });
    find_visit_times();

    BandAssociations made;
    std::map<Readout, int> lacking;
    for (int const science : science_) {
      Lv2Association association{.science = science, .backgrounds = {}, .weights = {}, .days_to_backgrounds = {}};
      if (wants_backgrounds_ && !at(science).options.skip_bkg_subtract) {
        attach(association);
        // An off that is science too may be the only one there is.
        if (association.backgrounds.empty() && !is_off.count(science)) ++lacking[readout_of(at(science))];
      }
      made.associations.push_back(std::move(association));
    }
    if (!lacking.empty()) refuse(lacking);
    if (wants_backgrounds_) made.warnings = warnings(made.associations);
    return made;
  }

 private:
  std::span<RateRecord const> records_;
  config::Band const& band_;
  std::optional<std::int64_t> selection_;
  std::optional<double> weighting_days_;
  std::string check_type_;
  bool wants_backgrounds_ = false, offs_are_science_ = false;
  std::vector<int> science_, offs_;
  using Visit = std::tuple<std::string, std::string, std::string>;
  std::map<Visit, double> visit_time_;
  std::set<int> fitting_;     ///< offs of the readout of some science exposure
  std::set<int> weightless_;  ///< offs left out of some list for want of weight

  RateRecord const& at(int number) const { return records_[static_cast<std::size_t>(number)]; }

  static Visit visit_of(RateRecord const& record) { return {record.program, record.observation, record.visit}; }

  /// Offs are chosen and weighted by the time of the visit, so that its exposures share their background.
  void find_visit_times() {
    std::map<Visit, int> counts;
    for (int const science : science_) {
      visit_time_[visit_of(at(science))] += at(science).helio_mid;
      ++counts[visit_of(at(science))];
    }
    for (auto& [visit, time] : visit_time_) time /= counts.at(visit);
  }

  void require_time(RateRecord const& record) const {
    if (record.helio_mid > 0 || (!selection_ && !weighting_days_)) return;
    throw InputError({.what = "offs cannot be chosen by time: the exposure has none",
                      .where = record.path,
                      .expected = "HMIDTIME, BMIDTIME or EXPMID",
                      .found = "none of them",
                      .remedy = "leave off_selection and off_weighting_days out, or the exposure"});
  }

  void attach(Lv2Association& association) {
    auto const& science = at(association.science);
    auto& backgrounds = association.backgrounds;
    for (int const off : offs_)
      if (off != association.science && readout_of(at(off)) == readout_of(science)) backgrounds.push_back(off);
    fitting_.insert(backgrounds.begin(), backgrounds.end());
    if (backgrounds.empty()) return;
    require_time(science);
    for (int const off : backgrounds) require_time(at(off));
    double const time = visit_time_.at(visit_of(science));
    auto const distance = [&](int off) { return std::abs(at(off).helio_mid - time); };
    if (selection_ && std::cmp_less(*selection_, backgrounds.size())) {
      auto nearest = backgrounds;
      std::stable_sort(nearest.begin(), nearest.end(), [&](int a, int b) { return distance(a) < distance(b); });
      nearest.resize(static_cast<std::size_t>(*selection_));
      std::erase_if(backgrounds,
                    [&](int off) { return std::find(nearest.begin(), nearest.end(), off) == nearest.end(); });
    }
    association.weights.assign(backgrounds.size(), 1.0);
    if (weighting_days_) {
      // Only ratios count; the nearest has 1, so that they do not all vanish where every off is far away.
      double least = distance(backgrounds.front());
      for (int const off : backgrounds) least = std::min(least, distance(off));
      for (std::size_t k = 0; k < backgrounds.size(); ++k)
        association.weights[k] = std::exp(-(distance(backgrounds[k]) - least) / *weighting_days_);
      leave_out_weightless(association);
    }
    double sum = 0;
    bool all_known = science.helio_mid > 0;
    for (int const off : backgrounds) {
      sum += at(off).helio_mid;
      all_known = all_known && at(off).helio_mid > 0;
    }
    if (all_known) association.days_to_backgrounds = science.helio_mid - sum / static_cast<double>(backgrounds.size());
  }

  /// The nearest, with weight 1, always stays.
  void leave_out_weightless(Lv2Association& association) {
    auto const all = std::exchange(association.backgrounds, {});
    auto const weights = std::exchange(association.weights, {});
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (weights[k] < LeastWeight) {
        weightless_.insert(all[k]);
        continue;
      }
      association.backgrounds.push_back(all[k]);
      association.weights.push_back(weights[k]);
    }
  }

  [[noreturn]] void refuse(std::map<Readout, int> const& lacking) const {
    std::map<Readout, int> found;
    for (int const off : offs_) ++found[readout_of(at(off))];
    auto const instrument = config::instrument_name(band_.instrument);
    throw InputError(
        {.what = "no background exposures",
         .where = band_.name,
         .expected = "offs for " + list_readouts(lacking) + ", since " + instrument + " is in bgr_observation_types",
         .found = found.empty() ? fmt::format("none (by bgr_check_type = {})", check_type_)
                                : "offs of " + list_readouts(found) + " only",
         .remedy = "add offs (extra_obs_to_include takes those of other targets), correct bgr_check_type and "
                   "bgr_background_name, or take " +
                   instrument + " out of bgr_observation_types"});
  }

  std::vector<std::string> warnings(std::vector<Lv2Association> const& associations) const {
    std::vector<std::string> lines;
    std::map<Readout, int> useless;
    for (int const off : offs_)
      if (!fitting_.count(off)) ++useless[readout_of(at(off))];
    if (!useless.empty())
      lines.push_back(
          fmt::format("offs that are not of the subarray and readout of any science exposure are left out: "
                      "{}",
                      list_readouts(useless)));
    if (!weightless_.empty())
      lines.push_back(
          fmt::format("{} of {} offs have less than {} of the weight of the nearest for some science exposures, and "
                      "are left out there (off_weighting_days = {})",
                      weightless_.size(), offs_.size(), LeastWeight, *weighting_days_));
    double latest = 0;
    for (auto const& association : associations)
      if (auto const days = association.days_to_backgrounds; days && std::abs(*days) > std::abs(latest)) latest = *days;
    if (std::abs(latest) > LateDays)
      lines.push_back(
          fmt::format("offs were taken up to {:.1f} days {} their science: backgrounds may have changed "
                      "(obs_to_skip and extra_obs_to_include choose others, off_selection the nearest)",
                      std::abs(latest), latest > 0 ? "before" : "after"));
    return lines;
  }
};

}  // namespace

BandAssociations associate(std::span<RateRecord const> records, std::vector<int> const& members,
                           config::Band const& band, config::ResolvedParameters const& lv2) {
  return BandAssociator(records, band, lv2).make(members, lv2);
}

}  // namespace tessera::steps
