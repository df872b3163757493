"""What aml-run accepts, gives and needs. Cheap to import: it is read by generators and before every step."""

from aml_actions.runner import MATRIX
from aml_actions.spec import (
    ActionSpec,
    Input,
    Output,
    Permission,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_run.parameters import RunParameters

ACTION = ActionSpec(
    name="aml-run",
    title="Azure Machine Learning: run",
    description=(
        "Submits a training job to Azure Machine Learning, waits for it, shows its log, and hands on its metrics. "
        "The step is green only if the job is Completed."
    ),
    inputs=(
        azure_credentials_input(),
        parameters_file_input("run.json"),
        Input(
            name="github_token",
            description=(
                "Only for `pull_request_comment`: a token that may write comments, such as `secrets.GITHUB_TOKEN` in a job with\n"
                "`permissions: pull-requests: write`. The default is the token of the job."
            ),
            default="${{ github.token }}",
        ),
    ),
    outputs=(
        Output(
            "experiment_name", "Name of the experiment that the job belongs to.", when="as soon as the job is submitted"
        ),
        Output("run_id", "Name of the job; SDK v1 called it run id.", when="as soon as the job is submitted"),
        Output("run_url", "Page of the job in Azure ML Studio.", when="as soon as the job is submitted"),
        Output(
            "run_metrics",
            "Metrics as JSON, `{run id: {metric: value}}`: those of child jobs first, then those of the job; jobs without "
            "metrics are left out.",
            when="after the job completed",
        ),
        Output(
            "run_metrics_markdown", "The metrics as a Markdown table, for a comment.", when="after the job completed"
        ),
        Output(
            "metrics",
            "Metrics of the job itself as JSON, `{metric: value}`, without those of child jobs.",
            when="after the job completed",
        ),
        Output(
            "artifact_path",
            "Folder with what the job wrote.",
            when="after the job ended, with `download_artifacts`",
        ),
        Output(
            "published_pipeline_id",
            "Id of the published pipeline: of the deployment of its batch endpoint.",
            when="with `pipeline_publish`, after a pipeline that did not fail",
        ),
        Output(
            "published_pipeline_status",
            "Provisioning state of the published pipeline.",
            when="with `pipeline_publish`, after a pipeline that did not fail",
        ),
        Output(
            "published_pipeline_endpoint",
            "Address that starts the published pipeline.",
            when="with `pipeline_publish`, after a pipeline that did not fail",
        ),
        Output(
            "runs",
            "The object of `result` for every job of the step, as a JSON list: one for each object of a parameters file that is a "
            "list. The other outputs are those of the first job, the metrics those of all.",
            when="as soon as a job was submitted",
        ),
        result_output(
            "Job, experiment, status, link, type, compute, duration in seconds, time and nodes that it took, metrics and "
            "parameters by job, comparison with the champion, tags, artifacts, published pipeline, error.",
        ),
    ),
    parameters=RunParameters,
    parameters_file="run.json",
    permissions=(
        Permission(
            "AzureML Data Scientist",
            "workspace",
            "uploads the code, submits the job, reads its log and metrics; publishes a pipeline",
        ),
        Permission(
            "Storage Blob Data Contributor",
            "storage account of the workspace",
            "only if its datastores sign in by identity: uploads the code, downloads artifacts",
        ),
    ),
    work="aml_run.action:work",
    check="aml_run.check:check",
    migrate="aml_run.migration:migrate",
    several=True,
    variables={MATRIX: "toJSON(matrix)"},
)
