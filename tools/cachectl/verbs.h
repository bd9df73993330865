// The functions of the verbs; verb_table.cc says what each is for.
#pragma once

#include "verb_table.h"

namespace larder::cachectl {

Result<tools::ExitStatus> RunStats(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunTop(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunTags(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunDictionaryList(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunDictionaryTrain(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunGet(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunPut(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunTouch(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunList(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunRemove(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunInvalidate(const Invocation& invocation, Console& console);
// explain with two files.
Result<tools::ExitStatus> ExplainDifference(const Invocation& invocation, Console& console);
// explain --recent.
Result<tools::ExitStatus> ExplainRecent(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunExport(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunImport(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunBackup(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunRestore(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunVerify(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunCompact(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunExplain(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunDoctor(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunKey(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunConfigCheck(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunConfigShow(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunConfigSet(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunConfigSchema(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunPolicyTest(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunSecretSet(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunSecretList(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunSecretRemove(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunSecretRekey(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunClientAdd(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunClientList(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunClientRemove(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunCompletion(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunMonitor(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunWarm(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunHelp(const Invocation& invocation, Console& console);
Result<tools::ExitStatus> RunVersion(const Invocation& invocation, Console& console);

}  // namespace larder::cachectl
