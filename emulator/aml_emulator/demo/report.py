"""What the demonstration ends with: the steps, the metrics, the model, and a prediction asked of the deployed service."""

import json
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from aml_emulator.demo.console import table
from aml_emulator.github.results import WorkflowRun

API_VERSION = "2024-04-01"
FLOWERS = {"data": [[5.1, 3.5, 1.4, 0.2], [6.4, 3.2, 4.5, 1.5], [6.3, 3.3, 6.0, 2.5]]}
SPECIES = ("setosa", "versicolor", "virginica")

Say = Callable[[str], None]


class NoAnswer(Exception):
    """The deployed service, or what leads to it, did not answer as it should."""


def show(run: WorkflowRun, credentials: str, authorities: Path, say: Say) -> None:
    """Print the report of a run of the template's train_deploy.yml. Raises NoAnswer when the service does not predict.

    `credentials` is the text of AZURE_CREDENTIALS; `authorities` the file with the certificate authorities to trust.
    """
    say(f"\n── {run.workflow} ── {run.seconds:.0f} s ──\n")
    for line in table(("Step", "", "Time"), [(s.name, s.outcome, f"{s.seconds:.1f} s") for s in run.steps]):
        say(line)

    trained, registered, deployed = (run.outputs(key) for key in ("aml_run", "aml_registermodel", "aml_deploy"))
    metrics = json.loads(trained["run_metrics"]).get(trained["run_id"], {})
    say("")
    for line in table(("Metric", "Value"), [(name, _number(value)) for name, value in sorted(metrics.items())]):
        say(line)

    say("")
    say(f"Model        {registered['model_name']}, version {registered['model_version']}")
    say(f"Scoring URI  {deployed['service_scoring_uri']}")
    workspace = json.loads(run.outputs("aml_workspace")["result"])["workspace_id"]
    trusted = ssl.create_default_context(cafile=str(authorities))
    with httpx.Client(verify=trusted, timeout=60.0, trust_env=False) as client:
        key = _endpoint_key(client, json.loads(credentials), workspace, deployed["endpoint_name"])
        predicted = _predict(client, deployed["service_scoring_uri"], key)
    say(f"Asked        POST {json.dumps(FLOWERS)}")
    named = ", ".join(SPECIES[index] for index in predicted)
    say(f"Answered     {json.dumps({'predict': predicted})}  ({named})")
    say(f"Studio       {trained['run_url']}")


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _endpoint_key(client: httpx.Client, credentials: Mapping[str, str], workspace: str, endpoint: str) -> str:
    """Sign in as the service principal and read the endpoint's key over ARM, as `az ml online-endpoint get-credentials`."""
    arm = credentials["resourceManagerEndpointUrl"].rstrip("/")
    authority = credentials["activeDirectoryEndpointUrl"].rstrip("/")
    application = {
        "grant_type": "client_credentials",
        "client_id": credentials["clientId"],
        "client_secret": credentials["clientSecret"],
        "scope": f"{arm}/.default",
    }
    token_url = f"{authority}/{credentials['tenantId']}/oauth2/v2.0/token"
    token = _answer(client, client.build_request("POST", token_url, data=application))["access_token"]
    keys_url = f"{arm}{workspace}/onlineEndpoints/{endpoint}/listKeys?api-version={API_VERSION}"
    signed = {"Authorization": f"Bearer {token}"}
    keys = _answer(client, client.build_request("POST", keys_url, headers=signed))
    return str(keys["primaryKey"])


def _predict(client: httpx.Client, scoring_uri: str, key: str) -> list[int]:
    signed = {"Authorization": f"Bearer {key}"}
    answer = _answer(client, client.build_request("POST", scoring_uri, headers=signed, json=FLOWERS))
    predicted = answer.get("predict")
    if not isinstance(predicted, list) or len(predicted) != len(FLOWERS["data"]):
        raise NoAnswer(f"{scoring_uri} answered {answer}, which is not one prediction a row.")
    return predicted


def _answer(client: httpx.Client, request: httpx.Request) -> dict[str, Any]:
    try:
        response = client.send(request)
        body = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, ValueError) as error:
        raise NoAnswer(f"{request.url} does not answer: {error}") from error
    if not isinstance(body, dict):
        raise NoAnswer(f"{request.url} answered {response.status_code}: {response.text[:500]}")
    return body
