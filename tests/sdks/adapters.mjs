// The official SDKs behind one face, so that sdk_matrix.mjs asks the same of each.
//
// An adapter has a `name` and `connect({ url, key, fetch, retries })`, which gives
// `{ json(prompt, options), stream(prompt, options) }` with `options` = { tools, signal, onText }.
// Both resolve to all that the SDK tells of the answer (of a stream: its pieces in order) or throw
// what the SDK throws; `onText` is called at each piece of text. `retries`: undefined = as the SDK
// has it. `retries_itself`: it says so in its requests, so the gateway leaves it to the SDK.
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

async function collect(stream, textOf, onText = () => {}) {
  const pieces = [];
  for await (const piece of stream) {
    pieces.push(piece);
    if (textOf(piece)) onText();
  }
  return pieces;
}

function openai(OpenAI) {
  const connect = ({ url, key, fetch, retries }) =>
    new OpenAI({ apiKey: key, baseURL: `${url}/v1`, fetch, maxRetries: retries });
  const chat = (prompt, { tools }) => ({ model: "gpt-4o",
    messages: [{ role: "user", content: prompt }],
    tools: tools && [{ type: "function", function: { name: "get_weather", parameters: city } }] });
  const response = (prompt, { tools }) => ({ model: "gpt-4o", input: prompt,
    tools: tools && [{ type: "function", name: "get_weather", parameters: city, strict: true }] });
  return [{ name: "openai chat", retries_itself: true, connect: (to) => {
    const { completions } = connect(to).chat;
    return {
      json: (prompt, more) => completions.create(chat(prompt, more), { signal: more.signal }),
      stream: async (prompt, more) => collect(
        await completions.create({ ...chat(prompt, more), stream: true,
          stream_options: { include_usage: true } }, { signal: more.signal }),
        (chunk) => chunk.choices[0]?.delta.content, more.onText),
    };
  } }, { name: "openai responses", retries_itself: true, connect: (to) => {
    const { responses } = connect(to);
    return {
      json: (prompt, more) => responses.create(response(prompt, more), { signal: more.signal }),
      stream: async (prompt, more) => collect(
        await responses.create({ ...response(prompt, more), stream: true },
          { signal: more.signal }),
        (event) => event.type === "response.output_text.delta", more.onText),
    };
  } }];
}

function anthropic(Anthropic) {
  return { name: "anthropic", retries_itself: true, connect: ({ url, key, fetch, retries }) => {
    const client = new Anthropic({ apiKey: key, baseURL: url, fetch, maxRetries: retries });
    const ask = (prompt, { tools }) => ({ model: "claude-3-5-sonnet-latest", max_tokens: 200,
      messages: [{ role: "user", content: prompt }],
      tools: tools && [{ name: "get_weather", input_schema: city }] });
    return {
      json: (prompt, more) => client.messages.create(ask(prompt, more), { signal: more.signal }),
      stream: async (prompt, more) => collect(
        await client.messages.create({ ...ask(prompt, more), stream: true },
          { signal: more.signal }),
        (event) => event.delta?.text, more.onText),
    };
  } };
}

// Its streams give errors as pieces; `onError` keeps it from printing them.
function vercel(ai, createOpenAI) {
  const make = (kind) => ({ name: `ai ${kind}`, connect: ({ url, key, fetch, retries }) => {
    const model = createOpenAI({ apiKey: key, baseURL: `${url}/v1`, fetch })[kind]("gpt-4o");
    const ask = (prompt, { tools, signal }) => ({ model, prompt, abortSignal: signal,
      maxRetries: retries,
      tools: tools && { get_weather: ai.tool({ inputSchema: ai.jsonSchema(city) }) } });
    return {
      json: async (prompt, more) => {
        const { text, toolCalls, finishReason, usage, warnings, content } =
          await ai.generateText(ask(prompt, more));
        return { text, toolCalls, finishReason, usage, warnings, content };
      },
      stream: async (prompt, more) => {
        let failure;
        const result = ai.streamText({ ...ask(prompt, more),
          onError: ({ error }) => { failure ??= error; } });
        const pieces = await collect(result.fullStream, (part) => part.type === "text-delta",
          more.onText);
        if (failure) throw failure;
        return pieces;
      },
    };
  } });
  return [make("chat"), make("responses")];
}

function langchain(ChatOpenAI) {
  return { name: "langchain", retries_itself: true, connect: ({ url, key, fetch, retries }) => {
    const model = new ChatOpenAI({ model: "gpt-4o", apiKey: key, maxRetries: retries,
      configuration: { baseURL: `${url}/v1`, fetch } });
    const ask = ({ tools }) => (tools ? model.bindTools([{ type: "function",
      function: { name: "get_weather", parameters: city } }]) : model);
    const told = ({ content, tool_calls, tool_call_chunks, usage_metadata, response_metadata }) =>
      ({ content, tool_calls, tool_call_chunks, usage_metadata, response_metadata });
    return {
      json: async (prompt, more) => told(await ask(more).invoke(prompt, { signal: more.signal })),
      stream: async (prompt, more) => (await collect(
        await ask(more).stream(prompt, { signal: more.signal }), (chunk) => chunk.content,
        more.onText)).map(told),
    };
  } };
}

// `folder`: where node_modules has them.
export async function loadAdapters(folder) {
  const require = createRequire(path.join(folder, "package.json"));
  const load = (name) => import(pathToFileURL(require.resolve(name)));
  const { default: OpenAI } = await load("openai");
  const { default: Anthropic } = await load("@anthropic-ai/sdk");
  const { createOpenAI } = await load("@ai-sdk/openai");
  const { ChatOpenAI } = await load("@langchain/openai");
  return [...openai(OpenAI), anthropic(Anthropic), ...vercel(await load("ai"), createOpenAI),
    langchain(ChatOpenAI)];
}
