"""What is remembered stays within its bound."""

from aios_conformance.serving.bounded_cache import Kept


def test_the_oldest_use_is_forgotten_first() -> None:
    kept: Kept[str, int] = Kept(3)
    for name in ("a", "b", "c"):
        kept.put(name, ord(name), 1)
    assert kept.get("a") == 97
    kept.put("d", 100, 1)
    assert [kept.get(name) for name in "abcd"] == [97, None, 99, 100]


def test_weights_count_and_a_new_value_takes_the_place_of_the_old() -> None:
    kept: Kept[str, int] = Kept(10)
    kept.put("a", 1, 6)
    kept.put("a", 2, 8)
    kept.put("b", 3, 2)
    assert (kept.get("a"), kept.get("b")) == (2, 3)
    kept.put("c", 4, 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (None, 3, 4)


def test_what_is_too_heavy_is_not_remembered() -> None:
    kept: Kept[str, int] = Kept(5)
    kept.put("a", 1, 5)
    kept.put("b", 2, 6)
    assert (kept.get("a"), kept.get("b")) == (1, None)
