// sluice/base/text_table.hpp: aligned columns of text for people.
// Layer: base. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace sluice::detail {

/// Columns two spaces apart, names to the left, numbers to the right, no trailing spaces.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };
  struct Column {
    std::string title;
    Align align = Align::right;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// The title and the rows, a line each.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` as one line: control characters are replaced by spaces or escapes.
[[nodiscard]] std::string one_line(const std::string& text);

}  // namespace sluice::detail
