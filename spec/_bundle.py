"""Make an OpenAPI document self-contained, so that it can be served as one file.

Documents that share schemas name them by file: `../openapi.yaml#/components/schemas/X`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aios_conformance.spec._files import SpecError, read_yaml

Document = dict[str, Any]


def bundle(document: Mapping[str, Any], base_dir: Path) -> Document:
    """Copy into `components` all that the document refers to in other files.

    Paths in references are relative to `base_dir`. The given document stays as it is.

    Raises:
        SpecError: a reference that leads nowhere or not to a component, or a foreign
            component whose name the document uses for something else.

    """
    return _Bundle(base_dir).of(document)


class _Bundle:
    """The components gathered so far, by the place that they come from."""

    def __init__(self, base_dir: Path) -> None:
        self._home = (base_dir / "_").resolve()  # a name that no file has
        self._files: dict[Path, Any] = {}
        self._origins: dict[tuple[str, str], Path] = {}
        self._gathered: dict[str, Document] = {}

    def of(self, document: Mapping[str, Any]) -> Document:
        own: Mapping[str, Mapping[str, Any]] = document.get("components", {})
        for kind, members in own.items():
            for name in members:
                self._origins[kind, name] = self._home
        bundled: Document = self._localised(document, self._home)
        components: Document = bundled.setdefault("components", {})
        for kind, members in self._gathered.items():
            components.setdefault(kind, {}).update(members)
        return bundled

    def _localised(self, node: Any, origin: Path) -> Any:
        """Copy a node of the file `origin` with its references made local."""
        if isinstance(node, Mapping):
            reference = node.get("$ref")
            copy = {key: self._localised(value, origin) for key, value in node.items()}
            if isinstance(reference, str):
                copy["$ref"] = self._local(reference, origin)
            return copy
        if isinstance(node, list):
            return [self._localised(each, origin) for each in node]
        return node

    def _local(self, reference: str, origin: Path) -> str:
        file, _, pointer = reference.partition("#")
        source = (origin.parent / file).resolve() if file else origin
        if source == self._home:
            return reference
        match pointer.split("/"):
            case ["", "components", kind, name]:
                self._gather(kind, name, source)
            case _:
                raise SpecError(
                    f"reference {reference!r} must name a component, such as "
                    "../openapi.yaml#/components/schemas/Error"
                )
        return f"#{pointer}"

    def _gather(self, kind: str, name: str, source: Path) -> None:
        known = self._origins.setdefault((kind, name), source)
        if known != source:
            raise SpecError(
                f"component {kind}/{name} of {source.name} has the name of another one"
            )
        members = self._gathered.setdefault(kind, {})
        if name in members:
            return
        if source not in self._files:
            self._files[source] = read_yaml(source)
        try:
            found = self._files[source]["components"][kind][name]
        except (KeyError, TypeError) as error:
            raise SpecError(f"{source.name} has no component {kind}/{name}") from error
        members[name] = {}  # stands in while its own references are followed
        members[name] = self._localised(found, source)
