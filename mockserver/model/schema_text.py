"""JSON text that satisfies a JSON schema, as constrained decoding produces it.

A writer follows the schema and makes choices; the text is then checked with a real
validator, and other choices are tried when it does not hold. So what comes out
satisfies the schema, and what cannot be satisfied is a clear error.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Any, Final

from jsonschema_rs import ReferencingError

from aios_conformance.mockserver.model.pattern_text import Exhausted, Steps
from aios_conformance.mockserver.model.schema_merge import flatten
from aios_conformance.mockserver.model.schema_values import Impossible, number, text
from aios_conformance.mockserver.model.told import NOTHING_TOLD, FactsInTurn, Material
from aios_conformance.serving.engine import EngineError, JsonSchema
from aios_conformance.serving.schema_work import ClientSchema, TooMuchWork

_ATTEMPTS: Final = 60
_TOLD: Final = 3  # attempts with what was told; then it is given up
_FULL_DEPTH: Final = 3  # below this depth optional parts are left out
_MAX_DEPTH: Final = 24
_MAX_ITEMS: Final = 1_000
_MAX_VALUES: Final = 5_000  # written in one attempt
_ALL_STEPS: Final = 30_000  # in all of them, to write values and to check them
_INFERRED: Final = (
    ("object", ("properties", "required", "additionalProperties", "minProperties")),
    ("array", ("items", "prefixItems", "minItems", "contains", "uniqueItems")),
    ("string", ("pattern", "minLength", "maxLength", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "multipleOf")),
)


def write_json(schema: JsonSchema, seed: int, source: Material = NOTHING_TOLD) -> str:
    """Return JSON text that satisfies `schema`; `seed` varies the choices.

    What `source` tells finds its way into it, as far as the schema has room. Raises
    EngineError if the schema is invalid or no text was found for it, within a number
    of steps that does not depend on the machine.
    """
    try:
        return _write(json.dumps(schema), seed, source)
    except RecursionError:
        raise EngineError("no JSON text was found for the schema: endless") from None


@lru_cache(maxsize=256)
def _write(written: str, seed: int, source: Material) -> str:
    schema = json.loads(written)
    try:
        compiled = ClientSchema(schema)
    except (ValueError, ReferencingError) as error:
        raise EngineError(f"the JSON schema is not valid: {error}") from error
    reasons: Counter[str] = Counter()
    steps = Steps(_ALL_STEPS)
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed} {attempt}")  # noqa: S311 - content, no secret
        try:
            told = FactsInTurn(source if attempt < _TOLD else NOTHING_TOLD)
            value = _Writer(schema, random, attempt, steps, told).value(schema, 0)
            steps.take(compiled.work(value))
        except Impossible as error:
            reasons[str(error)] += 1
            continue
        except (Exhausted, TooMuchWork) as error:
            reasons = Counter([str(error)])
            break
        found = compiled.breach(value)
        if found is None:
            return json.dumps(value, ensure_ascii=False)
        reasons[found] += 1
    ((reason, _),) = reasons.most_common(1)
    raise EngineError(f"no JSON text was found for the schema: {reason}")


class _Writer:
    """One attempt at a value."""

    def __init__(
        self, root: Any, random: Random, attempt: int, steps: Steps, told: FactsInTurn
    ) -> None:
        """The first attempt takes first choices; later ones are drawn."""
        self._root = root
        self._random = random
        self._attempt = attempt
        self._values = 0
        self._steps = steps
        self._told = told

    def value(self, schema: Any, depth: int, name: str = "") -> Any:
        """Write a value for a schema, that of the member `name`. Raises Impossible."""
        self._values += 1
        if depth > _MAX_DEPTH or self._values > _MAX_VALUES:
            raise Impossible("every value of it is endless")
        failure = Impossible("nothing satisfies it")
        for flat in self._alternatives(schema, depth):
            try:
                return self._flat_value(flat, depth, name)
            except Impossible as error:
                failure = error
                if depth > _FULL_DEPTH and self._values > _MAX_VALUES:
                    break
        raise failure

    def _alternatives(self, schema: Any, depth: int) -> Iterator[Mapping[str, Any]]:
        """Yield the schema without combinators, one choice of branches at a time."""
        flat, choices = flatten(schema, self._root, self._steps)
        if not choices:
            yield flat
            return
        first, *others = choices
        branches = list(first)
        if self._attempt:
            self._random.shuffle(branches)
        if depth >= _FULL_DEPTH:
            branches.sort(key=self._refers)
        for branch in branches:
            rest = [{"anyOf": list(other)} for other in others]
            yield from self._alternatives({"allOf": [flat, branch, *rest]}, depth)

    def _refers(self, schema: Any) -> bool:
        """Tell whether any part of a schema is a reference."""
        rest = [schema]
        while rest:
            self._steps.take()
            node = rest.pop()
            if isinstance(node, dict):
                if "$ref" in node:
                    return True
                rest.extend(node.values())
            elif isinstance(node, list):
                rest.extend(node)
        return False

    def _flat_value(self, flat: Mapping[str, Any], depth: int, name: str) -> Any:
        kind = "enum" if "enum" in flat else self._type(flat)
        if kind == "object":
            return self._object(flat, depth)
        if kind == "array":
            return self._array(flat, depth, name)
        found = self._stated(kind, flat, name)
        if found is not None:
            return found
        if "default" in flat and not self._attempt:
            return flat["default"]
        return self._invented(kind, flat)

    def _stated(self, kind: str, flat: Mapping[str, Any], name: str) -> Any:
        """Return what was told for a plain value; None if nothing was."""
        match kind:
            case "enum":
                return self._told.option(name, flat["enum"])
            case "string":
                return self._told.text(name, flat)
            case "integer" | "number":
                return self._told.number(name, flat, whole=kind == "integer")
            case "boolean":
                return self._told.flag(name)
        return None

    def _invented(self, kind: str, flat: Mapping[str, Any]) -> Any:
        match kind:
            case "enum":
                return self._choose(flat["enum"])
            case "string":
                return text(flat, self._random, self._attempt, self._steps)
            case "integer" | "number":
                return number(
                    flat, self._random, self._attempt, whole=kind == "integer"
                )
            case "boolean":
                return self._choose([True, False])
            case _:
                return None

    def _choose(self, options: list[Any]) -> Any:
        if not options:
            raise Impossible("no listed value is left")
        return self._random.choice(options)

    def _type(self, flat: Mapping[str, Any]) -> str:
        kinds = flat.get("type")
        if kinds is None:
            for kind, keywords in _INFERRED:
                if any(keyword in flat for keyword in keywords):
                    return kind
            if self._attempt and "not" in flat:  # strings, it may be
                return self._random.choice(("integer", "boolean", "null"))
            return "string"
        if not kinds:
            raise Impossible("no type is left")
        return str(kinds[self._random.randrange(len(kinds)) if self._attempt else 0])

    def _object(  # noqa: C901 - a member may be wanted, or told, or neither
        self, flat: Mapping[str, Any], depth: int
    ) -> dict[str, Any]:
        properties = flat.get("properties", {})
        required = flat.get("required", ())
        other = flat.get("additionalProperties", True)
        made: dict[str, Any] = {}
        self._told.claim(properties)
        limit = flat.get("maxProperties", len(properties) + len(required))
        for name in dict.fromkeys((*properties, *required)):
            if name in required:
                made[name] = self._needed(flat, name, depth)
            elif depth < _FULL_DEPTH and len(made) < limit - len(
                set(required) - set(made)
            ):
                given = self._told.given
                try:
                    with self._told.sure(wanted=True):
                        value = self.value(properties[name], depth + 1, name)
                except Impossible:
                    continue
                if not self._told.lean or self._told.given > given:
                    made[name] = value
        least = flat.get("minProperties", 0)
        if not made and not depth and not properties and not self._told.lean:
            # A bare {"type": "object"}: an empty answer would satisfy, but not help.
            least = max(least, min(1, flat.get("maxProperties", other is not False)))
        if least > _MAX_ITEMS:
            raise Impossible(f"an object of {least} members is not written")
        for position in range(least * 4):
            if len(made) >= least:
                break
            name = self._new_name(flat, position)
            if name not in made:
                made[name] = self._needed(flat, name, depth)
        return made

    def _needed(self, flat: Mapping[str, Any], name: str, depth: int) -> Any:
        try:
            return self.value(self._member(flat, name), depth + 1, name)
        except Impossible as error:
            raise error.within(name) from None

    def _new_name(self, flat: Mapping[str, Any], position: int) -> str:
        names = flat.get("propertyNames")
        if isinstance(names, dict):
            return str(self.value({"type": "string", **names}, 0))
        for name in flat.get("properties", {}):
            if position == 0 or self._random.random() < 0.5:
                return str(name)
        for pattern in flat.get("patternProperties", {}):
            made = text({"pattern": pattern}, self._random, self._attempt, self._steps)
            open_ended = position and self._attempt % 2
            return f"{made}{position}" if open_ended else made
        return "answer" if position == 0 else f"detail_{position}"

    def _member(self, flat: Mapping[str, Any], name: str) -> Any:
        """Return the schema of one property, listed or not."""
        listed = flat.get("properties", {})
        if name in listed:
            return listed[name]
        if flat.get("patternProperties"):
            return {"allOf": list(flat["patternProperties"].values())[:1]}
        return flat.get("additionalProperties", True)

    def _array(self, flat: Mapping[str, Any], depth: int, name: str) -> list[Any]:
        prefix = flat.get("prefixItems", [])
        items = flat.get("items", True)
        least = max(
            flat.get("minItems", 0), flat.get("minContains", 1) * ("contains" in flat)
        )
        most = flat.get("maxItems", max(least, len(prefix), 3))
        if items is False:
            most = min(most, len(prefix))
        if least > min(most, _MAX_ITEMS):
            raise Impossible(f"an array of {least} items is not written")
        wanted = least
        told = None if prefix else self._told.count(name, items)
        if told is not None:
            wanted = min(most, max(least, told))
        elif depth < _FULL_DEPTH:
            wanted = min(most, max(least, len(prefix), self._random.randint(1, 3)))
        made: list[Any] = []
        contained = len(prefix) + flat.get("minContains", 1)
        for position in range(wanted):
            schema = prefix[position] if position < len(prefix) else items
            if "contains" in flat and len(prefix) <= position < contained:
                schema = {"allOf": [schema, flat["contains"]]}
            try:
                made.append(self._item(schema, depth, made, flat, name))
            except Impossible as error:
                if position < least:
                    raise error.within(position) from None
                break
        return made

    def _item(
        self,
        schema: Any,
        depth: int,
        made: list[Any],
        flat: Mapping[str, Any],
        name: str,
    ) -> Any:
        item = None
        if isinstance(schema, dict) and schema.get("type") == "string":
            item = self._told.listed(name, schema)
        if item is None:
            with self._told.sure(wanted=False):
                item = self.value(schema, depth + 1)
        if flat.get("uniqueItems"):
            for _ in range(50):
                self._steps.take(1 + len(made) // 10)
                if item not in made:
                    break
                item = self.value(schema, depth + 1)
            else:
                raise Impossible("there are not enough different items")
        return item
