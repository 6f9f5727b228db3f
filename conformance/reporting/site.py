"""The history of servers as a static site: an index, and a page for each server.

The pages load nothing and need no script. Reports are linked where they lie if the
site is built inside the folder of the runs, else copied, so that it can be published.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aios_conformance.conformance.comparing.history import History, histories
from aios_conformance.conformance.comparing.run_records import FoundRuns, RunRecord
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting import link, replace_files
from aios_conformance.conformance.reporting.site_index import index
from aios_conformance.conformance.reporting.site_server import server_page

SERVERS = "servers"
COPIES = "runs"


@dataclass(frozen=True, slots=True)
class RelativeLinks:
    """Where the pages of runs and servers are found from the index."""

    to_runs: str  # a relative address, without a slash at its end
    slugs: Mapping[tuple[str, str], str]
    up: str = ""  # what leads from a page to the index's folder

    def report(self, run: RunRecord, page: str = "report.html", row: str = "") -> str:
        """The address of a page of a run, at a row; "" if the run has no such page."""
        if page not in run.pages:
            return ""
        place = link(f"{self.up}{self.to_runs}/{run.path}/{page}")
        return place + (f"#{row}" if row else "")

    def server(self, each: History, part: str = "") -> str:
        """The address of a server's page."""
        name = self.slugs[each.server, each.dialect]
        return f"{self.up}{SERVERS}/{name}.html" + (f"#{part}" if part else "")


def write_site(found: FoundRuns, root: Path, out: Path) -> None:
    """Write the site of the runs in a folder.

    Raises OptionError when the folder cannot be written.
    """
    told = histories(found.runs)
    is_inside = root.resolve() in out.resolve().parents
    to_runs = os.path.relpath(root.resolve(), out.resolve()) if is_inside else COPIES
    slugs = _slugs(told)
    links = RelativeLinks(to_runs.replace(os.sep, "/"), slugs)
    below = RelativeLinks(links.to_runs, slugs, "../")
    try:
        if not is_inside:
            for run in found.runs:
                _copy(root, out, run)
        pages = (
            (f"{slugs[each.server, each.dialect]}.html", server_page(each, below))
            for each in told
        )
        replace_files(out / SERVERS, pages)
        replace_files(out, [("index.html", index(found, told, links))])
        for stale in (out / SERVERS).glob("*.html"):
            if stale.stem not in slugs.values():
                stale.unlink()
    except OSError as error:
        raise OptionError(
            f"{out}: cannot be written ({error.strerror})", code="bad-site"
        ) from error


def _slugs(told: Sequence[History]) -> dict[tuple[str, str], str]:
    """Names of files, one for each server and dialect."""
    found: dict[tuple[str, str], str] = {}
    for each in told:
        words = f"{each.server}-{Path(each.dialect).name}"
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-.") or "server"
        number = 2
        while slug in found.values():
            slug, number = f"{slug}-{number}", number + 1
        found[each.server, each.dialect] = slug
    return found


def _copy(root: Path, out: Path, run: RunRecord) -> None:
    """Copy the pages of a run, but for those that are there: runs never change."""
    for page in run.pages:
        origin, copy = root / run.path / page, out / COPIES / run.path / page
        if copy.is_file() and copy.stat().st_size == origin.stat().st_size:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, copy)
