"""Runs the script steps of an azure-pipelines.yml as the agent does: macros, predefined variables, output variables."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_MACRO = re.compile(r"\$\(([\w.]+)\)")
_OUTPUT = re.compile(
    r"^##vso\[task\.setvariable variable=(?P<name>[^;\]]+);isOutput=true\](?P<value>.*)$", re.MULTILINE
)


@dataclass
class Agent:
    """One job.

    Attributes:
        pipeline: folder with ``s`` (the sources) and ``actions``.
        variables: of the pipeline, secrets among them.
        environment: what the agent's machine has set.
        outputs: ``<step>.<name>`` and value.
        log: all that the steps have printed.
    """

    pipeline: Path
    variables: Mapping[str, str]
    environment: Mapping[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""

    def run(self, file: Path) -> int:
        """Run the steps of a file in their order; return the exit code of the first that fails, else 0."""
        content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for step in content["steps"]:
            if "script" in step and (code := self._script(step)):
                return code
        return 0

    def _script(self, step: Mapping[str, Any]) -> int:
        given = {name: self._expanded(str(value)) for name, value in (step.get("env") or {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", self._expanded(step["script"])],
            cwd=self.pipeline / "s",
            env={**self._predefined(), **self.environment, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        for match in _OUTPUT.finditer(done.stdout):
            value = match["value"].replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")
            self.outputs[f"{step.get('name')}.{match['name']}"] = value
        return done.returncode

    def _expanded(self, text: str) -> str:
        """Replace macros; one that is not known stays as it is, as on the agent."""
        known = {"Pipeline.Workspace": str(self.pipeline), **self.variables, **self.outputs}
        return _MACRO.sub(lambda match: known.get(match[1], match[0]), text)

    def _predefined(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.pipeline),
            "TF_BUILD": "True",
            "BUILD_SOURCESDIRECTORY": str(self.pipeline / "s"),
            "BUILD_REPOSITORY_NAME": "iris",
            "BUILD_SOURCEBRANCH": "refs/heads/main",
            "BUILD_SOURCEVERSION": "c0ffee",
            "BUILD_BUILDID": "4711",
            "BUILD_REASON": "IndividualCI",
            "BUILD_REQUESTEDFOR": "A developer",
            "SYSTEM_TEAMPROJECT": "Models",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
            "SYSTEM_JOBATTEMPT": "1",
            "AGENT_TEMPDIRECTORY": str(self.pipeline / "temp"),
        }
