"""The demonstration, from an empty folder to the second deployment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aml_actions.publish import PublishError, publish, publish_template
from aml_emulator.demo import chain
from aml_emulator.demo.chain import Broken, Cause, Chain
from aml_emulator.demo.cloud import Cloud, Endpoint
from aml_emulator.demo.console import DemoFailed, say, telling
from aml_emulator.demo.emulator import Emulator
from aml_emulator.demo.repository import TemplateRepository, emptied
from aml_emulator.demo.timeline import events_table, tallies, timeline

REPOSITORY = "local/iris"
DATA_LAKE, CONTAINER, BLOB = "irisdatalake", "training", "flowers.csv"
FLOWERS = {"data": [[5.1, 3.5, 1.4, 0.2], [6.4, 3.2, 4.5, 1.5], [6.3, 3.3, 6.0, 2.5]]}
SPECIES = ("setosa", "versicolor", "virginica")

_LINK_SECONDS = 900.0
"""How long the next link of a chain may take: a training, with packages fetched for the first time."""
_LOOK_SECONDS = 0.5


@dataclass
class Story:
    """The demonstration with everything it uses. `source` is the root of this project, `directory` where it all happens."""

    source: Path
    directory: Path
    emulator: Emulator
    began: float = field(default_factory=time.time)
    _said: dict[int, int] = field(default_factory=dict)
    _speaker: int = 0

    def tell(self) -> None:
        """Everything, in order. Raises DemoFailed where it breaks off."""
        say(
            "From a push, and then from new data, to a tested endpoint: GitHub and Azure call each other, on this machine.\n"
        )
        with telling("Starting the emulator: Azure and GitHub on 127.0.0.1"):
            self.emulator.up()
        try:
            repository = self._host()
        except PublishError as error:
            raise DemoFailed(str(error)) from error
        cloud = Cloud(self.emulator.credentials(), Path(self.emulator.variables()["REQUESTS_CA_BUNDLE"]))

        say("\nSet up Azure: the workflow setup.yml, by hand")
        self._finish(self.emulator.started_runs("workflow", REPOSITORY, "setup.yml"))
        self.emulator.command("github", "variable", REPOSITORY, "DEPLOY_ON_EVENTS", "true")

        repository.append("code/train/train.py", "\n# A change, so that there is something to push.\n")
        sha = repository.commit("Train better")
        say(f"\nA push of code/ to main: {sha[:7]}")
        cause = Cause(time.time(), sha)
        self.emulator.command("github", "push", REPOSITORY)
        pushed = self._follow(cause)
        first = self._look(cloud, repository)

        say(f"\nNew data: the blob {CONTAINER}/{BLOB} is written into the data lake {DATA_LAKE}")
        cause = Cause(time.time(), sha, BLOB)
        group = str(repository.settings("workspace.json")["resource_group"])
        cloud.write_blob(group, DATA_LAKE, CONTAINER, BLOB, b"5.1,3.5,1.4,0.2,setosa\n")
        written = self._follow(cause)
        second = self._look(cloud, repository)
        if second.deployment == first.deployment:
            raise DemoFailed(f"The second training did not replace the deployment {first.deployment}.")

        self._end(cloud, repository, {"a push": pushed, "new data": written}, first, second)

    def _host(self) -> TemplateRepository:
        """Publish the actions, and host a copy of the template with its secrets."""
        with telling("Publishing the actions as org/actions@v1"):
            actions = emptied(self.directory / "actions")
            publish(actions, source=self.source, ref=None)
        with telling(f"Making the repository {REPOSITORY} from the template, with a data lake to listen to"):
            root = emptied(self.directory / "repository")
            publish_template(root, source=self.source, ref=None)
            repository = TemplateRepository(root)
            repository.parameters(DataLakestorageName=DATA_LAKE, dataLakeNewOrExisting="new", storageEvents=True)
            repository.commit("The template")
            command = self.emulator.command
            command("github", "add", REPOSITORY, str(root), "--actions", f"org/actions@v1={actions}")
            command("github", "variable", REPOSITORY, "DEPLOY_ON_EVENTS", "false")
            command("github", "secret", REPOSITORY, "AZURE_CREDENTIALS", text=self.emulator.credentials())
            command("github", "secret", REPOSITORY, "PAT_TOKEN", text=command("github", "token", REPOSITORY))
        return repository

    def _finish(self, runs: list[int]) -> None:
        """Show what runs say until they end. Raises DemoFailed when one failed."""
        for run in runs:
            while not self._speak(run):
                time.sleep(_LOOK_SECONDS)
            fact = next(one for one in self.emulator.facts(self.began).runs if one.id == run)
            if fact.conclusion != "success":
                raise DemoFailed(f"{fact.file} failed:\n{self.emulator.failures(run)}")

    def _follow(self, cause: Cause) -> Chain:
        """Show a chain as it comes about, until it is whole. Raises DemoFailed where it breaks."""
        shown, waits_for, deadline = 0, "", time.monotonic() + _LINK_SECONDS
        while True:
            facts = self.emulator.facts(self.began)
            try:
                found = chain.follow(cause, facts)
            except Broken as broken:
                failed = [run for run in facts.runs if run.conclusion == "failure"]
                reasons = "\n".join(self.emulator.failures(run.id) for run in failed)
                raise DemoFailed(f"The chain from the {cause.text} broke. {broken}\n{reasons}".strip()) from broken
            for run in found.runs:
                self._speak(run.id, f"{run.name} ({run.file})")
            if len(found.links) > shown or found.waits_for != waits_for:
                shown, waits_for, deadline = len(found.links), found.waits_for, time.monotonic() + _LINK_SECONDS
            if not found.waits_for:
                return found
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"The chain from the {cause.text} broke: {_LINK_SECONDS:.0f} s of waiting for {found.waits_for}.\n"
                    f"Before that: {found.links[-1].what}."
                )
            time.sleep(_LOOK_SECONDS)

    def _speak(self, run: int, title: str = "") -> bool:
        """Print what a run has said since the last time; whether it has ended."""
        lines, ended = self.emulator.log(run, self._said.get(run, 0))
        self._said[run] = self._said.get(run, 0) + len(lines)
        if lines and self._speaker != run:
            self._speaker = run
            if title:
                say(f"\n{title}")
        for line in lines:
            say(f"  {line}")
        return ended

    def _look(self, cloud: Cloud, repository: TemplateRepository) -> Endpoint:
        """Look at the endpoint of prod."""
        workspace = repository.settings("workspace.json")
        name = str(repository.settings("deploy_prod.json")["name"])
        return cloud.endpoint(str(workspace["resource_group"]), str(workspace["name"]), name)

    def _end(
        self,
        cloud: Cloud,
        repository: TemplateRepository,
        chains: Mapping[str, Chain],
        first: Endpoint,
        second: Endpoint,
    ) -> None:
        for name, found in chains.items():
            say(f"\n── From {name} to prod ──\n")
            for line in timeline(found):
                say(line)
        self._count()
        workspace = repository.settings("workspace.json")
        name = str(repository.settings("deploy_prod.json")["name"])
        predicted = cloud.predict(str(workspace["resource_group"]), str(workspace["name"]), name, FLOWERS)
        if len(predicted) != len(FLOWERS["data"]):
            raise DemoFailed(f"{second.scoring_uri} answered {predicted}, which is not one prediction a row.")
        url = self.emulator.url()
        say("")
        say(f"Prod         {name}: {first.model} ({first.deployment}), then {second.model} ({second.deployment})")
        say(f"Scoring URI  {second.scoring_uri}")
        say(f"Asked        POST {json.dumps(FLOWERS)}")
        say(
            f"Answered     {json.dumps({'predict': predicted})}  ({', '.join(SPECIES[int(index)] for index in predicted)})"
        )
        for name, found in chains.items():
            say(f"Training     from {name}: {url}/runs/{found.job_id}")
        say(f"Workflows    {url}/github")

    def _count(self) -> None:
        """Show what became of the events. Raises DemoFailed when one was lost, or taken to GitHub twice."""
        say("\n── Events: Event Grid delivers at least once, GitHub hears of each once ──\n")
        found = tallies(self.emulator.facts(self.began))
        for line in events_table(found):
            say(line)
        if wrong := [name for name, tally in found.items() if tally.lost or tally.repeated]:
            raise DemoFailed(f"Events were lost or repeated: {', '.join(wrong)}.")


def prepare_environment(source: Path) -> None:
    """Set what the emulator of the demonstration takes from its environment, where nothing else is set."""
    os.environ.setdefault("AML_ACTIONS_HOME", str(source / ".build" / "actions"))
    os.environ.setdefault("AML_EMULATOR_EVENT_REPEATS", "1")
