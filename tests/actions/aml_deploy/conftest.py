"""A workspace with two versions of a small model on the emulator, and the action as the runner starts it."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from support.steps import LAUNCH, Outcome, read_outputs, step_environment, write_parameters

from aml_actions import client, cloud, credentials, workspace
from aml_actions.runner import Runner

SCORE = """import json, os
from pathlib import Path

def init():
    global model
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "model.json").read_text())

def run(data):
    return {"predict": [row * model["factor"] for row in json.loads(data)["data"]]}
"""
CONDA = """dependencies:
  - python=3.11
  - pip
  - pip:
      - azureml-inference-server-http
"""
TEST = """from azureml.core import Webservice

def main(service: Webservice):
    answer = service.run('{"data": [1, 2]}')
    print("the service says", answer)
    assert len(answer["predict"]) == 2, answer
"""


class Result(Outcome):
    """What a step left behind, with its one error."""

    @property
    def error(self) -> str:
        assert len(self.annotations) == 1, self.log
        return self.annotations[0]

    @property
    def error_command(self) -> str:
        """The error annotation as the runner reads it: with file and line."""
        return next(line for line in self.log.splitlines() if line.startswith("::error")).split("::")[1]

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.log.splitlines() if line.startswith("::warning")]


class Repository:
    """A checked-out repository and a way to run the action in it."""

    def __init__(self, folder, environment, credentials_text, endpoint):
        self.folder, self.endpoint = folder, endpoint
        self._environment, self._credentials = environment, credentials_text
        self.parameters = {"name": endpoint, "authentication_enabled": True}
        self.write("code/deploy/score.py", SCORE)
        self.write("code/deploy/environment.yml", CONDA)
        self.write("code/test/test.py", TEST)

    def write(self, name, text):
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def deploy(self, model_version="1", model_name="scores", **parameters):
        """Run the step and wait for it."""
        process = self.start(model_version, model_name, **parameters)
        log, _ = process.communicate(timeout=300)
        return self.result(process, log)

    def start(self, model_version="1", model_name="scores", **parameters):
        """Start the step, with a folder for the runner's files that is new each time."""
        write_parameters(self.folder, "deploy.json", {**self.parameters, **parameters})
        inputs = {"azure_credentials": self._credentials, "model_name": model_name, "model_version": model_version}
        scratch = self.folder.parent / f"runner-{uuid.uuid4().hex[:8]}"
        self.environment = step_environment(scratch, self.folder, inputs, self._environment)
        return subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-u", str(LAUNCH), "aml-deploy"],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def result(self, process, log):
        outputs, summary = (
            Path(self.environment[name]).read_text(encoding="utf-8")
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        )
        return Result(process.returncode, log, read_outputs(outputs), summary)


@pytest.fixture
def offline_repository(tmp_path):
    """A repository whose credentials lead to a port where nobody listens: whatever asks Azure fails."""
    nowhere = "https://127.0.0.1:9"
    text = json.dumps(
        {
            "clientId": "c",
            "clientSecret": "not-a-secret",
            "subscriptionId": "s",
            "tenantId": "t",
            "resourceManagerEndpointUrl": nowhere,
            "activeDirectoryEndpointUrl": nowhere,
        }
    )
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder, {}, text, "offline")


@pytest.fixture(scope="package")
def trusted(emulator):
    """Let this process trust the emulator's certificate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
        yield


@pytest.fixture(scope="package")
def azure(emulator, trusted, tmp_path_factory):
    """The SDK's client for a new workspace that holds the model `scores` in two versions."""
    from azure.ai.ml.entities import Model, Workspace
    from azure.mgmt.resource.resources import ResourceManagementClient

    signed_in = credentials.parse(emulator.credentials)
    azure_cloud = cloud.find(signed_in)
    credential = credentials.token_credential(signed_in, azure_cloud)
    ref = workspace.WorkspaceRef(signed_in.subscription_id, "rg-deploy", f"deploy-{uuid.uuid4().hex[:6]}")
    ResourceManagementClient(
        credential,
        ref.subscription_id,
        base_url=azure_cloud.resource_manager,
        credential_scopes=[f"{azure_cloud.resource_manager}/.default"],
    ).resource_groups.create_or_update(ref.resource_group, {"location": "westeurope"})
    ml = client.ml_client(credential, azure_cloud, ref)
    ml.workspaces.begin_create(Workspace(name=ref.name, location="westeurope")).result()
    for version, factor in (("1", 10), ("2", 100)):
        file = tmp_path_factory.mktemp("model") / "model.json"
        file.write_text(json.dumps({"factor": factor}))
        ml.models.create_or_update(Model(name="scores", version=version, path=str(file)))
    ml.ref = ref
    return ml


@pytest.fixture
def repository(emulator, azure, tmp_path):
    """A repository whose job has chosen the workspace, with an endpoint name of its own."""
    folder = tmp_path / "repository"
    folder.mkdir()
    runner = Runner.from_environment({"GITHUB_WORKSPACE": str(folder), "GITHUB_REPOSITORY": "octo/credit-risk"})
    workspace.write(azure.ref, runner)
    name = f"e-{uuid.uuid4().hex[:8]}"
    environment = {"REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"]}
    yield Repository(folder, environment, emulator.credentials, name)
    if endpoint(azure, name) is not None:
        azure.online_endpoints.begin_delete(name).result()


def endpoint(azure, name):
    """Return an endpoint, or None."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return azure.online_endpoints.get(name)
    except ResourceNotFoundError:
        return None
