// sluice/base/text_table.cpp: widths are counted in UTF-8 characters.
// SPDX-License-Identifier: MIT
#include <sluice/base/text_table.hpp>

#include <sluice/base/assert.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace sluice::detail {
namespace {

std::size_t width_of(const std::string& text) {
  const auto starts_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string line_of(const std::vector<std::string>& cells,
                    const std::vector<TextTable::Column>& columns,
                    const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string gap(widths[i] - width_of(cells[i]), ' ');
    if (i > 0) line += "  ";
    line += columns[i].align == TextTable::Align::left ? cells[i] + gap : gap + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string TextTable::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(width_of(column.title));
  }
  for (const std::vector<std::string>& row : rows_) {
    SLUICE_ASSERT(row.size() == columns_.size(), "a row has a cell for every column");
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text = line_of(titles, columns_, widths);
  for (const std::vector<std::string>& row : rows_) text += line_of(row, columns_, widths);
  return text;
}

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t' || c == '\r') {
      line += ' ';
    } else if (code < 0x20 || code == 0x7F) {
      line += fmt::format("\\x{:02x}", code);
    } else {
      line += c;
    }
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace sluice::detail
