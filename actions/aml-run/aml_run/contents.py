"""What stands behind the ids in the request for a job: the SDK gives the same code another id when two steps upload it at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest

_VERSION = {"api-version": "2024-10-01"}
_CODE = re.compile(r"/subscriptions/.+/codes/[^/]+/versions/[^/]+", re.IGNORECASE)
_COMPONENT = re.compile(r"/subscriptions/.+/components/azureml_anonymous/versions/[^/]+", re.IGNORECASE)
"""A component that a pipeline's file holds itself; its version is a hash over ids too."""
_OWN = frozenset({"name", "version", "id"})


class Contents:
    """Puts contents in the place of ids. What Azure does not tell keeps its id: at worst a job is taken for another one."""

    def __init__(self, rest: AzureRest) -> None:
        """Ask with `rest`, once for each id."""
        self._rest = rest
        self._known: dict[str, str] = {}

    def instead_of_ids(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return JSON in which ids of code and of unnamed components are hashes of their content."""
        if isinstance(value, Mapping):
            return {key: self.instead_of_ids(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.instead_of_ids(item) for item in value]
        if isinstance(value, str):
            path = value.removeprefix("azureml:")
            if _CODE.fullmatch(path):
                return self._of(path, self._code)
            if _COMPONENT.fullmatch(path):
                return self._of(path, self._component)
        return value

    def _of(self, path: str, content: Callable[[Mapping[str, Any]], str]) -> str:
        from azure.core.exceptions import AzureError

        if path not in self._known:
            try:
                properties = self._rest.get(path, _VERSION).get("properties") or {}
            except AzureError:
                properties = {}
            self._known[path] = content(properties) or path
        return self._known[path]

    @staticmethod
    def _code(properties: Mapping[str, Any]) -> str:
        return str((properties.get("properties") or {}).get("hash_sha256") or "")

    def _component(self, properties: Mapping[str, Any]) -> str:
        spec = properties.get("componentSpec")
        if not isinstance(spec, Mapping):
            return ""
        content = self.instead_of_ids({key: value for key, value in spec.items() if key not in _OWN})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
