// sluice/cli/inspect_commands.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/inspect_commands.hpp>

#include <sluice/base/text_table.hpp>
#include <sluice/cli/console.hpp>
#include <sluice/cli/overrides.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace sluice::detail {
namespace {

using Json = nlohmann::ordered_json;

CommandOption json_option() {
  return {{.name = "json", .kind = ArgKind::flag, .help = "Print JSON"}, ""};
}

std::string list_json(const Program& program) {
  Json pipelines = Json::array();
  for (const PipelineEntry& entry : program.pipelines) {
    pipelines.push_back({{"name", entry.name}, {"summary", entry.summary}});
  }
  const Json list = {{"program", program.info.name}, {"pipelines", std::move(pipelines)}};
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

// Missing arguments are stood in for: what a pipeline looks like seldom depends on them.
Plan plan_of(const PipelineCommand& command) {
  const Pipeline pipeline = build(*command.entry, Args(command.args));
  return plan(pipeline, Machine::here(), overrides_of(command.options, pipeline),
              memory_of(command.options));
}

}  // namespace

std::string list_text(const Program& program) {
  TextTable table({{"pipeline", TextTable::Align::left}, {"what it does", TextTable::Align::left}});
  for (const PipelineEntry& entry : program.pipelines) {
    table.add({entry.name, one_line(entry.summary)});
  }
  return table.text();
}

CommandSyntax list_syntax() { return {"list", "Lists the pipelines.", {json_option()}}; }

CommandSyntax describe_syntax() {
  CommandSyntax syntax{"describe",
                       "Prints what a run would do: stages, workers, queues and why. Arguments of "
                       "the pipeline may be left out.",
                       override_options()};
  syntax.options.push_back(json_option());
  return syntax;
}

CommandSyntax graph_syntax() {
  CommandSyntax syntax{"graph",
                       "Prints a pipeline as a graph. Arguments of the pipeline may be left out.",
                       override_options()};
  syntax.options.push_back({{.name = "format",
                             .help = "Language of the graph",
                             .fallback = "dot",
                             .choices = {"dot", "mermaid"}},
                            "FORMAT"});
  return syntax;
}

void list_command(const Program& program, std::vector<std::string> words) {
  const SortedWords sorted = understand(program, list_syntax(), words);
  if (sorted.help) return write_stdout(sorted.help_text);
  write_stdout(sorted.options.count("json") > 0 ? list_json(program) : list_text(program));
}

void describe_command(const Program& program, std::vector<std::string> words) {
  const PipelineCommand command =
      understand(program, describe_syntax(), std::move(words), ArgTable::Gaps::stand_in);
  if (command.help) return write_stdout(command.help_text);
  const Plan planned = plan_of(command);
  write_stdout(command.has("json") ? planned.json() + '\n' : planned.text());
}

void graph_command(const Program& program, std::vector<std::string> words) {
  const PipelineCommand command =
      understand(program, graph_syntax(), std::move(words), ArgTable::Gaps::stand_in);
  if (command.help) return write_stdout(command.help_text);
  const Plan planned = plan_of(command);
  write_stdout(command.value("format", "dot") == "dot" ? planned.dot() : planned.mermaid());
}

}  // namespace sluice::detail
