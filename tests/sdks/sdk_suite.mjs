// The official SDKs, unmodified, against larderd: each asks twice, as JSON and as a stream, with
// tools and an error, and must not see a difference but in Cache-Status.
//   node sdk_suite.mjs FOLDER GATEWAY    where FOLDER/node_modules has the SDKs
// Prints a line for each check; ends with 1 if one failed.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, gateway] = process.argv.slice(2);
const require = createRequire(path.join(folder, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const text = "Hi there! This is long enough to come in several pieces.";
const tool = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

let failed = 0;
async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}

// What larderd said of the last answers, in order; reset by whoever looks.
let statuses = [];
const spy = async (input, init) => {
  const response = await fetch(input, init);
  statuses.push(response.headers.get("cache-status") ?? "");
  return response;
};
function outcomes() {
  const seen = statuses.map((status) => (status.startsWith("larder; hit") ? "hit" : "miss"));
  statuses = [];
  return seen;
}
// Runs it until the second answer can come from the store, and tells what each run gave.
async function twice(run) {
  statuses = [];
  const first = await run();
  const second = await run();
  assert.deepEqual(second, first);
  assert.equal(outcomes().at(-1), "hit");
  return first;
}

async function openai() {
  const { default: OpenAI } = await load("openai");
  // A key for each group of checks: nothing that another has asked is a hit here.
  const client = new OpenAI({ apiKey: "sdk-openai", baseURL: `${gateway}/v1`, fetch: spy });
  const messages = [{ role: "user", content: "hello" }];
  const model = "gpt-4o";

  await check("openai: chat", async () => {
    const answer = await twice(() => client.chat.completions.create({ model, messages }));
    assert.equal(answer.choices[0].message.content, text);
  });
  await check("openai: the stream of a chat that was asked for as JSON", async () => {
    const pieces = [];
    statuses = [];
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true,
      stream_options: { include_usage: true } })) {
      pieces.push(chunk);
    }
    assert.deepEqual(outcomes(), ["hit"]);
    assert.equal(pieces.map((p) => p.choices[0]?.delta.content ?? "").join(""), text);
    assert.ok(pieces.at(-1).usage.total_tokens > 0);
  });
  await check("openai: the helper that puts a stream together", async () => {
    const answer = await twice(async () => {
      const stream = client.chat.completions.stream({ model, messages: [...messages, ...messages] });
      const whole = await stream.finalChatCompletion();
      return whole.choices[0].message.content;
    });
    assert.equal(answer, text);
  });
  await check("openai: tools", async () => {
    const ask = { model, messages: [{ role: "user", content: "weather" }],
      tools: [{ type: "function", function: { name: "get_weather", parameters: tool } }] };
    const answer = await twice(() => client.chat.completions.create(ask));
    const call = answer.choices[0].message.tool_calls[0].function;
    assert.equal(call.name, "get_weather");
    assert.deepEqual(JSON.parse(call.arguments), { city: "Oslo" });
    const stream = client.chat.completions.stream(ask);
    const whole = await stream.finalChatCompletion();
    assert.deepEqual(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments),
      { city: "Oslo" });
    assert.deepEqual(outcomes(), ["hit"]);
  });
  await check("openai: responses", async () => {
    const answer = await twice(() => client.responses.create({ model, input: "hello" }));
    assert.equal(answer.output_text, text);
    let streamed = "";
    for await (const event of await client.responses.create({ model, input: "hello", stream: true })) {
      if (event.type === "response.output_text.delta") streamed += event.delta;
    }
    assert.equal(streamed, text);
    assert.deepEqual(outcomes(), ["hit"]);
  });
  await check("openai: embeddings", async () => {
    // The mock gives floats also where base64 is asked for, as the SDK does if not told otherwise.
    const ask = { model: "text-embedding-3-small", input: ["a text"], encoding_format: "float" };
    const answer = await twice(() => client.embeddings.create(ask));
    assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 1]);
    // A hit is in the form that this caller asks for.
    const packed = await client.embeddings.create({ ...ask, encoding_format: undefined });
    assert.deepEqual(Array.from(packed.data[0].embedding), [0.25, -0.5, 1]);
    assert.deepEqual(outcomes(), ["hit"]);
  });
  await check("openai: an error is the provider's, and is not kept", async () => {
    for (let i = 0; i < 2; i += 1) {
      await assert.rejects(
        client.chat.completions.create({ model, messages: [{ role: "user", content: "unheard of" }] }),
        (error) => error instanceof OpenAI.NotFoundError);
    }
    assert.deepEqual(outcomes(), ["miss", "miss"]);
  });
  await check("openai: an error of the gateway's own is one that the SDK knows", async () => {
    await assert.rejects(
      client.chat.completions.create({ model, messages }, { headers: { "Larder-TTL": "soon" } }),
      (error) => error instanceof OpenAI.BadRequestError && /Larder-TTL/.test(error.message));
    outcomes();
  });
  await check("openai: trouble is tried again by the SDK, and each time asked upstream", async () => {
    statuses = [];
    await assert.rejects(client.chat.completions.create(
      { model, messages: [{ role: "user", content: "overloaded" }] }, { maxRetries: 1 }),
      (error) => error instanceof OpenAI.APIError && error.status === 503);
    assert.equal(outcomes().length, 2);
  });
  await check("openai: a stream that is given up leaves the gateway well", async () => {
    const stream = await client.chat.completions.create({ model, stream: true,
      messages: [{ role: "user", content: "hello" }, { role: "user", content: "hello" }, ...messages] });
    for await (const _ of stream) break;
    stream.controller.abort();
    const answer = await client.chat.completions.create({ model, messages });
    assert.equal(answer.choices[0].message.content, text);
    outcomes();
  });
}

