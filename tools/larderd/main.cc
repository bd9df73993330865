// larderd: a caching gateway for LLM APIs. See docs/architecture.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "config_reload.h"
#include "core_dumps.h"
#include "exit_status.h"
#include "gateway.h"
#include "init_system.h"
#include "larder/client/nearest_name.h"
#include "larder/client/vault_access.h"
#include "log.h"
#include "terminal_prompt.h"
#include "tool_config.h"

namespace larder::gateway {
namespace {

struct Flags {
  std::string config;
  std::string listen;
  bool check = false;
};

int Fail(const Status& status) {
  std::string line = status.message();
  // Texts of the store or the system may have line ends of their own.
  while (line.ends_with('\n') || line.ends_with(' ')) line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::cerr << "larderd: " << line << std::endl;
  return tools::ToExitStatus(status.code());
}

// Before anything is served: nobody can be asked later.
Status Unlock(const client::ConfigDocument& document) {
  tools::ForbidCoreDumps();
  if (!client::UsesVault(document)) return Status::Ok();
  if (tools::HasTerminal()) client::SetVaultPrompt(tools::AskPassphrase);
  Status unlocked = client::UnlockVault();
  client::SetVaultPrompt({});
  return unlocked;
}

int Run(const Flags& flags) {
  const InitSystem manager = InitSystem::FromEnvironment();
  std::vector<client::ConfigFlag> overrides;
  if (!flags.listen.empty()) overrides.push_back({"--listen", "/gateway/listen", flags.listen});
  const client::ConfigSources sources{.file = flags.config,
                                      .environment = client::ProcessEnvironment(),
                                      .flags = std::move(overrides)};
  const Result<client::ConfigDocument> document = client::ConfigDocument::Load(sources);
  if (!document.ok()) return Fail(document.status());
  const Result<tools::ToolConfig> config = tools::ReadToolConfig(*document);
  if (!config.ok()) return Fail(config.status());
  if (Status checked = Gateway::Check(*config); !checked.ok()) return Fail(checked);
  if (flags.check) {
    std::cout << (config->file.empty() ? "built-in configuration" : config->file) << ": ok"
              << std::endl;
    return tools::kExitDone;
  }
  if (Status unlocked = Unlock(*document); !unlocked.ok()) return Fail(unlocked);
  Result<std::unique_ptr<Log>> log = Log::Open(config->logging);
  if (!log.ok()) return Fail(log.status());
  Result<std::unique_ptr<Gateway>> gateway = Gateway::Open(*config, **log, manager);
  if (!gateway.ok()) return Fail(gateway.status());
  ConfigReload reload((*gateway)->control(), sources, *document,
                      [&](const tools::ToolConfig& next) { return (*gateway)->Apply(next); },
                      **log);
  reload.Start();
  (*gateway)->ServeConfig(reload);
  (*gateway)->Run([](const std::string& url) { std::cout << "listening on " << url << std::endl; },
                  [&] { reload.Stop(); });
  return tools::kExitDone;
}

// "; nearest is "--config"" for the first flag that is not known; empty if all are.
std::string NearestFlag(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == "--") break;
    const std::string_view name = word.substr(0, word.find('='));
    if (!name.starts_with('-') || std::ranges::find(known, name) != known.end()) continue;
    if (name.size() == 2) continue;  // a short one, such as -h
    return "; nearest is \"" + std::string(client::NearestName(name, known)) + "\"";
  }
  return "";
}

int Main(int argc, char** argv) {
  CLI::App app("larderd: a caching gateway for LLM APIs", "larderd");
  app.set_version_flag("--version", "larderd " LARDER_VERSION);
  Flags flags;
  app.add_option("--config", flags.config,
                 "config.json; else $LARDER_CONFIG, ./config.json, /etc/larder/config.json")
      ->type_name("FILE");
  app.add_option("--listen", flags.listen, "where to listen; port 0 = any free one")
      ->type_name("ADDR:PORT");
  app.add_flag("--check", flags.check, "check the configuration and exit")->disable_flag_override();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << "larderd: " << error.what() << NearestFlag(app, argc, argv)
              << " (see larderd --help)" << std::endl;
    return tools::kExitUsage;
  }
  return Run(flags);
}

}  // namespace
}  // namespace larder::gateway

int main(int argc, char** argv) {
  try {
    return larder::gateway::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "larderd: unexpected: " << error.what() << std::endl;
    return larder::tools::kExitFailed;
  }
}
