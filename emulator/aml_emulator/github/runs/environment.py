"""What a run of a workflow sees: this machine, the emulator in the place of Azure and GitHub, and nothing of a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aml_emulator.github.machine import machine_environment

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.runs.records import RunRecord

ACTIONS_HOME = "AML_ACTIONS_HOME"


def run_environment(emulator: Emulator, record: RunRecord) -> dict[str, str]:
    """Give the environment for the steps of a run: that of the server's process as far as it is the machine's.

    The environments of the actions are kept from run to run, as on a self-hosted runner: in $AML_ACTIONS_HOME, else beside the state.
    """
    bundle = str(emulator.state.bundle)
    home = os.environ.get(ACTIONS_HOME) or str(emulator.state.root / "actions")
    return {
        **machine_environment(
            os.environ, **{ACTIONS_HOME: home, "REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}
        ),
        **id_token_variables(emulator, record),
    }


def id_token_variables(emulator: Emulator, record: RunRecord) -> dict[str, str]:
    """Give what a run asks for id tokens with; nothing without `id-token: write`."""
    if record.permissions.get("id_token") != "write":
        return {}
    hosted = emulator.github.repositories.get(record.repository)
    workflow = f"{record.repository}/{record.file}@{record.ref}"
    more = {
        "sha": record.sha,
        "actor": record.actor,
        "event_name": record.event,
        "run_number": str(record.number),
        "run_attempt": str(record.attempt),
        "workflow": record.name,
        "workflow_ref": workflow,
        "workflow_sha": record.sha,
        "job_workflow_ref": workflow,
        "job_workflow_sha": record.sha,
        "repository_id": str(hosted.id) if hosted else "",
    }
    return emulator.github.id_tokens.environment(
        record.repository, record.ref, record.environment, str(record.id), more
    )


def github_variables(emulator: Emulator, record: RunRecord) -> dict[str, str]:
    """Give the default variables of a run; `github.api_url` follows from them.

    GITHUB_SERVER_URL stays GitHub's: act would fetch every action from it.
    """
    return {
        "GITHUB_API_URL": f"{emulator.base_url}{emulator.github.api_path}",
        "GITHUB_RUN_NUMBER": str(record.number),
    }
