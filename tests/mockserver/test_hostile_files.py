"""Rules, tapes and files of options of which nobody knows who wrote them."""

import json
import os
from pathlib import Path

import pytest
from takes import TAKE

from aios_conformance.mockserver.__main__ import main
from aios_conformance.mockserver.options import OPTIONS
from aios_conformance.mockserver.scripting.rule_reader import load_rules
from aios_conformance.mockserver.scripting.tape import Tape, TapeError
from aios_conformance.serving.located import Malformed

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9)
)
CHAIN = "rules:\n- &a0 [x]\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 500))
HOSTILE: dict[str, str | bytes] = {
    "aliases that mean more than memory holds": ALIASES + "rules: *a9\n",
    "merges that do": MERGES,
    "aliases that nest": CHAIN,
    "a list within itself": "rules: &a [*a]\n",
    "a mapping within itself": "&a {rules: *a}\n",
    "an option within itself": "model: &a [*a]\n",
    "brackets without end": "[" * 1_000_000,
    "deep": "rules: " + "{a: " * 2_000 + "1" + "}" * 2_000,
    "a number of 5,000 digits": "port: " + "9" * 5_000,
    "a number of 5,000 hexadecimal digits": "port: 0x" + "f" * 5_000,
    "no UTF-8": b"rules: [\xff\xfe]\n",
    "zeros": b"\0\0\0",
    "tags that do not fit": "port: !!bool x\n",
    "a time that is none": "rules: 2020-13-45\n",
    "a tag that runs a program": "!!python/object/apply:os.system [id]\n",
    "a mapping as a name": "? {a: b}\n: 1\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "an alias of nothing": "rules: *x\n",
    "escapes": '"\\e[31mred": 1\n',
    "a path that no file has": 'rules: "a\\0b"\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_soon_and_in_words(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.yaml"
    text = HOSTILE[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["check", str(file)]) == 2
    with pytest.raises(Malformed):
        load_rules(file)
    said = capsys.readouterr()
    assert said.out.startswith(str(file))
    assert "\x1b" not in said.out
    if "path" not in name:  # such a name is only looked up when it is used
        assert main(["--config", str(file), "--explain"]) == 4
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nothing"])
def test_what_is_no_file_is_never_waited_for(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for ending in ("yaml", "jsonl"):
        path = tmp_path / f"some.{ending}"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/zero")
        assert main(["check", str(path)]) == 2
    assert main(["--config", str(tmp_path / "some.yaml"), "--explain"]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1
    if kind != "nothing":  # a tape that is not there is begun
        with pytest.raises(TapeError, match="cannot read"):
            Tape(tmp_path / "some.jsonl")


def test_so_many_mistakes_are_not_all_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n" + "- {match: {api: chatt}}\n" * 2_000)
    assert main(["check", str(file)]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 500


WRONG = (None, True, -1, 10**30, 1.5, "x\r\ny: z", [1], {"a": 1})
FITTING = {("request", index) for index in range(len(WRONG))} | {
    ("method", 5),
    ("path", 5),
}


@pytest.mark.parametrize("member", TAKE)
def test_a_take_with_a_wrong_member_is_refused(member: str, tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    for index, value in enumerate(WRONG):
        if (member, index) not in FITTING:
            file.write_text(json.dumps({**TAKE, member: value}))
            with pytest.raises(TapeError, match="line 1"):
                Tape(file)
    file.write_text(json.dumps({k: v for k, v in TAKE.items() if k != member}))
    with pytest.raises(TapeError, match="line 1"):
        Tape(file)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 200_000,
        json.dumps(TAKE).replace("null", "[" * 50_000 + "]" * 50_000),
        json.dumps(TAKE).replace("200", "9" * 5_000),
        *(
            json.dumps({**TAKE, "blocks": [block]})
            for block in (
                [float("nan"), "a"],
                [float("inf"), "a"],
                [10**400, "a"],
                [-5, "a"],
                [0],
                [0, "a", "b"],
                [0, {"base64": "@"}],
                [0, {"base64": 5}],
                [0, 5],
                "ab",
            )
        ),
        "\x1b[31m{",
        '"x"',
        json.dumps(TAKE)[:40],
    ],
)
def test_a_hostile_line_of_a_tape_is_refused(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tape.jsonl"
    file.write_text(json.dumps(TAKE) + "\n" + line)
    with pytest.raises(TapeError, match="line 2"):
        Tape(file)
    assert main(["check", str(file)]) == 2
    assert "\x1b" not in capsys.readouterr().out


def test_a_line_ends_only_where_a_line_feed_is(tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    file.write_text(
        json.dumps({**TAKE, "request": "a\u2028b\x85c"}, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    assert Tape(file).play("GET", "/v1/models", "a\u2028b\x85c") is not None


@pytest.mark.parametrize(
    "words",
    [
        ["--rules", "\x1b[31mnone"],
        ["--config", "\x1b[31mnone"],
        ["--dialect", "\x1b[31mnone"],
        ["--\x1b[31mnone"],
        ["--models", "\x1b[31mnone"],
        ["check", "\x1b[31mnone", "\udcffnone"],
        ["grade", "--\x1b[31mnone", "--", "true"],
        ["drift", "\x1b[31mnone"],
        ["completion", "\x1b[31mnone"],
    ],
)
def test_a_terminal_is_not_commanded_by_a_word(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) in (2, 4)
    said = "".join(capsys.readouterr())
    assert "none" in said
    assert "\x1b" not in said


HOSTILE_WORDS = ("", "-1", "nan", "inf", "1e999", "9" * 5_000, "a" * 9_000, "--", "=")


@pytest.mark.parametrize("value", [*HOSTILE_WORDS, "\x1b[31m", "\udcff", "a\u202eb"])
def test_no_value_of_an_option_is_more_than_wrong(
    value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for option in OPTIONS:
        assert main([f"--{option.name}={value}", "--explain"]) in (0, 4), option
        name = option.environment("AIOS_MOCK")
        monkeypatch.setenv(name, value)
        assert main(["--explain"]) in (0, 4), option
        monkeypatch.delenv(name)
    for words in (
        ["drift", "--timeout", "http://127.0.0.1:9"],
        ["drift", "--use", "http://127.0.0.1:9"],
        ["grade", "--timeout", "--", "true"],
        ["grade", "--patience", "--", "true"],
        ["grade", "--round", "--", "true"],
        ["check", "--dialect", "none.yaml"],
    ):
        command, option_name, *rest = words
        assert main([command, f"{option_name}={value}", *rest]) in (1, 2, 4)
    said = "".join(capsys.readouterr())
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert max(map(len, said.splitlines())) < 2_000
