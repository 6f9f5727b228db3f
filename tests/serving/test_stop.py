"""Stop strings, on every cut of the text."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.serving.stop import StopMatcher


def read(stops: list[str], pieces: list[str]) -> tuple[str, str | None]:
    matcher = StopMatcher(stops)
    said = ""
    for piece in pieces:
        text, found = matcher.feed(piece)
        said += text
        if found is not None:
            return said, found
    return said + matcher.flush(), None


def cuts(text: str) -> list[list[str]]:
    places = range(1, len(text))
    return [
        [text[a:b] for a, b in itertools.pairwise([0, *chosen, len(text)])]
        for count in range(len(text))
        for chosen in itertools.combinations(places, count)
    ]


def test_the_result_does_not_depend_on_the_cuts() -> None:
    for stops in (["abc"], ["bc", "abcd"], ["xa", "aab"], ["c", "abc"], ["zz"]):
        for text in ("xaabcd", "aabaabc", "abcabc", "ababcc"):
            whole = read(stops, [text])
            for pieces in cuts(text):
                assert read(stops, pieces) == whole, (stops, pieces)


def test_text_before_the_stop_string_is_all_that_is_said() -> None:
    assert read(["END"], ["one E", "N two EN", "D three"]) == ("one EN two ", "END")


def test_the_stop_string_that_is_complete_first_wins() -> None:
    assert read(["abcd", "bc"], ["abcd"]) == ("a", "bc")


def test_of_two_that_end_together_the_longer_wins() -> None:
    assert read(["bc", "abc"], ["xabc"]) == ("x", "abc")


def test_only_a_possible_beginning_is_held_back() -> None:
    matcher = StopMatcher(["abc"])
    assert matcher.feed("xyzab") == ("xyz", None)
    assert matcher.feed("q") == ("abq", None)
    assert matcher.flush() == ""


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.text("abc", max_size=4), max_size=6),
)
def test_nothing_is_lost_and_nothing_follows(
    stops: list[str], pieces: list[str]
) -> None:
    text = "".join(pieces)
    said, found = read(stops, pieces)
    assert (said, found) == read(stops, [text])
    assert text.startswith(said)
    if found is None:
        assert said == text
        assert not any(stop in text for stop in stops)
    else:
        assert text.startswith(said + found)
        assert not any(stop in (said + found)[:-1] for stop in stops)
