//===- Table.h - Columns of text for the terminal ---------------*- C++ -*-===//

#ifndef SPARSEACCEL_SIM_TABLE_H
#define SPARSEACCEL_SIM_TABLE_H

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace sparseaccel::sim {

/// Rows of cells under a header. The first `leftColumns` columns are aligned to the left, all others to the right.
class Table {
public:
  Table(std::vector<std::string> header, size_t leftColumns) : leftColumns(leftColumns) { add(std::move(header)); }
  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }
  void addRule() { rules.insert(rows.size()); }

  std::string format() const {
    std::vector<size_t> widths(rows.front().size(), 0);
    for (const auto &row : rows)
      for (size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], row[i].size());
    size_t total = 2 * (widths.size() - 1);
    for (size_t width : widths)
      total += width;
    std::string text;
    for (size_t r = 0; r < rows.size(); ++r) {
      if (r == 1 || rules.count(r))
        absl::StrAppend(&text, std::string(total, '-'), "\n");
      std::string line;
      for (size_t i = 0; i < rows[r].size(); ++i) {
        std::string pad(widths[i] - rows[r][i].size(), ' ');
        absl::StrAppend(&line, i ? "  " : "", i < leftColumns ? rows[r][i] : pad, i < leftColumns ? pad : rows[r][i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(&text, line, "\n");
    }
    return text;
  }

private:
  size_t leftColumns;
  std::vector<std::vector<std::string>> rows;
  std::set<size_t> rules;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_TABLE_H
