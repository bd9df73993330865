// A provider by other hands: says what tests/tools/aimock_test.cc asks for, and its address on the
// first line of stdout. Ends when its stdin does.
//   node server.mjs FOLDER    where FOLDER/node_modules has @copilotkit/aimock
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const module = pathToFileURL(`${folder}/node_modules/@copilotkit/aimock/dist/index.js`);
const { LLMock } = await import(module);

const mock = new LLMock({ port: 0 });
mock.onMessage("hello", { content: "Hi there! This is long enough to come in several pieces." });
mock.onMessage("weather", { toolCalls: [{ name: "get_weather", arguments: '{"city":"Oslo"}' }] });
mock.onMessage("overloaded", { error: { message: "overloaded" }, status: 503 });
mock.onEmbedding("a text", { embedding: [0.25, -0.5, 1] });
await mock.start();
process.stdout.write(`${mock.url}\n`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
