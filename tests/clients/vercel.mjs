// The Vercel AI SDK: text, streams, tools, objects, embeddings and errors.
import assert from "node:assert/strict";
import test from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = createOpenAICompatible({
  name: "aios", baseURL: process.env.OPENAI_BASE_URL, apiKey: "any",
  includeUsage: true, supportsStructuredOutputs: true,
});
const model = provider("meta-llama/Llama-3.3-70B-Instruct");
const schema = z.object({ city: z.string(), degrees: z.number().int() });
const weather = () => tool({
  description: "Tell the weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `rain in ${city}, 12 degrees`,
});

test("text and usage", async () => {
  const answer = await generateText({ model, prompt: "Name a colour." });
  assert(answer.text);
  assert(answer.usage.outputTokens > 0);
});

test("text streams, and usage comes last", async () => {
  const stream = streamText({ model, prompt: "Name a colour." });
  let text = "";
  for await (const part of stream.textStream) text += part;
  assert(text);
  assert((await stream.usage).totalTokens > 0);
  assert.equal(await stream.finishReason, "stop");
});

for (const streams of [false, true]) {
  test(`a tool is called and the run ends${streams ? ", streamed" : ""}`, async () => {
    const asked = {
      model, prompt: "What is the weather in Paris?", tools: { weather: weather() }, stopWhen: stepCountIs(5),
    };
    const answer = streams ? streamText(asked) : await generateText(asked);
    if (streams) await answer.consumeStream();
    assert.match(await answer.text, /rain/);
    assert.equal((await answer.steps).length, 2);
  });
}

for (const streams of [false, true]) {
  test(`an object keeps to its schema${streams ? ", streamed" : ""}`, async () => {
    const asked = { model, prompt: 'It is 12 degrees in "Paris".', output: Output.object({ schema }) };
    const answer = streams ? streamText(asked) : await generateText(asked);
    if (streams) await answer.consumeStream();
    assert.equal((await answer.output).degrees, 12);
  });
}

test("embeddings", async () => {
  const answer = await embedMany({ model: provider.embeddingModel("sds/bge-m3"), values: ["a", "b"] });
  assert.equal(answer.embeddings[1].length, 1024);
});

test("a refusal is the SDK's own error", async () => {
  const asked = { model: provider("none"), prompt: "x", maxRetries: 0 };
  await assert.rejects(generateText(asked), (error) => APICallError.isInstance(error) && error.statusCode === 404);
});
