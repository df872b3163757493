"""YAML for SDK v2 that takes the place of older files: where it is put, and how the paths in it lead to the same files."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aml_actions.migration.changes import Change, Decision, Edit, Migration
from aml_actions.migration.repository import Repository

_FREE_NAMES = frozenset({"environment_variables", "inputs", "outputs", "tags", "properties"})
"""Keys below which the user chose the names: a `code` among them is no path."""


class MadeFiles:
    """Collects the files that one action makes, so that none of them meets another one or one of the user's."""

    def __init__(self, repository: Repository) -> None:
        """Start with no file."""
        self.migration = Migration()
        self._repository = repository
        self._made: dict[str, bytes] = {}

    def add(self, folder: str, names: Iterator[str], content: bytes, why: str) -> str:
        """Make a file under the first of some names that is free, or that has this content already; return its path."""
        for name in names:
            path = posixpath.normpath(posixpath.join(folder, name))
            if path in self._made:
                if self._made[path] == content:
                    return path
            elif not self._repository.exists(path):
                self._made[path] = content
                self.migration.changes.append(Change(path, None, content, (Edit(why, after=path),)))
                return path
            elif self._repository.read(path) == content:
                return path
        raise AssertionError("the names came to an end")

    def add_fixed(self, path: str, content: bytes, why: str, *, made_from: str) -> None:
        """Make a file under a name that says what it is; one of the user's, or an earlier one, is never written over."""
        if not self._repository.exists(path):
            self._made[path] = content
            self.migration.changes.append(Change(path, None, content, (Edit(why, after=path),)))
        elif self._repository.read(path) != content:
            self.migration.decisions.append(
                Decision(
                    path,
                    None,
                    f"The file exists and is not what {made_from} gives today; it is left as it is.",
                    "It may have been changed by hand, or the parameters have changed since it was made.",
                    ("Leave it.", "Delete it and run migrate again to have it made anew."),
                )
            )

    def relocate(self, document: Any, base: Path, folder: str, stem: str, images: str | None = None) -> Any:  # noqa: ANN401 - any YAML
        """Return a document whose paths are relative to another folder.

        A build context that lies outside the repository (it was made for a Dockerfile text) becomes a folder beside the YAML.

        Args:
            document: content of the YAML.
            base: folder that its paths are relative to now.
            folder: folder of the repository that they are to be relative to.
            stem: begins the names of the folders that are made.
            images: folder of the repository in which they are made; beside the YAML by default.
        """
        if isinstance(document, list):
            return [self.relocate(one, base, folder, stem, images) for one in document]
        if not isinstance(document, Mapping):
            return document
        made: dict[str, Any] = {}
        for key, value in document.items():
            if key in _FREE_NAMES:
                made[key] = value
            elif key in ("code", "conda_file") and isinstance(value, str):
                made[key] = self._moved(value, base, folder)
            elif key == "build" and isinstance(value, Mapping) and isinstance(value.get("path"), str):
                made[key] = {**value, "path": self._context(value["path"], base, folder, stem, images)}
            else:
                made[key] = self.relocate(value, base, folder, stem, images)
        return made

    def _moved(self, value: str, base: Path, folder: str) -> str:
        if ":" in value.split("/")[0] or "://" in value:  # azureml:name:1, git+https://...
            return value
        relative = os.path.relpath(base / value, self._repository.root / folder)
        return Path(relative).as_posix()

    def _context(self, value: str, base: Path, folder: str, stem: str, images: str | None) -> str:
        context = (base / value).resolve()
        if context.is_relative_to(self._repository.root):
            return self._moved(value, base, folder)
        files = {file.name: file.read_bytes() for file in sorted(context.iterdir()) if file.is_file()}
        place = folder if images is None else images
        number = 1
        while True:
            name = f"{stem}-image" + (f"-{number}" if number > 1 else "")
            paths = {posixpath.normpath(posixpath.join(place, name, file)): content for file, content in files.items()}
            if all(self._is_free(path, content) for path, content in paths.items()):
                break
            number += 1
        for file, content in files.items():
            self.add(place, iter([f"{name}/{file}"]), content, "The image that the environment is built as.")
        return posixpath.relpath(posixpath.join(place, name), folder or ".")

    def _is_free(self, path: str, content: bytes) -> bool:
        known = self._made.get(path) if path in self._made else self._repository.read(path)
        return known == content or (path not in self._made and not self._repository.exists(path))


def conda_files(document: Any) -> Iterator[str]:  # noqa: ANN401 - any YAML
    """Give the paths of the conda files in a v2 YAML."""
    for key, value in _walk(document):
        if key == "conda_file" and isinstance(value, str):
            yield value


def code_folders(document: Any) -> Iterator[str]:  # noqa: ANN401 - any YAML
    """Give the paths of the code in a v2 YAML."""
    for key, value in _walk(document):
        if key == "code" and isinstance(value, str) and ":" not in value:
            yield value


def _walk(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any YAML
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, Mapping):
            for key, value in one.items():
                if key not in _FREE_NAMES:
                    yield str(key), value
                    waiting.append(value)
