// A parser of server-sent events for JavaScript, on streams that are cut in odd ways.
import assert from "node:assert/strict";
import test from "node:test";
import { EventSourceParserStream } from "eventsource-parser/stream";

const url = `${process.env.OPENAI_BASE_URL}/chat/completions`;
const messages = [{ role: "user", content: "Name a colour." }];
const body = { model: "meta-llama/Llama-3.3-70B-Instruct", messages };

const post = (more, fault) => fetch(url, {
  method: "POST", body: JSON.stringify({ ...body, ...more }),
  headers: { "Content-Type": "application/json", ...(fault && { "X-Mock-Fault": fault }) },
});

for (const fault of [undefined, "crlf", "bom", "ping", "split", "merge", "dribble", "no-space"]) {
  test(`a stream is whole: ${fault ?? "no fault"}`, async () => {
    const whole = (await (await post({})).json()).choices[0].message.content;
    const events = (await post({ stream: true }, fault)).body
      .pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const found = [];
    for await (const event of events) found.push(event.data);
    assert.equal(found.pop(), "[DONE]");
    const text = found.map((each) => JSON.parse(each).choices[0]?.delta.content ?? "").join("");
    assert.equal(text, whole);
  });
}
