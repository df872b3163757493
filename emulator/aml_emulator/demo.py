"""The demonstration: `python -m aml_emulator.demo [--keep]`, which is `make demo`.

Takes the template as a repository of its own and pushes it, with the emulator in the place of Azure and `act` in the
place of GitHub. Nothing in between is shortened: the template's own workflow file runs the published actions, the
training is a process in an environment built from its conda file, and the prediction at the end comes over HTTPS.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

CLONE = Path(__file__).resolve().parents[2]
REPOSITORY_NAME = "local/iris"
AUTHOR = ("-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false")


class DemoFailed(Exception):
    """The demonstration cannot go on; the text says why."""


def say(text: str = "") -> None:
    """Print a line at once: whoever watches wants to know what goes on now."""
    print(text, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the demonstration. Exit code 0, 1 when a step failed, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m aml_emulator.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the emulator up, to look around")
    parser.add_argument(
        "--directory",
        type=Path,
        default=CLONE / ".build" / "demo",
        help="where everything is kept (default: .build/demo)",
    )
    arguments = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    emulator = Emulator(arguments.directory.resolve() / "emulator")
    try:
        demonstrate(arguments.directory.resolve(), emulator)
        say(f"\nDone in {time.monotonic() - began:.0f} s.")
        if arguments.keep:
            emulator.explain()
            return 0
    except DemoFailed as failure:
        say(f"\n✖ {failure}")
        emulator.down()
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        emulator.down()
        return 130
    except BaseException:
        emulator.down()
        raise
    emulator.down()
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def demonstrate(directory: Path, emulator: "Emulator") -> None:
    """Start, push, run, show."""
    say("From a push to a tested endpoint, on this machine.\n")
    with _telling("Starting the emulator: Azure on 127.0.0.1"):
        emulator.up()
    from aml_actions.publish import PublishError, publish
    from aml_emulator import demo_report
    from aml_emulator.github import events
    from aml_emulator.github.checkout import find_repository
    from aml_emulator.github.errors import WorkflowError
    from aml_emulator.github.machine import machine_environment
    from aml_emulator.github.runner import run_workflow, workflows_started_by

    try:
        with _telling("Publishing the actions as org/actions@v1"):
            actions = _emptied(directory / "actions")
            publish(actions, source=CLONE, ref=None)
        with _telling(f"Taking example-repo/ as the repository {REPOSITORY_NAME}, and pushing it to main"):
            _make_repository(_emptied(directory / "repository"))
            repository = find_repository(directory / "repository", REPOSITORY_NAME)
            event = events.push(repository)
        environment = machine_environment(
            os.environ,
            AML_ACTIONS_HOME=os.environ.get("AML_ACTIONS_HOME") or str(CLONE / ".build" / "actions"),
            **{name: emulator.variables()[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")},
        )
        for path in workflows_started_by(repository, event):
            say(f"\nThe push starts {path}\n")
            run = run_workflow(
                repository,
                path,
                event,
                actions={"org/actions@v1": actions},
                environment=environment,
                secrets={"AZURE_CREDENTIALS": emulator.credentials()},
                progress=lambda line: say(f"  {line}"),
            )
            if not run.succeeded:
                raise DemoFailed("\n".join([f"{path} failed:", *run.failures()]))
            demo_report.show(run, emulator.credentials(), Path(emulator.variables()["REQUESTS_CA_BUNDLE"]), say)
    except (WorkflowError, PublishError, demo_report.NoAnswer) as error:
        raise DemoFailed(str(error)) from error


def _make_repository(root: Path) -> None:
    """Copy what git knows of example-repo/, and commit it: the first push of a new repository."""
    template = CLONE / "example-repo"
    listed = _run(["git", "-C", str(template), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        if (template / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(template / name, root / name)
    git = ["git", "-C", str(root), *AUTHOR]
    _run([*git, "init", "--quiet", "--initial-branch", "main"])
    _run([*git, "add", "--all"])
    _run([*git, "commit", "--quiet", "--message", "The template"])


def _emptied(folder: Path) -> Path:
    """Give an empty folder: what an earlier demonstration left in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _telling(what: str) -> Iterator[None]:
    print(f"{what} ...", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        say()
        raise
    say(f" {time.monotonic() - began:.1f} s")


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError as error:
        raise DemoFailed(f"{command[0]} is not installed, or not on the PATH.") from error
    if done.returncode:
        raise DemoFailed(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Emulator:
    """The emulator of the demonstration, through its command line as a user has it. State is kept from run to run."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._variables: Mapping[str, str] = {}

    def _command(self, name: str, *options: str) -> str:
        return _run([sys.executable, "-m", "aml_emulator", name, "--state", str(self.state), *options])

    def up(self) -> None:
        """Start it on a free port, so that it is in nobody's way; it may be up from `--keep`."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        self._command("up", "--port", "0")

    def down(self) -> None:
        """Stop it with everything it runs; nothing happens when it is not up."""
        if self.state.exists():
            with _telling("\nStopping the emulator"):
                self._command("down")

    def variables(self) -> Mapping[str, str]:
        """Give the variables that bring an Azure SDK to it."""
        if not self._variables:
            self._variables = _object(self._command("env", "--format", "json"))
        return self._variables

    def credentials(self) -> str:
        """Give the text for the secret AZURE_CREDENTIALS."""
        return self._command("credentials")

    def explain(self) -> None:
        """Say how to look around, and how to stop it."""
        program = Path(sys.executable).parent / "aml-emulator"
        url = _object(self._command("status", "--json")).get("url")
        say("\nThe emulator stays up:")
        say(f"  Studio      {url}/")
        say(f'  In a shell  eval "$({program} env --state {self.state})", then use azure-ai-ml as against Azure')
        say(f"  Stop it     {program} down --state {self.state}")


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
