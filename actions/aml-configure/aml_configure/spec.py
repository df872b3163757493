"""What aml-configure accepts and gives."""

from aml_actions.spec import (
    ActionSpec,
    Input,
    NoParameters,
    Output,
    Permission,
    azure_credentials_input,
    result_output,
)

ACTION = ActionSpec(
    name="aml-configure",
    title="Azure Machine Learning: configure",
    description=(
        "Deploys the infrastructure of a machine-learning repository from an ARM template, publishes the code of its function app, "
        "and subscribes that to the events of the workspace."
    ),
    inputs=(
        azure_credentials_input(),
        Input(
            "resource_group",
            "Resource group of the deployment. It is created in `location` when it does not exist.",
            required=True,
        ),
        Input(
            "armtemplate_file",
            "The ARM template, path from the root of the repository. JSON; comments are accepted.",
            default="infra/deploy.core-infra.json",
        ),
        Input(
            "armtemplateparams_file",
            "Its parameters file, path from the root of the repository. Empty: the file `params.<name of the template>` beside\n"
            "the template, if there is one.",
        ),
        Input(
            "mapped_params",
            "Further parameters of the template, one `name=value` a line (or several on a line, separated by commas); they win over\n"
            "those of the file. Pass secrets here, from `secrets.*`: values of secure parameters are masked and never shown.",
        ),
        Input(
            "deployment_mode",
            "`Incremental`, or `Complete`, which deletes what is in the resource group and not in the template.",
            default="Incremental",
        ),
        Input("location", "Region of a resource group that must be created, such as `westeurope`."),
        Input(
            "function_folder",
            "Folder with the code of the function app, path from the root of the repository. It is published to the app that the\n"
            "template's output `functionAppResourceId` names; then the template is deployed once more with\n"
            "`deployEventSubscriptions: true`, because Azure makes an event subscription only for a function that is there.",
        ),
        Input("what_if", "`true`: show what would change, and change nothing.", default="false"),
    ),
    outputs=(
        Output("deployment_name", "Name of the deployment in the resource group."),
        Output("deployment_outputs", "The template's outputs as JSON, `{name: value}`; secure ones are left out."),
        result_output("Deployment, resource group, outputs, resources, what changed, and the published function app."),
    ),
    parameters=NoParameters,
    parameters_file="",
    permissions=(
        Permission("Contributor", "the resource group", "to deploy the template"),
        Permission(
            "Role Based Access Control Administrator",
            "the resource group",
            "if the template assigns roles, as the one of this project does",
        ),
        Permission(
            "Contributor",
            "the subscription",
            "to create the resource group, and to register resource providers; not needed when both are done",
        ),
    ),
    work="aml_configure.action:work",
)
