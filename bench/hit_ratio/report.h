// Report: the cells of a run (trace x capacity x costs x policy), as a table and as CSV.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "measurement.h"

namespace larder::hit_ratio {

struct Cell {
  std::string trace;
  bool tuned = false;  // the policy was tuned on this trace; else it is held out
  std::string costs;   // "answer" or "native"
  unsigned capacity_percent = 0;
  std::string policy;  // "offline bound": cost_saved only
  Measurement result;
};

void WriteCsv(std::ostream& out, const std::vector<Cell>& cells);
// Per costs: a row a trace and capacity with each policy's share of cost saved or accesses hit,
// means over tuned and held-out traces, then the figures that are to be reached.
void WriteTables(std::ostream& out, const std::vector<Cell>& cells);

}  // namespace larder::hit_ratio