async function anthropic() {
  const { default: Anthropic } = await load("@anthropic-ai/sdk");
  const client = new Anthropic({ apiKey: "sdk-anthropic", baseURL: gateway, fetch: spy });
  const ask = { model: "claude-3-5-sonnet-latest", max_tokens: 200,
    messages: [{ role: "user", content: "hello" }] };

  await check("anthropic: message", async () => {
    const answer = await twice(() => client.messages.create(ask));
    assert.equal(answer.content[0].text, text);
  });
  await check("anthropic: the stream of a message that was asked for as JSON", async () => {
    const whole = await client.messages.stream(ask).finalMessage();
    assert.equal(whole.content[0].text, text);
    assert.equal(outcomes().at(-1), "hit");
  });
  await check("anthropic: a stream, asked twice", async () => {
    const system = "be brief";
    const answer = await twice(async () => {
      const whole = await client.messages.stream({ ...ask, system }).finalMessage();
      return whole.content[0].text;
    });
    assert.equal(answer, text);
  });
  await check("anthropic: tools", async () => {
    const answer = await twice(() => client.messages.create({ ...ask,
      messages: [{ role: "user", content: "weather" }],
      tools: [{ name: "get_weather", input_schema: tool }] }));
    const use = answer.content.find((block) => block.type === "tool_use");
    assert.deepEqual(use.input, { city: "Oslo" });
  });
  await check("anthropic: an error is one that the SDK knows", async () => {
    await assert.rejects(
      client.messages.create({ ...ask, messages: [{ role: "user", content: "unheard of" }] }),
      (error) => error instanceof Anthropic.NotFoundError);
    await assert.rejects(client.messages.create(ask, { headers: { "Larder-Sample": "x" } }),
      (error) => error instanceof Anthropic.BadRequestError && /Larder-Sample/.test(error.message));
    outcomes();
  });
}

async function vercel() {
  const { generateText, streamText, jsonSchema, tool: defineTool } = await load("ai");
  const { createOpenAI } = await load("@ai-sdk/openai");
  const provider = createOpenAI({ apiKey: "sdk-ai", baseURL: `${gateway}/v1`, fetch: spy });
  const kinds = [["chat", provider.chat("gpt-4o")], ["responses", provider.responses("gpt-4o")]];
  for (const [kind, model] of kinds) {
    await check(`ai: generateText by ${kind}`, async () => {
      assert.equal(await twice(async () => (await generateText({ model, prompt: "hello" })).text),
        text);
    });
    await check(`ai: streamText by ${kind}`, async () => {
      statuses = [];
      const result = streamText({ model, prompt: "hello" });
      let streamed = "";
      for await (const piece of result.textStream) streamed += piece;
      assert.equal(streamed, text);
      assert.deepEqual(outcomes(), ["hit"]);
    });
  }
  await check("ai: tools", async () => {
    const calls = await twice(async () => {
      const result = await generateText({ model: kinds[0][1], prompt: "weather",
        tools: { get_weather: defineTool({ inputSchema: jsonSchema(tool) }) } });
      return result.toolCalls.map((call) => [call.toolName, call.input]);
    });
    assert.deepEqual(calls, [["get_weather", { city: "Oslo" }]]);
  });
}

async function langchain() {
  const { ChatOpenAI, OpenAIEmbeddings } = await load("@langchain/openai");
  const configuration = { baseURL: `${gateway}/v1`, fetch: spy };
  const model = new ChatOpenAI({ model: "gpt-4o", apiKey: "sdk-langchain", configuration });
  await check("langchain: invoke", async () => {
    assert.equal(await twice(async () => (await model.invoke("hello")).content), text);
  });
  await check("langchain: stream", async () => {
    statuses = [];
    let streamed = "";
    for await (const chunk of await model.stream("hello")) streamed += chunk.content;
    assert.equal(streamed, text);
    assert.deepEqual(outcomes(), ["hit"]);
  });
  await check("langchain: embeddings", async () => {
    const embeddings = new OpenAIEmbeddings({ model: "text-embedding-3-small",
      apiKey: "sdk-langchain", encodingFormat: "float", configuration });
    assert.deepEqual(await twice(() => embeddings.embedQuery("a text")), [0.25, -0.5, 1]);
  });
}

await openai();
await anthropic();
await vercel();
await langchain();
process.exit(failed === 0 ? 0 : 1);
