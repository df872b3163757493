"""What aml-registermodel accepts, gives and needs. Cheap to import: it is read by generators and before every step."""

from aml_actions.spec import (
    ActionSpec,
    Input,
    Output,
    Permission,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_registermodel.parameters import RegisterModelParameters

ACTION = ActionSpec(
    name="aml-registermodel",
    title="Azure Machine Learning: register model",
    description=(
        "Registers a model from the files of a training job, or from the repository, as a new version. "
        "A step that is run again gives the version that it made before."
    ),
    inputs=(
        azure_credentials_input(),
        Input(
            "run_id",
            "The job whose files hold the model: output `run_id` of aml-run.\n"
            "Without it the model is a file or folder of the repository (local mode).",
        ),
        Input(
            "experiment_name",
            "The experiment of the job: output `experiment_name` of aml-run.\n"
            "Not needed, since the job knows it; if it is given, it must be the right one.",
        ),
        parameters_file_input("registermodel.json"),
    ),
    outputs=(
        Output("model_name", "Name of the model."),
        Output("model_version", "Version of the model."),
        Output("model_id", "`<name>:<version>`, as SDK v1 named a model. The resource id is in `result`."),
        result_output(
            "Name, version, resource id, path, type, tags, properties, job, link, and whether the version was new."
        ),
    ),
    parameters=RegisterModelParameters,
    parameters_file="registermodel.json",
    permissions=(
        Permission("AzureML Data Scientist", "workspace", "reads the job and its files, registers the model"),
        Permission(
            "Storage Blob Data Contributor",
            "storage account of the workspace",
            "only in local mode, and only if its datastores sign in by identity: uploads the model",
        ),
    ),
    work="aml_registermodel.action:work",
    check="aml_registermodel.check:check",
)
