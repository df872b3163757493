"""What aml-workspace accepts and gives."""

from aml_actions.spec import (
    ActionSpec,
    Output,
    Permission,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_workspace.parameters import WorkspaceParameters

ACTION = ActionSpec(
    name="aml-workspace",
    title="Azure Machine Learning: workspace",
    description=(
        "Finds an Azure Machine Learning workspace, or creates it with its resource group, and leaves it to the later actions "
        "of the job."
    ),
    inputs=(azure_credentials_input(), parameters_file_input("workspace.json")),
    outputs=(
        Output("workspace_name", "Name of the workspace."),
        Output("resource_group", "Name of its resource group."),
        Output("subscription_id", "Id of its subscription."),
        Output("studio_url", "Page of the workspace in Azure Machine Learning Studio."),
        result_output(
            "`{workspace_name, resource_group, subscription_id, workspace_id, location, studio_url, created}`."
        ),
    ),
    parameters=WorkspaceParameters,
    parameters_file="workspace.json",
    permissions=(
        Permission("Reader", "the workspace", "to find it"),
        Permission("Contributor", "the resource group", "to create the workspace; not needed when it exists"),
        Permission(
            "Contributor",
            "the subscription",
            "to create the resource group, and to register resource providers; not needed when both are done",
        ),
    ),
    work="aml_workspace.action:work",
    check="aml_workspace.check:check",
)
