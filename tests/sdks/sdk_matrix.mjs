// What each official SDK does with the provider itself, it does with larderd before it: answers,
// calls of tools, errors, broken streams, calls that are given up, and its own retries, in both
// forms.
//   node sdk_matrix.mjs FOLDER GATEWAY PROVIDER
// where FOLDER/node_modules has the SDKs and PROVIDER is provider.mjs. Prints a line for each check;
// ends with 1 if one failed.
import assert from "node:assert/strict";
import { loadAdapters } from "./adapters.mjs";

const [folder, gateway, provider] = process.argv.slice(2);
const adapters = await loadAdapters(folder);
const text = "Hi there! This is long enough to come in several pieces.";
const retryAfterMs = 1000;

// Of one way to the provider: what is asked there and what the SDK sent for it. The prompts of both
// ways have the same length, so that they cost the same tokens.
class Way {
  constructor(adapter, form, wish, url, retries) {
    this.prompt = `${wish} ${adapter.name} ${form} ${url === gateway ? "larder" : "direct"}`;
    this.statuses = [];
    const spy = async (input, init) => {
      const response = await fetch(input, init);
      this.statuses.push(response.headers.get("cache-status") ?? "");
      return response;
    };
    const key = `sdk-${adapter.name.replace(" ", "-")}`;
    this.ask = adapter.connect({ url, key, fetch: spy, retries })[form];
  }
  run(options = {}) {
    return this.ask(this.prompt, { tools: this.prompt.startsWith("weather"), ...options });
  }
  // What it ends with: its answer, or what can be told of the error.
  async end(options) {
    try {
      return { answer: await this.run(options) };
    } catch (error) {
      return { error: describe(error) };
    }
  }
  async calls() {
    const told = await fetch(`${provider}/stand-in/calls?${encodeURIComponent(this.prompt)}`);
    return told.json();
  }
  async release() {
    await fetch(`${provider}/stand-in/release?${encodeURIComponent(this.prompt)}`,
      { method: "POST" });
  }
}

function describe(error) {
  if (!(error instanceof Error)) return error;
  const { name, message, status, statusCode, code, type, param, requestID, isRetryable, reason,
    responseBody, error: body, lc_error_code: langchainCode, cause, errors, lastError } = error;
  return JSON.parse(JSON.stringify({ class: error.constructor.name, name, message, status,
    statusCode, code, type, param, requestID, isRetryable, reason, responseBody, body,
    langchainCode, cause: cause && describe(cause), errors: errors?.map(describe),
    lastError: lastError && describe(lastError) }));
}

// What aimock or the SDK makes up anew for each call, and the request where the SDK repeats it.
const madeUp = new Set(["request", "id", "created", "created_at", "timestamp", "item_id", "toolCallId",
  "tool_call_id", "responseId", "itemId", "call_id", "headers", "date", "completed_at"]);
function likeness(value, without = madeUp) {
  return JSON.parse(JSON.stringify(value, (key, inner) => (without.has(key) ? undefined : inner)));
}
// Only what the SDK itself makes up; the rest of a hit is the bytes of the miss before.
const madeBySdk = new Set(["timestamp", "headers", "date"]);

