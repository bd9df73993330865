// A provider that does what the prompt says, in front of aimock, which makes the answers.
//   node provider.mjs FOLDER    where FOLDER/node_modules has @copilotkit/aimock
// Prints its address on the first line of stdout and ends with its stdin. A prompt is
// `hello [WISH] NAME` or, to be answered with a call of a tool, `weather [WISH] NAME`:
//   [plain]            the answer
//   [fail STATUS]      always this error
//   [flaky STATUS xN]  N times this error with `retry-after: 1`, then the answer
//   [hold]             the first time the first event of a stream (JSON: nothing), the rest when
//                      POST /stand-in/release?PROMPT comes
//   [broken]           the first time an error amid the stream
//   [cut]              the first time the connection ends amid the answer
// GET /stand-in/calls?PROMPT tells the calls of a prompt: [{at_ms, hung_up}].
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { LLMock } = await import(
  pathToFileURL(`${folder}/node_modules/@copilotkit/aimock/dist/index.js`));
const aimock = new LLMock({ port: 0 });
aimock.onMessage("hello", { content: "Hi there! This is long enough to come in several pieces." });
aimock.onMessage("weather", { toolCalls: [{ name: "get_weather", arguments: '{"city":"Oslo"}' }] });
await aimock.start();

const calls = new Map();
const held = new Map();
const released = new Set();

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const kinds = { 400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
  429: "rate_limit_error", 500: "api_error", 503: "overloaded_error" };
function errorBody(path, status, message) {
  const error = { type: kinds[status], message };
  if (path.endsWith("/messages")) return { type: "error", error, request_id: "req_told" };
  return { error: { ...error, param: null, code: "told" } };
}
function fail(path, status, response, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_told",
    "request-id": "req_told", ...headers });
  response.end(JSON.stringify(errorBody(path, status, `told to fail with ${status}`)));
}

// What a stream says when it breaks.
function brokenEvent(path) {
  if (path.endsWith("/responses")) {
    const event = { type: "error", code: "told", message: "told to break", param: null,
      sequence_number: 99 };
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
  }
  const data = `data: ${JSON.stringify(errorBody(path, 503, "told to break"))}\n\n`;
  return path.endsWith("/messages") ? `event: error\n${data}` : data;
}

const endOfHold = (prompt, response) => new Promise((resolve) => {
  if (released.has(prompt)) return resolve();
  held.set(prompt, resolve);
  return response.on("close", resolve);
});

async function answer(path, request, body, response, wish, prompt) {
  const type = { "content-type": "application/json" };
  for (const name of ["authorization", "x-api-key", "anthropic-version"]) {
    if (request.headers[name]) type[name] = request.headers[name];
  }
  const whole = await fetch(aimock.url + path, { method: "POST", headers: type, body });
  const text = await whole.text();
  const streams = (whole.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const head = { "content-type": whole.headers.get("content-type"), "x-request-id": "req_told" };
  if (!streams) head["content-length"] = Buffer.byteLength(text);
  // A piece is enough for an SDK to hand out some text. An id made up may hold "Hi" too, but none
  // begins with it.
  const first = streams ? text.indexOf("\n\n", text.indexOf('"Hi')) + 2 : text.length / 2;
  if (wish === "hold" && !streams) await endOfHold(prompt, response);
  response.writeHead(whole.status, head);
  if (wish === "plain") return response.end(text);
  response.write(text.slice(0, first));
  if (wish === "cut") return setTimeout(() => response.destroy(), 100);
  if (wish === "broken") return response.end(brokenEvent(path));
  if (streams) await endOfHold(prompt, response);
  return response.end(text.slice(first));
}

const server = createServer(async (request, response) => {
  const [path, query] = request.url.split("?");
  const body = await bodyOf(request);
  if (path === "/stand-in/calls") {
    return response.end(JSON.stringify(calls.get(decodeURIComponent(query)) ?? []));
  }
  if (path === "/stand-in/release") {
    released.add(decodeURIComponent(query));
    held.get(decodeURIComponent(query))?.();
    return response.end();
  }
  const found = /(?:hello|weather) \[(\w+)(?: (\d+))?(?: x(\d+))?\][^"\\]*/.exec(body);
  if (!found) return fail(path, 400, response);
  const [prompt, wish, status, times] = found;
  const earlier = calls.get(prompt) ?? [];
  const call = { at_ms: Date.now(), hung_up: false };
  calls.set(prompt, [...earlier, call]);
  response.on("close", () => { call.hung_up = !response.writableFinished; });
  if (wish === "fail") return fail(path, Number(status), response);
  if (wish === "flaky" && earlier.length < Number(times)) {
    return fail(path, Number(status), response, { "retry-after": "1" });
  }
  const plain = wish === "flaky" || earlier.length > 0;
  return answer(path, request, body, response, plain ? "plain" : wish, prompt);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
