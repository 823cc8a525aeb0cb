// From finished exposures to the ledger file of a (target, band): journaled one by one, merged at the end.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tessera/model/ledger_entry.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/item_journal.hpp"

namespace tessera::steps {

/// What a step makes for one task. Every rank holds one for every task, in the same order.
class LedgerBuilder {
 public:
  /// Takes up what an earlier run of the very same task (by its key) left. Collective over context.world.
  LedgerBuilder(StepContext& context, BandTask const& task);

  /// Entries of one exposure; on disk when the call returns. An exposure without corrections is added with none.
  /// step, order and identity of the entries are filled in here. Independent: by the rank that made them.
  void add(model::ExposureIdentity const& identity, std::vector<model::LedgerEntry> entries);
  bool has(model::ExposureIdentity const& identity) const;

  /// What else the entries depend on besides the task: the exposures that were lost on the way. Entries that an earlier
  /// run made under another variant do not count. The same on all ranks, before the first has() or add().
  void set_variant(std::string variant) { variant_ = std::move(variant); }

  /// Anything else that is worth keeping over a kill, by a name of the step's choosing ("pair 3 7").
  store::ItemJournal& journal() { return journal_; }

  /// Merges the entries of all members in catalogue order to the ledger file, writes its manifest, and removes journal
  /// and scratch. Members that were not added (they failed) are left out, and then there is no manifest: the next run
  /// tries again. Where none was added there is no file either. Collective over context.world.
  void commit();

 private:
  StepContext& context_;
  BandTask const& task_;
  store::ItemJournal journal_;
  std::string variant_;

  std::string item_of(model::ExposureIdentity const& identity) const;
};

}  // namespace tessera::steps
