"""LangChain's OpenAI classes under LangChain's own standard tests."""

import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_openai.chat_models import _client_utils
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
)


@pytest.fixture(autouse=True)
def own_connections() -> None:
    """Each test has a loop of its own, but LangChain keeps connections for all."""
    _client_utils._cached_async_httpx_client.cache_clear()


class TestChat(ChatModelIntegrationTests):
    """The standard tests of chat models."""

    chat_model_class = ChatOpenAI
    chat_model_params = {  # noqa: RUF012  as langchain-tests wants it
        "model": "meta-llama/Llama-3.3-70B-Instruct",
        "temperature": 0,
        "stream_usage": True,
    }
    model_override_value = "meta-llama/Meta-Llama-3.3-70B-Instruct"
    supports_json_mode = True


class TestEmbeddings(EmbeddingsIntegrationTests):
    """The standard tests of embeddings.

    By default texts are sent as ids of cl100k_base, whose file tiktoken would fetch
    from the network.
    """

    embeddings_class = OpenAIEmbeddings
    embedding_model_params = {  # noqa: RUF012  as langchain-tests wants it
        "model": "sds/bge-m3",
        "check_embedding_ctx_length": False,
    }
