// outlier_detection on one rank. Private to the step.
#pragma once
#include <string>
#include <vector>

#include "outlier_memory.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

class OutlierRun {
 public:
  /// Collective, as everything here.
  OutlierRun(StepContext& context, std::vector<BandTask> const& tasks);
  StepOutcome run();

 private:
  /// What one rank found and all must know.
  struct Note {
    enum class Kind : int { Lost, Threshold, Failed };
    Kind kind = Kind::Failed;
    int plan = 0;
    int index = 0;  ///< position of an exposure, or group
    double value = 0;
  };
  /// An exposure or a group of a plan.
  struct Item {
    std::size_t plan = 0, index = 0;
  };

  bool lay_out_all();
  bool find_thresholds();
  bool make_all_medians();
  bool flag_all();
  void commit();

  /// Runs `work(item)` for this rank's share of the items. Returns false when a stop request came; all ranks agree.
  template <class Work>
  bool for_my_items(std::vector<Item> const& items, std::vector<double> const& costs, Work work);
  /// Makes what every rank noted known to all.
  void share_notes();
  void make_medians_of(std::size_t number, parallel::Communicator const& group, exchange::BlockRun const& run,
                       parallel::Progress& progress);
  void save_medians(OutlierPlan const& plan);
  void note_lost(std::size_t plan, int position, std::string const& message, int status);
  void note_failed(std::size_t plan, Error const& error);
  /// Looks whether enough is left of each plan.
  void count_groups();
  bool is_finished(OutlierPlan const& plan) const;

  StepContext& context_;
  std::vector<OutlierPlan> plans_;
  std::vector<Note> notes_;
  std::vector<std::int64_t> flagged_;  ///< [plan]: pixels, by this rank
  std::vector<parallel::Failure> failures_;
  StepOutcome outcome_;
};

}  // namespace tessera::steps
