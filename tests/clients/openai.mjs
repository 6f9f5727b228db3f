// The OpenAI client of JavaScript: each kind of answer, whole, streamed and refused.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";

const model = "meta-llama/Llama-3.3-70B-Instruct";
const messages = [{ role: "user", content: "What is the weather in Paris?" }];
const parameters = {
  type: "object", properties: { city: { type: "string" } }, required: ["city"],
};
const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
const client = new OpenAI({ maxRetries: 0 });
const vllm = process.env.MOCK_PROFILE === "vllm";
const invalid = vllm ? OpenAI.BadRequestError : OpenAI.UnprocessableEntityError;

test("models are listed", async () => {
  const names = [];
  for await (const each of client.models.list()) names.push(each.id);
  assert(names.includes(model));
});

test("a stream joins to the whole", async () => {
  const whole = await client.chat.completions.create({ model, messages, seed: 1 });
  const stream = await client.chat.completions.create({ model, messages, seed: 1, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, whole.choices[0].message.content);
});

test("a tool is called", async () => {
  const answer = await client.chat.completions.create({ model, messages, tools });
  assert.equal(answer.choices[0].message.tool_calls[0].function.arguments, '{"city": "Paris"}');
});

test("a streamed tool call is joined by the client", async () => {
  const stream = client.chat.completions.stream({ model, messages, tools, tool_choice: "required" });
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments), { city: "Paris" });
});

test("tools are run until the model answers", async () => {
  const run = (asked) => { assert.equal(JSON.parse(asked).city, "Paris"); return "rain"; };
  const runner = client.chat.completions.runTools({
    model, messages,
    tools: [{ type: "function", function: { name: "get_weather", parameters, function: run } }],
  });
  assert.match(await runner.finalContent(), /rain/);
});

test("completions", async () => {
  const answer = await client.completions.create({ model, prompt: "One day" });
  assert(answer.choices[0].text);
});

test("vectors come as bytes, which the client reads", async () => {
  const answer = await client.embeddings.create({ model: "sds/bge-m3", input: ["a", "b"] });
  assert.equal(answer.data[1].embedding.length, 1024);
  const norm = answer.data[0].embedding.reduce((sum, x) => sum + x * x, 0);
  assert(Math.abs(norm - 1) < 1e-3);
});

test("refusals become the client's own errors", async () => {
  const ask = (wrong, options) => client.chat.completions.create({ model, messages, ...wrong }, options);
  await assert.rejects(ask({ model: "none" }), OpenAI.NotFoundError);
  await assert.rejects(ask({ top_p: 9 }), invalid);
  await assert.rejects(ask({}, { headers: { "X-Mock-Status": "429" } }), OpenAI.RateLimitError);
  await assert.rejects(ask({}, { headers: { "X-Mock-Fault": "drop" } }), OpenAI.APIConnectionError);
});
