"""A server that is started many times by one loaded parent."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from aios_conformance.conformance.options.values import TargetError
from aios_conformance.conformance.prove.warm import WarmServer

DEFECT = "rerank_v2_scores_differ"


@pytest.fixture(scope="module")
def mock() -> Iterator[WarmServer]:
    server = WarmServer(
        "aios_conformance.mockserver", ("aios_conformance.mockserver.app",)
    )
    yield server
    server.close()


def told(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/_mock/defects") as answer:  # noqa: S310
        return json.load(answer)


def test_each_start_has_its_own_arguments(mock: WarmServer) -> None:
    with mock.serving(["--port", "0", "--defect", DEFECT], {}) as url:
        assert told(url)["acts"] == {DEFECT: 0}
    with mock.serving(["--port", "0"], {}) as other:
        assert told(other)["acts"] == {}


def test_a_stopped_server_answers_no_more(mock: WarmServer) -> None:
    with mock.serving(["--port", "0"], {}) as url:
        told(url)
    with pytest.raises(OSError, match="refused"):
        told(url)


def test_the_environment_is_that_of_the_start(mock: WarmServer) -> None:
    with mock.serving(["--port", "0"], {"AIOS_API_KEY": "secret"}) as url:
        request = urllib.request.Request(f"{url}/v1/models")  # noqa: S310
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            urllib.request.urlopen(request)  # noqa: S310
        caught.value.close()
    with (
        mock.serving(["--port", "0"], {"AIOS_API_KEY": ""}) as url,
        urllib.request.urlopen(f"{url}/v1/models") as answer,  # noqa: S310
    ):
        assert answer.status == 200


def test_what_keeps_it_from_starting_is_told_and_the_next_start_works(
    mock: WarmServer,
) -> None:
    with (
        pytest.raises(TargetError, match="no_such_defect"),
        mock.serving(["--port", "0", "--defect", "no_such_defect"], {}),
    ):
        pass
    with mock.serving(["--port", "0"], {}) as url:
        assert told(url)["acts"] == {}
