"""What the mock remembers stays within its bound."""

from aios_conformance.mockserver.memory import Memory


def test_the_oldest_use_is_forgotten_first() -> None:
    memory = Memory(limit=3 * 2_000)
    for name in ("a", "b", "c"):
        memory.put(name, ord(name), 900)
    assert memory.get("a") == 97
    memory.put("d", 100, 900)
    assert [memory.get(name) for name in "abcd"] == [97, None, 99, 100]


def test_sizes_count_and_a_new_value_takes_the_place_of_the_old() -> None:
    memory = Memory(limit=10_000)
    memory.put("a", 1, 4_000)
    memory.put("a", 2, 6_000)
    memory.put("b", 3, 1_000)
    assert (memory.get("a"), memory.get("b")) == (2, 3)
    memory.put("c", 4, 2_000)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (None, 3, 4)


def test_what_has_no_room_is_not_remembered() -> None:
    memory = Memory(limit=5_000)
    memory.put("a", 1, 3_000)
    memory.put("b", 2, 5_000)
    assert (memory.get("a"), memory.get("b")) == (1, None)
