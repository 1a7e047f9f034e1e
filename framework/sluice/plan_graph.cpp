// sluice/plan_graph.cpp: the plan as a picture, in the languages of Graphviz and Mermaid.
//
// Boxes are stages, arrows are outputs; the arrows into one stage share one queue. Inlets and
// outlets are drawn with rounded ends, since application code is on their other side.
// SPDX-License-Identifier: MIT
#include <sluice/base/text_table.hpp>
#include <sluice/report.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>

namespace sluice {
namespace {

using detail::one_line;
using detail::StageRole;

bool by_application(StageRole role) {
  return role == StageRole::inlet || role == StageRole::outlet;
}

std::string workers_of(const PlannedStage& stage) {
  if (by_application(stage.role)) return "application";
  return fmt::format("{} x {}", stage.workers, to_string(stage.carrier));
}

std::string label_of(const PlannedEdge& edge, std::size_t from) {
  std::string label = fmt::format("{}", edge.capacity);
  if (edge.lanes > 1) label += fmt::format(" in {} lanes", edge.lanes);
  if (!edge.adaptors[from].empty()) label = edge.adaptors[from] + ", " + label;
  return one_line(label);
}

// Inside a double-quoted string of the DOT language only these two are special.
std::string dot_text(const std::string& text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

const char* dot_shape(StageRole role) {
  switch (role) {
    case StageRole::source:
      return "cds";
    case StageRole::sink:
      return "box3d";
    case StageRole::inlet:
    case StageRole::outlet:
      return "oval";
    case StageRole::transform:
      break;
  }
  return "box";
}

// Mermaid's quoted labels are HTML-like: its own #code; entities stand for special characters.
std::string mermaid_text(const std::string& text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    switch (c) {
      case '"':
        escaped += "#quot;";
        break;
      case '#':
        escaped += "#35;";
        break;
      case '<':
        escaped += "#lt;";
        break;
      case '>':
        escaped += "#gt;";
        break;
      case '|':
        escaped += "#124;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string mermaid_box(StageRole role, const std::string& label) {
  if (role == StageRole::source) return fmt::format("[/\"{}\"/]", label);
  if (role == StageRole::sink) return fmt::format("[\\\"{}\"\\]", label);
  if (by_application(role)) return fmt::format("([\"{}\"])", label);
  return fmt::format("[\"{}\"]", label);
}

}  // namespace

std::string Plan::dot() const {
  std::string text = fmt::format(
      "digraph \"{}\" {{\n  rankdir=LR;\n  node [fontname=sans];\n"
      "  edge [fontname=sans, fontsize=10];\n",
      dot_text(pipeline));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const PlannedStage& stage = stages[i];
    text += fmt::format("  s{} [shape={}, label=\"{}\\n{}\\n{}\"];\n", i, dot_shape(stage.role),
                        dot_text(stage.name), dot_text(stage.kind), workers_of(stage));
  }
  for (const PlannedEdge& edge : edges) {
    for (std::size_t i = 0; i < edge.from.size(); ++i) {
      text += fmt::format("  s{} -> s{} [label=\"{}\"];\n", edge.from[i], edge.to,
                          dot_text(label_of(edge, i)));
    }
  }
  return text + "}\n";
}

std::string Plan::mermaid() const {
  std::string text = "flowchart LR\n";
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const PlannedStage& stage = stages[i];
    const std::string label = fmt::format("{}<br>{}, {}", mermaid_text(stage.name),
                                          mermaid_text(stage.kind), workers_of(stage));
    text += fmt::format("  s{}{}\n", i, mermaid_box(stage.role, label));
  }
  for (const PlannedEdge& edge : edges) {
    for (std::size_t i = 0; i < edge.from.size(); ++i) {
      text += fmt::format("  s{} -->|\"{}\"| s{}\n", edge.from[i], mermaid_text(label_of(edge, i)),
                          edge.to);
    }
  }
  return text;
}

}  // namespace sluice
