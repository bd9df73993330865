#include "table_copies.h"

#include "space_budget.h"
#include "store.h"

namespace larder {

TableCopies::Copy::Copy(TableCopies& copies, Store& store) : copies_(copies), store_(store) {
  const std::lock_guard lock(copies_.mutex_);
  if (copies_.copies_++ == 0) copies_.given_up_ = false;
}

TableCopies::Copy::~Copy() {
  const std::lock_guard lock(copies_.mutex_);
  if (--copies_.copies_ > 0 || !copies_.held_) return;
  copies_.held_ = false;
  store_.ReleaseCompactions();
}

Status TableCopies::HoldMergesIfTight(Store& store, const SpaceBudget& budget) {
  const std::lock_guard lock(mutex_);
  if (copies_ == 0 || held_ || budget.FitsTwice()) return Status::Ok();
  Status status = store.HoldCompactions();
  held_ = true;  // it may be held though it says that it failed
  return status;
}

}  // namespace larder
