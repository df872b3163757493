"""The promise of the emulator: a script written for Azure runs here, unchanged, from workspace to prediction."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from support.emulator import RunningEmulator

SCRIPT = Path(__file__).with_name("unmodified_sdk.py")


def test_the_script_imports_nothing_of_ours() -> None:
    tree = ast.parse(SCRIPT.read_text())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"azure", *sys.stdlib_module_names}


def test_a_script_for_azure_runs_from_workspace_to_prediction(emulator: RunningEmulator, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path],
        env=emulator.environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert "training with factor 3" in done.stdout  # streamed from the job as it ran
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["status"] == "Completed"
    assert report["studio_url"].startswith(f"{emulator.base_url}/runs/")
    assert report["studio_url"].count("tid=") == 1
    assert "logs/artifacts/user_logs/std_log.txt" in report["logs"]
    assert "logs/artifacts/outputs/note.txt" in report["logs"]
    assert report["named"] == report["registered"] == {"factor": 3, "data": "seen"}
    assert report["model_path"].endswith("/")
    assert "/datastores/workspaceblobstore/paths/azureml/" in report["model_path"]
    assert report["traffic"] == {"blue": 100}
    assert json.loads(report["prediction"]) == [3, 6, 9]
    assert report["deployment_logs"]
    assert "unmodified-workspace" not in report["left"]


def test_a_client_that_is_told_the_cloud_in_code_needs_no_variables_but_the_bundle(emulator: RunningEmulator) -> None:
    """The documented-by-source way of `MLClient(cloud=, cloud_metadata=)`, with the tenant's own id."""
    script = """
import json, os
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Workspace
from azure.identity import ClientSecretCredential
from azure.mgmt.resource.resources import ResourceManagementClient
secret = json.loads(os.environ["CREDENTIALS"])
url = secret["resourceManagerEndpointUrl"]
credential = ClientSecretCredential(
    secret["tenantId"], secret["clientId"], secret["clientSecret"],
    authority=secret["activeDirectoryEndpointUrl"], disable_instance_discovery=True,
)
arm = ResourceManagementClient(credential, secret["subscriptionId"], base_url=url, credential_scopes=[url + ".default"])
arm.resource_groups.create_or_update("in-code", {"location": "westeurope"})
cloud = {
    "azure_portal": "https://portal.azure.local",
    "resource_manager": url,
    "active_directory": secret["activeDirectoryEndpointUrl"],
    "aml_resource_id": "https://ml.azure.local",
    "storage_endpoint": os.environ["STORAGE"],
    "registry_discovery_endpoint": url,
}
client = MLClient(credential, secret["subscriptionId"], "in-code", "in-code", cloud="AzureLocal", cloud_metadata=cloud)
client.workspaces.begin_create(Workspace(name="in-code", location="westeurope")).result()
print(client.datastores.get_default().name)
client.workspaces.begin_delete("in-code", delete_dependent_resources=True).result()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PATH": os.defpath,
            "HOME": str(emulator.state),
            "CREDENTIALS": emulator.credentials,
            "STORAGE": f"core.local@{emulator.blob_url.removeprefix('https://')}",
            "REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"],
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "workspaceblobstore" in done.stdout
