"""The suite's hooks: collect, record once, hand out outcomes, sum up.

One process records: pytest's own, or under xdist the controller once every worker
has collected, so that the selection is known. Workers get the outcomes as a file.
"""

import json
import tempfile
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aios_conformance.conformance.options.values import (
    ExitCode,
    OptionError,
    RunOptions,
)
from aios_conformance.conformance.plugin.items import (
    Outcome,
    Suite,
    item_id,
    judged_requirements,
    usage_error,
)
from aios_conformance.conformance.terms.visible import visible

if TYPE_CHECKING:
    from aios_conformance.conformance.running.run import RunOutcome

_OUTCOMES = "aios_conformance_outcomes"


class SuitePlugin:
    """A run of the suite inside pytest."""

    def __init__(
        self, options: RunOptions, *, is_plan: bool, asked: frozenset[str] | None
    ) -> None:
        """`asked`: the ids of items that the command line names; None for all."""
        self.options = options
        self.is_plan = is_plan
        self.asked = asked
        self.ended: RunOutcome | None = None
        self.interrupted = False
        self._outcomes: dict[str, Outcome] | None = None
        self._outcomes_file: Path | None = None
        self._nodes_expected = 0
        self._selected_by_nodes: list[Sequence[str]] = []

    # --- before anything is collected ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """With --plan no worker is needed: nothing is sent."""
        if self.is_plan and hasattr(config.option, "numprocesses"):
            config.option.numprocesses = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """In a worker, learn where the outcomes will be."""
        given = getattr(config, "workerinput", {}).get(_OUTCOMES)
        if given is not None:
            self._outcomes_file = Path(given)

    def pytest_report_header(self) -> str:
        """Which target, under which law."""
        options = self.options
        return (
            f"aios-conformance: target {options.target}, dialect {options.dialect}, "
            f"preset {options.preset}, seed {options.seed}"
        )

    # --- collection ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> pytest.CollectReport | None:
        """The session holds the suite, and nothing that lies in the folder."""
        if not isinstance(collector, pytest.Session):
            return None
        suite = Suite.of(collector, self._rows, self.outcome)
        return pytest.CollectReport(collector.nodeid, "passed", None, [suite])

    @cached_property
    def _rows(self) -> list[Any]:
        rows = judged_requirements(self.options.dialect)
        if self.asked is None:
            return rows
        return [row for row in rows if row.id in self.asked]

    def outcome(self, identifier: str) -> Outcome:
        """How the item of a requirement ends."""
        if self._outcomes is None:
            assert self._outcomes_file is not None  # noqa: S101  a worker was given it
            stored = json.loads(self._outcomes_file.read_bytes())
            self._outcomes = {key: Outcome(**value) for key, value in stored.items()}
        return self._outcomes[identifier]

    # --- recording ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Record before the first item, unless another process does it."""
        config = session.config
        if (
            config.option.collectonly
            or hasattr(config, "workerinput")
            or config.pluginmanager.hasplugin("dsession")
            or not session.items
        ):
            return None
        nodeids = [item.nodeid for item in session.items]
        if self.is_plan:
            self._show_plan(config, nodeids)
            return True
        ended = self._record(config, nodeids)
        if ended.is_interrupted:
            raise KeyboardInterrupt
        return None if ended.error is None else True

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        """How many workers will report what they have collected."""
        self._nodes_expected = len(specs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the outcomes will be."""
        if self._outcomes_file is None:
            folder = tempfile.mkdtemp(prefix="aios-conformance-")
            self._outcomes_file = Path(folder) / "outcomes.json"
        node.workerinput[_OUTCOMES] = str(self._outcomes_file)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(
        self, node: Any, ids: Sequence[str]
    ) -> None:
        """Record once the last worker has collected, before any is sent an item."""
        self._selected_by_nodes.append(ids)
        if len(self._selected_by_nodes) != self._nodes_expected or not ids:
            return
        ended = self._record(node.config, ids)
        if ended.is_interrupted:
            raise KeyboardInterrupt
        if ended.error is not None:
            code = ended.exit_code(self.options.fail_on)
            pytest.exit(visible(str(ended.error)), code)
        assert self._outcomes is not None  # noqa: S101
        assert self._outcomes_file is not None  # noqa: S101
        stored = {key: asdict(value) for key, value in self._outcomes.items()}
        self._outcomes_file.write_text(json.dumps(stored))

    def _selected(self, nodeids: Iterable[str]) -> set[str] | None:
        """The ids that are to be judged; None for all."""
        selected = {item_id(nodeid) for nodeid in nodeids}
        is_all = len(selected) == len(judged_requirements(self.options.dialect))
        return None if is_all else selected

    def _show_plan(self, config: pytest.Config, nodeids: Iterable[str]) -> None:
        from aios_conformance.conformance.plugin.showing import plan_text  # noqa: PLC0415

        try:
            text = plan_text(self.options, self._selected(nodeids))
        except OptionError as error:
            raise usage_error(error) from error
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write(text)

    def _record(self, config: pytest.Config, nodeids: Iterable[str]) -> "RunOutcome":
        from aios_conformance.conformance.plugin.showing import outcomes, run_shown  # noqa: PLC0415

        reporter = config.pluginmanager.get_plugin("terminalreporter")
        try:
            self.ended = run_shown(self.options, self._selected(nodeids), reporter)
        except OptionError as error:
            raise usage_error(error) from error
        self._outcomes = outcomes(self.ended.result)
        return self.ended

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What is skipped stands where its item does, not where this code is."""
        made = yield
        if made.skipped and isinstance(made.longrepr, tuple):
            made.longrepr = (str(item.path), 1, made.longrepr[2])
        return made

    # --- the end ---

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Remember that the user, and not `--exitfirst`, ended the run."""
        self.interrupted = excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Answer to the shell as the verdicts say."""
        if hasattr(session.config, "workerinput"):
            return
        if self._outcomes_file is not None:
            self._outcomes_file.unlink(missing_ok=True)
            self._outcomes_file.parent.rmdir()
        broken = {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}
        if self.ended is None or exitstatus in broken:
            return
        code = self.ended.exit_code(self.options.fail_on)
        session.exitstatus = ExitCode.CUT_SHORT if self.interrupted else code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Verdicts, claim, findings, and where the report lies."""
        if self.ended is None:
            return
        from aios_conformance.conformance.plugin.showing import summary_text  # noqa: PLC0415

        terminalreporter.section("conformance")
        writer = terminalreporter.config.get_terminal_writer()
        terminalreporter.write(summary_text(self.ended, self.options, writer))
