"""Routes of the metric service, and the wait of SDK v1 until everything that it logged can be read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from aml_emulator.history import HISTORY, RUN_PATTERNS, RunHistoryError, find_run
from aml_emulator.http import Call, Reply, Router
from aml_emulator.metric_service import wire
from aml_emulator.metric_service.store import MetricConflict, MetricStore, ServiceMetric
from aml_emulator.ml.scope import WORKSPACE

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_METRICS = f"/metric/v2.0{WORKSPACE}/runs/{{run}}"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of metrics."""
    service = _Service(emulator)
    router.add("POST", f"{_METRICS}/batch", service.log)
    router.add("POST", f"{_METRICS}/list", service.listing)
    router.add("POST", f"{_METRICS}/full", service.full)
    for pattern in RUN_PATTERNS:
        router.add("GET", f"{HISTORY}{pattern}/metricsingest/wait", service.wait)


class _Service:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._store = MetricStore(emulator.database, emulator.tracking)

    def log(self, call: Call) -> Reply:
        """Log many metrics. One that is wrong stops no other: it is named in the answer (207)."""
        _, run = find_run(self._emulator, call)
        body = call.json()
        errors = []
        for one in body.get("values") or []:
            try:
                self._store.log(run.id, wire.metric_from(one))
            except MetricConflict as error:
                if not body.get("reportErrors"):
                    raise _invalid(str(error)) from None
                errors.append({"metric": one, "errorResponse": _invalid(str(error)).body()})
        return Reply(207, {"errors": errors}) if errors else Reply(200)

    def listing(self, call: Call) -> Reply:
        """The names and columns of all metrics of a run."""
        _, run = find_run(self._emulator, call)
        found = [wire.definition_json(metric) for metric in self._store.definitions(run.id)]
        return Reply(body={"value": found, "continuationToken": None})

    def full(self, call: Call) -> Reply:
        """All values of one metric, or those between two times."""
        _, run = find_run(self._emulator, call)
        asked = call.json()
        name = str(asked.get("metricName") or "")
        metric = self._store.metric(run.id, name)
        if metric is None:
            raise RunHistoryError(f"Metric {name} of run {run.id} was not found.")
        return Reply(body=wire.metric_json(run.id, _between(metric, asked)))

    def wait(self, call: Call) -> Reply:
        """Nothing is pending: a metric can be read once its request is answered."""
        find_run(self._emulator, call)
        return Reply(body={})


def _between(metric: ServiceMetric, asked: dict[str, Any]) -> ServiceMetric:
    first, last = _moment(asked, "startTime"), _moment(asked, "endTime")
    kept = [
        value
        for value in metric.values
        if (first is None or value.created >= first) and (last is None or value.created <= last)
    ]
    return ServiceMetric(metric.name, metric.kind, metric.columns, kept)


def _moment(asked: dict[str, Any], name: str) -> datetime | None:
    text = asked.get(name)
    if not text:
        return None
    try:
        return wire.moment_from(text)
    except ValueError:
        raise _invalid(f"'{name}' is no time of ISO 8601: {text!r}.") from None


def _invalid(message: str) -> RunHistoryError:
    return RunHistoryError(message, 400, "BadArgument")
