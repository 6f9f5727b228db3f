"""The GitHub Action, the GitLab component and the Kubernetes Job, each played here.

A script plays the contract of the runner: it reads the YAML, fills in the inputs, runs
the shell of the steps as the runner would, and looks at what they leave. What it does
not show: that the services read the YAML alike (their own linters and schemas are not
here), other people's actions and images, what pip installs, and Kubernetes' scheduling.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniatures import encoders_only, listening, total_off_by_one

from aios_conformance import conformance
from aios_conformance.conformance.options.values import ExitCode

ROOT = Path(__file__).resolve().parents[2]
ROW = "COMMON-RES-010"  # what the wrong server breaks
SCOPE = {"preset": "smoke", "apis": "embeddings"}
JUDGE = f'exec "{sys.executable}" -P -m aios_conformance.conformance'


@pytest.fixture(scope="module")
def wrong() -> Iterator[str]:
    with listening(total_off_by_one) as url:
        yield url


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a right server, to hold others against."""
    folder = tmp_path_factory.mktemp("good")
    with listening(encoders_only) as url:
        conformance.run(url, preset="smoke", apis="embeddings", report_dir=folder)
    return folder


def commands(folder: Path, **scripts: str) -> str:
    """A PATH on which these commands stand first."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name, script in scripts.items():
        path = place / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return f"{place}:{os.environ['PATH']}"


def shell(
    script: str, folder: Path, environ: Mapping[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*words, script],
        cwd=folder,
        env={**os.environ, **environ},
        check=False,
        capture_output=True,
        text=True,
    )


# --- GitHub -------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """What a run of the action has left."""

    code: int
    log: str
    summary: str
    outputs: Mapping[str, str]
    used: list[str]

    @property
    def annotations(self) -> list[str]:
        return re.findall(r"^::(?:error|warning|notice) .*", self.log, re.MULTILINE)


def play_action(folder: Path, judged: Path | None = None, /, **inputs: str) -> Played:
    """The action as GitHub runs it: every step in a shell of its own.

    `judged`: the reports of a green run, to stand for a run.
    """
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert inputs.keys() <= action["inputs"].keys()
    given = {name: each.get("default", "") for name, each in action["inputs"].items()}
    given |= inputs
    # what pip installs is not shown: it only says what it was asked for
    python = '[ "$2" = pip ] && echo "$@" && exit 0\n'
    if judged:
        run = f'mkdir -p reports && cp -r "{judged}" reports/conformance && exit 0'
        python += f'[ "$4" = run ] && {run}\n'
    python += f'exec "{sys.executable}" "$@"'
    files = {f"GITHUB_{n}": str(folder / n) for n in ("OUTPUT", "STEP_SUMMARY")}
    for name in files.values():
        Path(name).touch()
    base = {
        **files,
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
        "PATH": commands(folder, python=python),
    }
    log, code, used = "", 0, []
    for step in action["runs"]["steps"]:
        if code and "always()" not in step.get("if", ""):
            continue
        if "uses" in step:
            used.append(step["uses"].partition("@")[0])
            continue
        assert "${{" not in step["run"], "an input would be text of a script"
        environ = {
            name: filled(str(value), given) for name, value in step["env"].items()
        }
        words = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
        ended = shell(step["run"], folder, base | environ, *words)
        log += ended.stdout + ended.stderr
        code = code or ended.returncode
    found = outputs_of((folder / "OUTPUT").read_text())
    named = {
        name: found.get(each["value"].split(".")[-1].strip(" }"), "")
        for name, each in action["outputs"].items()
    }
    return Played(code, log, (folder / "STEP_SUMMARY").read_text(), named, used)


def filled(value: str, inputs: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda m: inputs[m[1]], value)


def outputs_of(text: str) -> dict[str, str]:
    found = re.findall(r"^([a-z-]+)<<(\S+)\n(.*?)\n\2$", text, re.DOTALL | re.MULTILINE)
    return {name: value for name, _, value in found}


def test_the_action_tells_what_has_become_worse(
    wrong: str, good: Path, tmp_path: Path
) -> None:
    """A red run: summary, annotations in both files, outputs, artifacts, exit code."""
    (tmp_path / "waivers.yaml").write_text(
        f"# known\n- id: {ROW}\n  reason: ticket 4711\n  expires: 2020-01-01\n"
        "- id: EMB-RES-002\n  reason: none\n  expires: 2999-01-01\n"
    )
    files = {"waivers": "waivers.yaml", "baseline": str(good)}
    key = "sk-very-secret"
    played = play_action(
        tmp_path, None, target=wrong, **SCOPE, **files, **{"api-key": key}
    )
    assert played.code == 1
    assert played.summary.startswith("# AIOS conformance: none")
    assert "Against " in played.summary
    assert played.outputs == {
        "exit-code": "1",
        "verdict": "red",
        "claim": "none",
        "report-dir": "reports/conformance",
        "badge": "reports/conformance/badge.svg",
    }
    for name in ("report.json", "junit.xml", "badge.svg", "report.html"):
        assert (tmp_path / "reports/conformance" / name).is_file()
    errors = "\n".join(played.annotations)
    assert f"::error file=waivers.yaml,line=2,title={ROW} " in errors
    assert "the waiver expired on 2020-01-01" in errors
    assert "::error file=waivers.yaml,line=5,title=EMB-RES-002 " in errors
    baseline = (good / "report.json").read_text().splitlines()
    line = next(n for n, text in enumerate(baseline, 1) if f'"id": "{ROW}"' in text)
    assert f"good0/report.json,line={line},title={ROW} " in errors
    assert played.used == ["actions/setup-python", "actions/upload-artifact"]
    kept = "".join(p.read_text() for p in (tmp_path / "reports").rglob("*.*"))
    assert key not in played.log + played.summary + kept
    assert str(ROOT) in played.log  # what pip was asked for


def test_the_action_is_green_where_nothing_is_red(good: Path, tmp_path: Path) -> None:
    """The run itself is not shown: its reports are put there."""
    played = play_action(tmp_path, good, target="http://h", artifact="")
    assert (played.code, played.outputs["verdict"]) == (0, "kept")
    assert played.annotations == []
    assert played.summary == (good / "report.md").read_text()


def test_what_the_inputs_leave_open_the_file_of_options_says(tmp_path: Path) -> None:
    """In both, but for the folder of the reports, which is where they are kept."""
    (tmp_path / "aios.toml").write_text('preset = "smoke"\napis = "embeddings"\n')
    with listening(encoders_only) as url:
        played = play_action(tmp_path, target=url, config="aios.toml")
    assert played.outputs["verdict"] == "kept", played.log
    report = json.loads((tmp_path / "reports/conformance/report.json").read_bytes())
    assert report["preset"] == "smoke"
    _, job = component(target="http://h", config="aios.toml")
    environ = {key: each["value"] for key, each in job["variables"].items()}
    path = commands(tmp_path, aios_conformance='echo "$@"', python="")
    script = "\n".join([*job["before_script"], *job["script"]])
    ended = shell(script, tmp_path, environ | {"PATH": path}, "sh", "-e", "-c")
    folder = "--report-dir=reports/conformance"
    assert ended.stdout == f"run --config=aios.toml {folder} -- http://h\n"


def test_no_input_of_the_action_is_run(tmp_path: Path) -> None:
    """What cannot be judged says so; what is typed into an input stays a text."""
    typed = '"; touch pwned; $(touch pwned) `touch pwned` #'
    played = play_action(
        tmp_path, target=typed, **SCOPE, model=f"{typed}\nchat={typed}"
    )
    assert played.code == 4
    assert played.outputs["verdict"] == "unusable"
    assert played.outputs["claim"] == "none"
    assert played.outputs["badge"] == ""
    (told,) = played.annotations
    why = told.partition("(exit code 4): ")[2]
    assert "not a URL" in why
    assert f"(exit code 4).\n\n    {why}\n" in played.summary
    assert not (tmp_path / "pwned").exists()


def test_our_own_workflow_runs_what_stands_in_the_house(tmp_path: Path) -> None:
    """CI, and the coverage that CI has no time for; its figure is in the summary."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    jobs = {
        name: [step["run"] for step in job["steps"] if "run" in step]
        for name, job in workflow["jobs"].items()
    }
    assert jobs["everything"] == [".ci/run"]
    environment, measure, summary = jobs["coverage"]
    assert f"{environment} && .venv/bin/pytest\n" in (ROOT / "README.md").read_text()
    make = measure.partition(" | ")[0].split()
    planned = subprocess.run(
        [*make, "--dry-run"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "pytest --cov " in planned.stdout
    (tmp_path / "coverage.txt").write_text("Name  Stmts\nTOTAL 9 1 4 1 85%\n")
    told = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    assert shell(summary, tmp_path, told, "bash", "-e", "-c").returncode == 0
    assert (tmp_path / "summary").read_text() == "TOTAL 9 1 4 1 85%\n"


# --- GitLab -------------------------------------------------------------------------


def component(**inputs: str) -> tuple[str, Any]:
    """The job of the component with its inputs filled in."""
    text = (ROOT / "templates/aios-conformance.yml").read_text()
    head, body = yaml.safe_load_all(text)
    known = head["spec"]["inputs"]
    assert inputs.keys() <= known.keys()
    given = {name: (each or {}).get("default") for name, each in known.items()}
    given |= inputs

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            pattern = r"\$\[\[ inputs\.([a-z-]+) \]\]"
            return re.sub(pattern, lambda m: str(given[m[1]]), value)
        if isinstance(value, list):
            return [fill(each) for each in value]
        if isinstance(value, dict):
            return {fill(key): fill(each) for key, each in value.items()}
        return value

    ((name, job),) = fill(body).items()
    for lines in (body[key]["script"] for key in body):
        assert "$[[" not in "".join(lines), "an input would be text of a script"
    return name, job


def test_the_component_of_gitlab_leaves_reports(wrong: str, tmp_path: Path) -> None:
    name, job = component(target=wrong, **SCOPE, model="$(touch pwned) `touch pwned`")
    assert name == "aios-conformance"
    assert all(each["expand"] is False for each in job["variables"].values())
    environ = {key: each["value"] for key, each in job["variables"].items()}
    environ["JUDGE_MODEL"] = ""
    path = commands(tmp_path, aios_conformance=f'{JUDGE} "$@"', python="echo $@")
    script = "\n".join([*job["before_script"], *job["script"]])
    ended = shell(script, tmp_path, environ | {"PATH": path}, "sh", "-e", "-c")
    assert ended.returncode == 1, ended.stderr
    assert "pip install" in ended.stdout
    assert job["artifacts"]["when"] == "always"
    junit = tmp_path / job["artifacts"]["reports"]["junit"]
    assert ROW in junit.read_text()
    (kept,) = job["artifacts"]["paths"]
    assert (
        json.loads((tmp_path / kept / "report.json").read_bytes())["preset"] == "smoke"
    )


def test_no_input_of_the_component_is_run(tmp_path: Path) -> None:
    typed = "$(touch pwned) `touch pwned` \"; touch pwned; '"
    _, job = component(target=typed, model=typed, waivers=typed)
    environ = {key: each["value"] for key, each in job["variables"].items()}
    path = commands(tmp_path, aios_conformance='printf "%s\\n" "$@"', python="")
    script = "\n".join([*job["before_script"], *job["script"]])
    ended = shell(script, tmp_path, environ | {"PATH": path}, "sh", "-e", "-c")
    words = ended.stdout.splitlines()
    assert {f"--model={typed}", f"--waivers={typed}"} <= {*words}
    assert words[-2:] == ["--", typed]
    assert not (tmp_path / "pwned").exists()


# --- Kubernetes ---------------------------------------------------------------------


def pod(folder: Path, index: int, script: str) -> subprocess.CompletedProcess[str]:
    """The pod of an index, with the targets of the ConfigMap at their place."""
    _, job = yaml.safe_load_all((ROOT / "deploy/fleet.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    environ = {e["name"]: e["value"] for e in container["env"] if "value" in e}
    assert environ == {"FLEET": "/fleet", "REPORTS": "/reports"}
    environ = {name: f"{folder}{path}" for name, path in environ.items()}
    environ["JOB_COMPLETION_INDEX"] = str(index)
    environ["PATH"] = commands(folder, aios_conformance=script)
    (text,) = container["args"]
    return shell(text, folder, environ, *container["command"])


def test_each_pod_of_the_fleet_judges_its_line(tmp_path: Path) -> None:
    """One of them goes on with what an evicted pod has left; one is too many.

    The command only says what it was asked for.
    """
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/targets.txt").write_text(
        "one http://one:8000 --preset=smoke\ntwo  http://two:8000 --apis=*\n"
    )
    says = 'printf "%s " "$@"; exit 5'
    first = pod(tmp_path, 0, says)
    told = f"run http://one:8000 --preset=smoke --report-dir {tmp_path}/reports/one "
    assert (first.stdout, first.returncode) == (told, 5)
    out = f"--report-dir {tmp_path}/reports/two"
    assert pod(tmp_path, 1, says).stdout == f"run http://two:8000 --apis=* {out} "
    (tmp_path / "reports/two/.unfinished").mkdir(parents=True)
    again = pod(tmp_path, 1, says).stdout
    assert again == f"run http://two:8000 --apis=* --resume {out} "
    lost = pod(tmp_path, 2, says)
    assert lost.returncode == 4
    assert "targets.txt: line 3 needs a name and an address" in lost.stderr


def test_the_fleet_has_a_pod_for_each_line() -> None:
    targets, job = yaml.safe_load_all((ROOT / "deploy/fleet.yaml").read_text())
    lines = targets["data"]["targets.txt"].splitlines()
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == len(lines)
    (rule, _) = job["spec"]["podFailurePolicy"]["rules"]
    codes = {int(code) for code in ExitCode}
    assert {*rule["onExitCodes"]["values"]} == codes - {0, 2}, "2 is gone on with"
