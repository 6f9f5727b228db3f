"""LiteLLM: chat, streams, tools, text, embeddings, rerank and its errors."""

import os

import pytest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # asks no other host than the mock
import litellm

litellm.disable_hf_tokenizer_download = True

CHAT = "openai/meta-llama/Llama-3.3-70B-Instruct"
CITY = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def test_a_chat() -> None:
    answer = litellm.completion(model=CHAT, messages=CITY)
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0


def test_a_stream_joins_to_the_whole() -> None:
    whole = litellm.completion(model=CHAT, messages=CITY, seed=3)
    chunks = list(litellm.completion(model=CHAT, messages=CITY, seed=3, stream=True))
    built = litellm.stream_chunk_builder(chunks, messages=CITY)
    assert built.choices[0].message.content == whole.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called(stream: bool) -> None:
    answer = litellm.completion(
        model=CHAT, messages=CITY, tools=[TOOL], tool_choice="required", stream=stream
    )
    if stream:
        answer = litellm.stream_chunk_builder(list(answer), messages=CITY)
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.arguments == '{"city": "Paris"}'


def test_a_schema_is_kept() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    form = {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": schema, "strict": True},
    }
    answer = litellm.completion(model=CHAT, messages=CITY, response_format=form)
    assert answer.choices[0].message.content.startswith("{")


def test_text_is_completed() -> None:
    name = CHAT.replace("openai/", "text-completion-openai/")
    assert litellm.text_completion(model=name, prompt="One day").choices[0].text


def test_embeddings() -> None:
    answer = litellm.embedding(model="openai/sds/bge-m3", input=["a", "b"])
    assert len(answer.data[1]["embedding"]) == 1024


@pytest.mark.parametrize("provider", ["cohere", "hosted_vllm"])
def test_rerank(provider: str) -> None:
    url = os.environ["OPENAI_BASE_URL"]
    answer = litellm.rerank(
        model=f"{provider}/sds/bge-reranker-v2-m3",
        query="What is the capital of France?",
        documents=["Bananas are yellow.", "The capital of France is Paris."],
        top_n=1,
        api_base=f"{url}/rerank",
        api_key="any",
    )
    assert answer.results[0]["index"] == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": "openai/none"}, litellm.NotFoundError),
        ({"extra_headers": {"X-Mock-Status": "429"}}, litellm.RateLimitError),
        ({"extra_headers": {"X-Mock-Status": "500"}}, litellm.InternalServerError),
    ],
)
def test_refusals_become_the_clients_own_errors(wrong: dict, error: type) -> None:
    with pytest.raises(error):
        litellm.completion(
            **{"model": CHAT, "messages": CITY, "num_retries": 0} | wrong
        )
