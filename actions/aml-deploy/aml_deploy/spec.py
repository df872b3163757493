"""What aml-deploy accepts, gives and needs."""

from __future__ import annotations

from aml_actions.spec import (
    ActionSpec,
    Input,
    Output,
    Permission,
    Secret,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_deploy.legacy import ENCRYPTION_SECRETS, KEY_SECRETS, REGISTRY_SECRETS
from aml_deploy.parameters import DeployParameters

DEPLOYED = "when the model is deployed"
KEPT = f"{DEPLOYED} and `delete_service_after_deployment` is false"

ACTION = ActionSpec(
    name="aml-deploy",
    title="Deploy a model to Azure Machine Learning",
    description=(
        "Deploys a registered model to a managed online endpoint: beside what serves now, tested there, "
        "and given the traffic only when the test has passed."
    ),
    inputs=(
        azure_credentials_input(),
        parameters_file_input("deploy.json"),
        Input(
            name="model_name",
            description="Name of the registered model: the output `model_name` of aml-registermodel.",
            required=True,
        ),
        Input(
            name="model_version",
            description=(
                "Version of the model: the output `model_version` of aml-registermodel.\n"
                "Without one, or with one that is no number and does not exist, the latest is deployed, with a warning."
            ),
        ),
    ),
    outputs=(
        Output(name="service_scoring_uri", description="Address that scores: POST JSON to it, with a key.", when=KEPT),
        Output(name="service_swagger_uri", description="Address of the OpenAPI description of the service.", when=KEPT),
        Output(name="endpoint_name", description="Name of the online endpoint.", when=DEPLOYED),
        Output(name="deployment_name", description="Name of the deployment that this step made on it.", when=DEPLOYED),
        result_output(
            "Endpoint, deployment, model, machine, traffic, addresses, the result of the test and the time it took."
        ),
    ),
    parameters=DeployParameters,
    parameters_file="deploy.json",
    work="aml_deploy.action:work",
    secrets=(
        *(Secret(name, "Not used: accepted with a warning.") for name in (*REGISTRY_SECRETS, *KEY_SECRETS)),
        *(Secret(name, "Refused: a deployment has no encryption key of its own.") for name in ENCRYPTION_SECRETS),
    ),
    permissions=(
        Permission(
            role="AzureML Data Scientist",
            scope="the workspace",
            why="Read the model, upload the scoring code, make and delete endpoints and deployments, read their logs and keys.",
        ),
        Permission(
            role="Storage Blob Data Contributor",
            scope="the storage account of the workspace",
            why="Upload the scoring code where the workspace uses no account keys.",
        ),
    ),
)
