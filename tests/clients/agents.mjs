// Frameworks for JavaScript: LangChain, LlamaIndex, the OpenAI Agents SDK, Genkit, xsAI, Voyage.
import assert from "node:assert/strict";
import test from "node:test";
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool } from "@openai/agents";
import { openAICompatible } from "@genkit-ai/compat-oai";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { OpenAI as LlamaIndexOpenAI } from "@llamaindex/openai";
import { agent as llamaIndexAgent } from "@llamaindex/workflow";
import { genkit } from "genkit";
import { createAgent, tool as langchainTool } from "langchain";
import { tool as llamaIndexTool } from "llamaindex";
import OpenAI from "openai";
import { VoyageAIClient } from "voyageai";
import { generateObject } from "xsai";
import { z } from "zod";

const base = process.env.OPENAI_BASE_URL;
const model = "meta-llama/Llama-3.3-70B-Instruct";
const asked = "What is the weather in Paris?";
const told = "Alice is 34 years old.";
const person = z.object({ name: z.string(), age: z.number() });
const alice = { name: "Alice", age: 34 };
const weather = {
  name: "weather", description: "Tell the weather of a city.",
};
const city = z.object({ city: z.string() });
const sunny = async ({ city }) => `It is sunny in ${city}.`;
const options = { apiKey: "any", configuration: { baseURL: base } };

test("LangChain", async () => {
  const llm = new ChatOpenAI({ model, ...options });
  for (const method of ["functionCalling", "jsonSchema"]) {
    assert.deepEqual(await llm.withStructuredOutput(person, { method }).invoke(told), alice);
  }
  const agent = createAgent({ model: llm, tools: [langchainTool(sunny, { ...weather, schema: city })] });
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: asked }] });
  assert.match(messages.at(-1).content, /sunny in Paris/);
  const vectors = new OpenAIEmbeddings({ model: "sds/bge-m3", ...options });
  assert.equal((await vectors.embedDocuments(["a", "b"])).length, 2);
});

test("LlamaIndex", async () => {
  const llm = new LlamaIndexOpenAI({ model, apiKey: "any", baseURL: base });
  Object.defineProperty(llm, "supportToolCall", { get: () => true });  // it goes by the name
  const tools = [llamaIndexTool({ ...weather, parameters: city, execute: sunny })];
  const { data } = await llamaIndexAgent({ llm, tools }).run(asked);
  assert.match(String(data.result), /sunny in Paris/);
  const messages = [{ role: "user", content: told }];
  assert.deepEqual((await llm.exec({ messages, responseFormat: person })).object, alice);
});

test("OpenAI Agents SDK", async () => {
  setTracingDisabled(true);
  const chat = { name: "a", instructions: "Help.", model: new OpenAIChatCompletionsModel(new OpenAI(), model) };
  const tools = [tool({ ...weather, parameters: city, execute: sunny })];
  assert.match((await run(new Agent({ ...chat, tools }), asked)).finalOutput, /sunny in Paris/);
  assert.deepEqual((await run(new Agent({ ...chat, outputType: person }), told)).finalOutput, alice);
  const billing = new Agent({ ...chat, name: "Billing agent" });
  const triage = Agent.create({ ...chat, name: "Triage", handoffs: [billing] });
  assert.equal((await run(triage, "I have a billing question")).lastAgent.name, "Billing agent");
});

test("Genkit", async () => {
  const ai = genkit({ plugins: [openAICompatible({ name: "mock", apiKey: "any", baseURL: base })] });
  const answer = await ai.generate({ model: `mock/${model}`, prompt: "Name a colour." });
  assert(answer.text);
});

test("xsAI", async () => {
  const messages = [{ role: "user", content: told }];
  const { object } = await generateObject({
    baseURL: `${base}/`, apiKey: "any", model, messages, schema: person, schemaName: "person",
  });
  assert.deepEqual(object, alice);
});

test("Voyage", async () => {
  const client = new VoyageAIClient({ apiKey: "any", environment: base });
  const documents = ["a cat", "a dog"];
  const ranked = await client.rerank({ model: "sds/bge-reranker-v2-m3", query: "a dog", documents });
  assert.equal(ranked.results[0].index, 1);
  const { data } = await client.embed({ model: "sds/bge-m3", input: ["a"] });
  assert.equal(data[0].embedding.length, 1024);
});
