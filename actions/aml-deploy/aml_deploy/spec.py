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
from aml_deploy.environment_secrets import ENCRYPTION_SECRETS, FUNCTION_VARIABLES, REGISTRY_SECRETS
from aml_deploy.parameters import DeployParameters

DEPLOYED = "when the model is deployed"
NEVER = "never"
KEPT = f"{DEPLOYED} and `delete_service_after_deployment` is false"

ACTION = ActionSpec(
    name="aml-deploy",
    title="Deploy a model to Azure Machine Learning",
    description=(
        "Deploys a registered model to an online endpoint, managed or on Kubernetes: beside what serves now, tested there, "
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
        *(
            Output(
                name=name, description=f"Output of the legacy action for {what}; `create_image` is refused.", when=NEVER
            )
            for name, what in (
                ("acr_address", "the registry of a packaged image"),
                ("acr_username", "the user of that registry"),
                ("acr_password", "the password of that user"),
                ("package_location", "the address of a packaged image"),
            )
        ),
        Output(
            name="profiling_details",
            description="Output of the legacy action for the result of `profiling_enabled`, which is ignored with a warning.",
            when=NEVER,
        ),
        Output(name="endpoint_name", description="Name of the online endpoint.", when=DEPLOYED),
        Output(name="deployment_name", description="Name of the deployment that this step made on it.", when=DEPLOYED),
        result_output(
            "Endpoint, deployment, model, machine, traffic, addresses, the result of the test and the time it took."
        ),
    ),
    parameters=DeployParameters,
    parameters_file="deploy.json",
    work="aml_deploy.action:work",
    migrate="aml_deploy.migration:migrate",
    check="aml_deploy.check:check",
    secrets=(
        *(
            Secret(name, "Not used: accepted with a warning. The image is pulled with an identity of Azure.")
            for name in REGISTRY_SECRETS
        ),
        Secret(
            "PRIMARY_KEY",
            "First key of the endpoint, with which callers sign in. Without it the endpoint has a key that Azure made.",
        ),
        Secret("SECONDARY_KEY", "Second key of the endpoint, as `PRIMARY_KEY`."),
        *(
            Secret(
                name,
                "Refused: a managed deployment has no encryption key of its own. Not used on Kubernetes: accepted with a warning.",
            )
            for name in ENCRYPTION_SECRETS
        ),
        *(
            Secret(name, f"Described the Azure Function of `create_image: {kind}`, which is refused.", masked=False)
            for kind, names in FUNCTION_VARIABLES.items()
            for name in names
        ),
    ),
    permissions=(
        Permission(
            role="AzureML Data Scientist",
            scope="the workspace",
            why=(
                "Read the model and the compute, upload the scoring code, make and delete endpoints and deployments, read their "
                "logs, read and set their keys."
            ),
        ),
        Permission(
            role="Storage Blob Data Contributor",
            scope="the storage account of the workspace",
            why="Upload the scoring code where the workspace uses no account keys.",
        ),
    ),
)
