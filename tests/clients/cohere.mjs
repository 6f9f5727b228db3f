// The Cohere client of JavaScript: rerank, in both versions of its API.
import assert from "node:assert/strict";
import test from "node:test";
import { CohereClient, CohereClientV2 } from "cohere-ai";

const asked = {
  model: "sds/bge-reranker-v2-m3",
  query: "What is the capital of France?",
  documents: ["Bananas are yellow.", "The capital of France is Paris.", "It rains."],
};
const options = { token: "any", environment: process.env.CO_API_URL };

for (const Client of [CohereClient, CohereClientV2]) {
  test(`${Client.name}: the best document comes first`, async () => {
    const answer = await new Client(options).rerank({ ...asked, topN: 2 });
    assert.equal(answer.results.length, 2);
    assert.equal(answer.results[0].index, 1);
    assert(answer.results[0].relevanceScore >= answer.results[1].relevanceScore);
  });
}

test("an unknown model is refused", async () => {
  await assert.rejects(new CohereClientV2(options).rerank({ ...asked, model: "none" }), { statusCode: 404 });
});
