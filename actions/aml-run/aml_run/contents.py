"""What stands behind the ids in the request for a job: the SDK gives the same code another id when two steps upload it at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest

_VERSION = {"api-version": "2024-10-01"}
_AT_ONCE = 8
"""Ids that are asked about at the same time: a pipeline has one for each of its steps."""
_CODE = re.compile(r"(?:azureml:)?(?P<path>/subscriptions/.+/codes/[^/]+/versions/[^/]+)", re.IGNORECASE)
_COMPONENT = re.compile(
    r"(?:azureml:)?(?P<path>/subscriptions/.+/components/azureml_anonymous/versions/[^/]+)", re.IGNORECASE
)
"""A component that a pipeline's file holds itself; its version is a hash over ids too."""
_OWN = frozenset({"name", "version", "id"})


class Contents:
    """Puts contents in the place of ids. What Azure does not tell keeps its id: at worst a job is taken for another one."""

    def __init__(self, rest: AzureRest) -> None:
        """Ask with `rest`, once for each id."""
        self._rest = rest
        self._known: dict[str, Mapping[str, Any]] = {}

    def instead_of_ids(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return JSON in which ids of code and of unnamed components are hashes of their content."""
        unknown = {path for path in _ids(value) if path not in self._known}
        if unknown:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                self._known |= dict(zip(unknown, pool.map(self._properties, unknown), strict=True))
        return self._replaced(value)

    def _replaced(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, Mapping):
            return {key: self._replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._replaced(item) for item in value]
        if isinstance(value, str):
            if found := _CODE.fullmatch(value):
                return str((self._known[found["path"]].get("properties") or {}).get("hash_sha256") or value)
            if found := _COMPONENT.fullmatch(value):
                spec = self._known[found["path"]].get("componentSpec")
                return self._hash(spec) if isinstance(spec, Mapping) else value
        return value

    def _hash(self, spec: Mapping[str, Any]) -> str:
        content = self.instead_of_ids({key: value for key, value in spec.items() if key not in _OWN})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _properties(self, path: str) -> Mapping[str, Any]:
        from azure.core.exceptions import AzureError

        try:
            found = self._rest.get(path, _VERSION).get("properties")
        except AzureError:
            found = None
        return found if isinstance(found, Mapping) else {}


def _ids(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _ids(item)
    elif isinstance(value, str) and (found := _CODE.fullmatch(value) or _COMPONENT.fullmatch(value)):
        yield found["path"]