async function eventually(holds, what) {
  for (let i = 0; i < 3000; i += 1) {
    if (await holds()) return;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  assert.fail(`waited half a minute in vain: ${what}`);
}
const metric = async (name) => {
  const page = await (await fetch(`${gateway}/metrics`)).text();
  return page.split("\n").filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
};

const bothWays = (adapter, form, wish, retries) => ({
  direct: new Way(adapter, form, wish, provider, retries),
  larder: new Way(adapter, form, wish, gateway, retries),
});

async function answers(adapter, form, wish, holds) {
  const { direct, larder } = bothWays(adapter, form, wish);
  const miss = await larder.run();
  assert.deepEqual(likeness(miss), likeness(await direct.run()));
  assert.ok(JSON.stringify(miss).includes(holds));
  assert.deepEqual(likeness(await larder.run(), madeBySdk), likeness(miss, madeBySdk));
  assert.match(larder.statuses[0], /^larder; fwd=miss/);
  assert.match(larder.statuses[1], /^larder; hit/);
  assert.equal((await larder.calls()).length, 1);
}

async function failure(adapter, form, status) {
  const { direct, larder } = bothWays(adapter, form, `hello [fail ${status}]`, 0);
  const ours = await larder.end();
  assert.ok(JSON.stringify(ours.error).includes(`told to fail with ${status}`), JSON.stringify(ours));
  assert.deepEqual(ours, await direct.end());
  assert.deepEqual(await larder.end(), ours, "it is not kept");
  assert.equal(larder.statuses.length, 2);
}

// An answer that does not come to its end is told as the provider's, and not kept. Of JSON nothing
// has gone out yet: it is an error of the gateway's, which the SDK reads, not a broken connection.
async function broken(adapter, form, wish) {
  const { direct, larder } = bothWays(adapter, form, `hello [${wish}]`, 0);
  const ours = await larder.end();
  const theirs = await direct.end();
  // OpenAI's SDK hands out an error event of Responses as one of the pieces.
  assert.ok(theirs.error ?? JSON.stringify(theirs).includes("told to break"));
  if (form === "stream") assert.deepEqual(likeness(ours), likeness(theirs));
  else assert.equal(ours.error.status ?? ours.error.statusCode, 502, JSON.stringify(ours));
  assert.deepEqual(likeness(await larder.run()), likeness(await direct.run()));
  assert.equal((await larder.calls()).length, 2);
}

// A stream at its first text, JSON once it is asked for.
async function giveUp(way, form) {
  const controller = new AbortController();
  const given = { signal: controller.signal, onText: () => controller.abort() };
  const end = way.end(given);
  if (form === "json") {
    await eventually(async () => (await way.calls()).length === 1, "the provider is asked");
    controller.abort();
  }
  const { answer, error } = await end;
  return { error, seen_all: JSON.stringify(answer ?? "").includes("pieces.") };
}

async function abort(adapter, form) {
  const { direct, larder } = bothWays(adapter, form, "hello [hold]");
  const ours = await giveUp(larder, form);
  assert.deepEqual(ours, await giveUp(direct, form));
  assert.equal(ours.seen_all, false);
  // gateway.on_abort is "finish": what was paid for is kept.
  assert.deepEqual((await larder.calls()).map((call) => call.hung_up), [false]);
  const next = larder.run();
  await larder.release();
  assert.deepEqual(likeness(await next), likeness(await direct.run()));
  assert.equal((await larder.calls()).length, 1);
}

// The SDK's own retries, where it announces them; else the gateway's, of which it sees nothing.
async function retry(adapter, form, status) {
  const { direct, larder } = bothWays(adapter, form, `hello [flaky ${status} x1]`);
  const [ours, theirs] = await Promise.all([larder.run(), direct.run()]);
  assert.deepEqual(likeness(ours), likeness(theirs));
  const gap = ([first, second]) => second.at_ms - first.at_ms;
  const [ourCalls, theirCalls] = [await larder.calls(), await direct.calls()];
  assert.equal(ourCalls.length, theirCalls.length);
  // LangChain's own pause is another one.
  if (gap(theirCalls) >= retryAfterMs) assert.ok(gap(ourCalls) >= retryAfterMs - 5, `${gap(ourCalls)}`);
  assert.equal(larder.statuses.length, adapter.retries_itself ? 2 : 1);
}

// The gateway tries three times; what it then hands on is for the SDK to try again.
async function retryBeyond(adapter, form) {
  const { direct, larder } = bothWays(adapter, form, "hello [flaky 503 x3]", 3);
  const [ours, theirs] = await Promise.all([larder.run(), direct.run()]);
  assert.deepEqual(likeness(ours), likeness(theirs));
  assert.equal((await larder.calls()).length, 4);
  assert.equal(larder.statuses.length, adapter.retries_itself ? 4 : 2);
}

function checksOf(adapter, form) {
  const checks = {
    answer: () => answers(adapter, form, "hello [plain]", text.slice(0, 2)),
    tools: () => answers(adapter, form, "weather [plain]", "get_weather"),
    abort: () => abort(adapter, form),
    "retry beyond the gateway's": () => retryBeyond(adapter, form),
    "cut amid the answer": () => broken(adapter, form, "cut"),
  };
  for (const status of [400, 401, 404, 429, 500]) {
    checks[`error ${status}`] = () => failure(adapter, form, status);
  }
  for (const status of [429, 503]) checks[`retry ${status}`] = () => retry(adapter, form, status);
  if (form === "stream") checks["error amid the stream"] = () => broken(adapter, form, "broken");
  return checks;
}

let failed = 0;
async function run(name, check) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}
// Most of the time is spent waiting for a retry, so all run at once.
const only = process.env.SDK_MATRIX_ONLY ?? "";
await Promise.all(adapters.flatMap((adapter) => ["json", "stream"].flatMap((form) =>
  Object.entries(checksOf(adapter, form))
    .filter(([what]) => `${adapter.name}, ${form}: ${what}`.includes(only))
    .map(([what, check]) => run(`${adapter.name}, ${form}: ${what}`, check)))));
await run("nothing runs on", async () => {
  // But the page that tells.
  await eventually(async () => await metric("larder_requests_in_flight") === 1, "requests end");
  await eventually(async () => await metric("larder_upstream_running") === 0, "calls end");
});
process.exit(failed === 0 ? 0 : 1);
