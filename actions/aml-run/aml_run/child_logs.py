"""The logs of the jobs that a job starts: steps of a pipeline, trials of a sweep. They are found while their parent runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

from aml_actions.azure_errors import explain
from aml_actions.run_history import END_STATES, ChildRun, RunHistory, reused_from
from aml_actions.workflow import Workflow
from aml_run import local_files
from aml_run.log_lines import harmless
from aml_run.logs import RELAY_LIMIT, LogRelay
from aml_run.signed_blobs import fetch

MOST = 50
"""Children whose logs are shown: a sweep may have thousands, and each costs a request at every poll."""
DEEPEST = 5
"""Levels of children: pipelines within pipelines."""
_CALM = 30.0
"""Seconds between two questions for children, while there are none: most jobs never have any."""
_BUSY = 5.0
"""Seconds between two questions for children, once there are some."""
_NO_LOG_YET = frozenset({"NotStarted", "Queued"})


class ChildLogs:
    """Relays the logs of all jobs below one job, each in groups of its own, named after the step."""

    def __init__(
        self,
        history: RunHistory,
        workflow: Workflow,
        label: str = "",
        *,
        limit: int = RELAY_LIMIT,
        fetch: Callable[[str, int], bytes] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `history` for children and their logs; print to `workflow`.

        Args:
            history: of the workspace.
            workflow: hears the logs.
            label: begins the titles where the logs of several jobs are shown.
            limit: characters of each file that are printed.
            fetch: reads a file from an offset on.
            clock: monotonic seconds.
        """
        self._history = history
        self._workflow = workflow
        self._label = label
        self._limit = limit
        self._fetch = fetch
        self._clock = clock
        self._relays: dict[str, LogRelay] = {}
        self._done: set[str] = set()
        self._found: dict[str, ChildRun] = {}
        self._asked: float | None = None
        self._folder: Path | None = None
        self._too_many_told = False
        self.problem = ""

    def __enter__(self) -> ChildLogs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_group()

    @property
    def tails(self) -> dict[str, dict[str, list[str]]]:
        """The last lines of every log file that was read, by child job."""
        return {name: relay.tails for name, relay in self._relays.items() if relay.tails}

    def save_to(self, folder: Path) -> None:
        """Keep whole log files below a folder, those of each child in a folder of its name."""
        self._folder = folder

    def poll(self, job: str, *, final: bool = False) -> bool:
        """Find children and print what is new in their logs; a service that does not answer is asked again at the next poll.

        Args:
            job: the parent.
            final: the parent has ended, so its children have; print their unfinished last lines too.

        Returns:
            Whether there was anything.

        """
        from azure.core.exceptions import AzureError

        if not final and self._asked is not None:
            since = self._clock() - self._asked
            if since < (_BUSY if self._found else _CALM):
                return self._relay_known(final)
        self._asked = self._clock()
        try:
            children = list(self._below(job, DEEPEST))
        except AzureError as error:
            self._note(error)
            children = []
        for child in sorted(children, key=lambda one: one.started or "~"):
            self._found[child.name] = child
        return self._relay_known(final)

    def _below(self, job: str, levels: int) -> Iterator[ChildRun]:
        for child in self._history.children(job):
            yield child
            if levels > 1 and child.status not in _NO_LOG_YET and not self._starts_none(child.name):
                yield from self._below(child.name, levels - 1)

    def _starts_none(self, name: str) -> bool:
        """Tell whether a job has no children of its own: it was seen to its end, or a script of its own writes its log."""
        relay = self._relays.get(name)
        return name in self._done or (relay is not None and any("user_logs/" in file for file in relay.tails))

    def _relay_known(self, final: bool) -> bool:
        printed = False
        for child in list(self._found.values()):
            if child.name in self._done or (child.status in _NO_LOG_YET and not final):
                continue
            if origin := reused_from(child.properties):
                self._done.add(child.name)
                self._workflow.info(f"{self._title(child)}: reused from {origin}; its log is there.")
                continue
            if child.name not in self._relays and len(self._relays) >= MOST:
                self._tell_too_many()
                self._done.add(child.name)
                continue
            printed |= self._relay_child(child, final)
        return printed

    def _relay_child(self, child: ChildRun, final: bool) -> bool:
        from azure.core.exceptions import AzureError

        try:
            details = self._history.details(child.name)
        except AzureError as error:
            self._note(error)
            return False
        ended = final or details.status in END_STATES
        if ended:
            self._done.add(child.name)
        relay = self._relays.get(child.name)
        if relay is None:
            if not details.log_files:  # a run within a script's run has none
                return False
            relay = self._relays[child.name] = self._new_relay(child)
        printed = relay.relay(details.log_files, final=ended)
        relay.end_group()
        self.problem = relay.problem or self.problem
        return printed

    def _new_relay(self, child: ChildRun) -> LogRelay:
        relay = LogRelay(self._workflow, self._fetch, self._title(child), limit=self._limit)
        folder = local_files.inside(self._folder, child.name) if self._folder else None
        if folder is not None:
            relay.save_to(folder)
        return relay

    def _title(self, child: ChildRun) -> str:
        name = child.display_name or child.name
        same = [one for one in self._found.values() if (one.display_name or one.name) == name]
        shown = harmless(name if len(same) == 1 else f"{name} ({child.name})")
        return f"{self._label} · {shown}" if self._label else shown

    def _tell_too_many(self) -> None:
        if not self._too_many_told:
            self._too_many_told = True
            self._workflow.info(
                f"The logs of the first {MOST} child jobs are shown. Those of the others are in Studio, and with download_artifacts "
                "among the artifacts."
            )

    def _note(self, error: Exception) -> None:
        self.problem = str(explain(error) or type(error).__name__)
        self._workflow.debug(f"the child jobs could not be asked for; asking again: {self.problem}")

    def end_group(self) -> None:
        """Close the groups, so that a line of our own is not folded away."""
        for relay in self._relays.values():
            relay.end_group()


class JobLogs(LogRelay):
    """The logs of a job and of all jobs below it, relayed as one."""

    def __init__(
        self,
        job: str,
        history: RunHistory,
        workflow: Workflow,
        label: str = "",
        *,
        limit: int = RELAY_LIMIT,
        fetch: Callable[[str, int], bytes] = fetch,
    ) -> None:
        """Follow `job`; see `LogRelay` and `ChildLogs` for what is given."""
        super().__init__(workflow, fetch, label, limit=limit)
        self._job = job
        self.children = ChildLogs(history, workflow, label, limit=limit, fetch=fetch)

    def save_to(self, folder: Path) -> None:
        """Keep whole log files: those of each job in a folder of its name."""
        own = local_files.inside(folder, self._job)
        if own is not None:
            super().save_to(own)
        self.children.save_to(folder)

    def relay(self, log_files: Mapping[str, str], *, final: bool = False) -> bool:
        """Print what is new, first of the job, then of its children."""
        printed = super().relay(log_files, final=final)
        super().end_group()
        return self.children.poll(self._job, final=final) or printed

    def end_group(self) -> None:
        """Close the groups of all."""
        super().end_group()
        self.children.end_group()
