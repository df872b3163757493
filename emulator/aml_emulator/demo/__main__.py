"""The demonstration: `python -m aml_emulator.demo [--keep]`, which is `make demo`.

Takes the template as a repository of its own and pushes it, with the emulator in the place of Azure and `act` in the
place of GitHub. Nothing in between is shortened: the template's own workflow file runs the published actions, the
training is a process in an environment built from its conda file, and the prediction at the end comes over HTTPS.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from aml_emulator.demo.console import DemoFailed, say, telling
from aml_emulator.demo.emulator import Emulator
from aml_emulator.demo.repository import TemplateRepository, emptied

CLONE = Path(__file__).resolve().parents[3]
REPOSITORY_NAME = "local/iris"


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
    with telling("Starting the emulator: Azure on 127.0.0.1"):
        emulator.up()
    from aml_actions.publish import PublishError, publish, publish_template
    from aml_emulator.demo import report
    from aml_emulator.github import events
    from aml_emulator.github.checkout import find_repository
    from aml_emulator.github.errors import WorkflowError
    from aml_emulator.github.machine import machine_environment
    from aml_emulator.github.runner import run_workflow, workflows_started_by

    try:
        with telling("Publishing the actions as org/actions@v1"):
            actions = emptied(directory / "actions")
            publish(actions, source=CLONE, ref=None)
        with telling(f"Taking example-repo/ as the repository {REPOSITORY_NAME}, and pushing it to main"):
            publish_template(emptied(directory / "repository"), source=CLONE, ref=None)
            TemplateRepository(directory / "repository").commit("The template")
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
            if all(job.result == "skipped" for job in run.jobs):
                continue
            report.show(run, emulator.credentials(), Path(emulator.variables()["REQUESTS_CA_BUNDLE"]), say)
    except (WorkflowError, PublishError, report.NoAnswer) as error:
        raise DemoFailed(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
