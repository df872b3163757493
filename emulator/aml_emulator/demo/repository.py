"""The repository of the demonstration: the template, as somebody has it who has just copied it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from aml_emulator.demo.console import run

_AUTHOR = ("-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false")
_PARAMETERS = "infra/params.deploy.core-infra.json"


def emptied(folder: Path) -> Path:
    """Give an empty folder: what an earlier demonstration left in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class TemplateRepository:
    """A git repository with the files of the template; `root` is an existing folder with them, not yet committed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def parameters(self, **values: object) -> None:
        """Set parameters of the infrastructure, as one does before the first `Set up Azure`."""
        file = self.root / _PARAMETERS
        document = json.loads(file.read_text(encoding="utf-8"))
        document["parameters"].update({name: {"value": value} for name, value in values.items()})
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def settings(self, name: str) -> Mapping[str, object]:
        """Read one of the settings files of the actions."""
        found = json.loads((self.root / ".cloud" / ".azure" / name).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}

    def append(self, name: str, text: str) -> None:
        """Write a text at the end of a file."""
        with (self.root / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def commit(self, message: str) -> str:
        """Commit everything on main; the commit's id."""
        if not (self.root / ".git").exists():
            self._git("init", "--quiet", "--initial-branch", "main")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        return run(["git", "-C", str(self.root), *_AUTHOR, *arguments])
