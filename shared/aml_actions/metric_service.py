"""Metrics that are no numbers: texts, lists and tables that a script logs with SDK v1 (``azureml.core.Run.log``).

MLflow, whose API `tracking` reads, knows numbers only. The service behind both keeps the others under its own address, which is
how SDK v1 itself reads them (``azureml/_restclient/metrics_client.py`` of azureml-core 1.61).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

_NUMBERS = frozenset({"double", "float", "int", "integer", "long"})


class MetricService:
    """The metric service of one workspace's region."""

    def __init__(self, rest: AzureRest, api: str, workspace: WorkspaceRef) -> None:
        """Talk to the data plane at `api`, the key ``api`` of the document at the workspace's discovery URL."""
        self._rest = rest
        self._base = f"{api.rstrip('/')}/metric/v2.0{workspace.arm_id}/runs"

    def others(self, job: str) -> dict[str, Any]:
        """Return the metrics of a job that are no single number, in the form in which SDK v1 gave them.

        A value that was logged once is itself, one that was logged several times a list; a row or table is a mapping from
        its columns to that.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked.

        """
        url = f"{self._base}/{quote(job, safe='')}"
        found = {}
        for definition in self._pages(f"{url}/list", {}):
            name = str((definition.get("metricKey") or {}).get("name") or "")
            columns = {str(key): str(kind).lower() for key, kind in (definition.get("columns") or {}).items()}
            if not name or (len(columns) == 1 and set(columns.values()) <= _NUMBERS):
                continue
            rows = [row.get("data") or {} for row in self._pages(f"{url}/full", {"metricName": name})]
            values = {column: [row.get(column) for row in rows] for column in columns}
            cells = {
                column: column_values[0] if len(rows) == 1 else column_values
                for column, column_values in values.items()
            }
            if rows and cells:
                found[name] = next(iter(cells.values())) if len(cells) == 1 else cells
        return found

    def _pages(self, url: str, body: dict[str, str]) -> Iterator[dict[str, Any]]:
        asked = dict(body)
        while True:
            page = self._rest.post(url, asked)
            yield from page.get("value") or []
            if not page.get("continuationToken"):
                return
            asked["continuationToken"] = str(page["continuationToken"])
