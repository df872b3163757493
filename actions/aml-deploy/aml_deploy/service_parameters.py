"""The keys of aml-deploy's parameters file that shape a service wherever it runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from aml_actions.spec import FreeText, Parameters


class ServiceParameters(Parameters):
    """The keys that shape a service wherever it runs."""

    name: str | None = Field(
        default=None,
        min_length=3,
        max_length=32,
        pattern=r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
        description=(
            "Name of the online endpoint. It must be unique in the Azure region, across all customers. "
            "The default is in lower case, with dashes for other characters, cut to 32 characters."
        ),
        json_schema_extra={"x-default": "`<repository>-<branch>`"},
        examples=["credit-default"],
    )
    inference_source_directory: str = Field(
        default="code/deploy/",
        description=(
            "Folder in the repository that is uploaded as the scoring code. "
            "A `.amlignore` or `.gitignore` file in it leaves files out. An MLflow or Triton model is deployed without code "
            "when the default folder does not exist and no key names code or environment."
        ),
        examples=["code/deploy/"],
    )
    inference_entry_script: str = Field(
        default="score.py",
        description=(
            "Python file with the functions `init()` and `run(data)`, relative to `inference_source_directory`. "
            "It is checked for both before anything is created."
        ),
        examples=["score.py"],
    )
    conda_file: str = Field(
        default="environment.yml",
        description=(
            "Conda environment of the scoring code, relative to `inference_source_directory`. "
            "It has to hold `azureml-inference-server-http` (or `azureml-defaults`, which brings it)."
        ),
        examples=["environment.yml"],
    )
    extra_docker_file_steps: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "File with lines of a Dockerfile, relative to `inference_source_directory`. The image is then built from "
            "`custom_base_image`, the conda environment and these lines, in this order. They cannot `COPY` files of the repository."
        ),
        examples=["dockerfile_steps"],
    )
    custom_base_image: str | None = Field(
        default=None,
        min_length=1,
        pattern=r"^\S+$",
        description="Container image under the conda environment. The endpoint or the cluster pulls it with its own identity.",
        json_schema_extra={"x-default": "`mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest`"},
        examples=["mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"],
    )
    description: Annotated[str | None, FreeText()] = Field(
        default=None, description="Text on the endpoint and on the deployment.", examples=["Scores credit applications"]
    )
    tags: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Tags of the endpoint and of the deployment. Numbers and booleans are stored as text.",
        examples=[{"team": "risk"}],
    )
    properties: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Properties of the endpoint and of the deployment, stored as text; Azure never changes a property.",
        examples=[{"ticket": "RISK-17"}],
    )
    instance_type: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Size of the virtual machines, for example `Standard_DS3_v2`; it wins over `cpu_cores` and `memory_gb`. "
            "On Kubernetes: an instance type that the administrator of the cluster has defined. New key."
        ),
        examples=["Standard_DS3_v2"],
    )
    instance_count: int = Field(
        default=1,
        ge=1,
        description="Number of virtual machines behind the deployment; on Kubernetes the same as `num_replicas`. New key.",
        examples=[1],
    )
    cpu_cores: float | None = Field(
        default=None,
        gt=0,
        description=(
            "CPU cores that the scoring code needs. A managed endpoint rents whole machines: the smallest suitable "
            "one for `cpu_cores` and `memory_gb` is chosen. On Kubernetes each replica requests them."
        ),
        json_schema_extra={"x-default": "as the model was registered, or `0.1`"},
        examples=[1.0],
    )
    memory_gb: float | None = Field(
        default=None,
        gt=0,
        description="Memory in GB, as `cpu_cores`.",
        json_schema_extra={"x-default": "as the model was registered, or `0.5`"},
        examples=[2.0],
    )
    authentication_enabled: bool | None = Field(
        default=None,
        description=(
            "`true`: callers send one of the keys of the endpoint. No online endpoint goes without: `false` means keys too, with a "
            "warning, and so does a missing value on a managed endpoint (`token_auth_enabled` chooses tokens instead)."
        ),
        json_schema_extra={"x-default": "`true`"},
        examples=[True],
    )
    token_auth_enabled: bool = Field(
        default=False,
        description="Callers send a token that Azure Machine Learning issues and that expires (`aml_token`), not a key.",
        examples=[False],
    )
    app_insights_enabled: bool = Field(
        default=False,
        description="Send requests, answers and logs of the deployment to Application Insights.",
        examples=[True],
    )
    scoring_timeout_ms: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds until a request is given up; at most 180000 on a managed endpoint.",
        json_schema_extra={"x-default": "`5000` (of the service); on Kubernetes `60000` (of SDK v1)"},
        examples=[60000],
    )
    replica_max_concurrent_requests: int | None = Field(
        default=None,
        ge=1,
        description="Requests that one instance works on at a time.",
        json_schema_extra={"x-default": "`1`"},
        examples=[1],
    )
    max_request_wait_time: int | None = Field(
        default=None,
        ge=0,
        description="Milliseconds that a request may wait in the queue.",
        json_schema_extra={"x-default": "`500`"},
        examples=[500],
    )
    initial_delay_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds before the first liveness probe.",
        json_schema_extra={"x-default": "`10` (of the service); on Kubernetes `310` (of SDK v1)"},
        examples=[310],
    )
    period_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds between two liveness probes.",
        json_schema_extra={"x-default": "`10`"},
        examples=[10],
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds until a liveness probe counts as failed.",
        json_schema_extra={"x-default": "`2`"},
        examples=[2],
    )
    success_threshold: int | None = Field(
        default=None,
        ge=1,
        description="Probes in a row that make an instance healthy.",
        json_schema_extra={"x-default": "`1`"},
        examples=[1],
    )
    failure_threshold: int | None = Field(
        default=None,
        ge=1,
        description="Failed probes in a row that restart an instance.",
        json_schema_extra={"x-default": "`30` (of the service); on Kubernetes `3` (of SDK v1)"},
        examples=[3],
    )
    test_enabled: bool = Field(
        default=False,
        description="Call a test function with the new deployment before it gets traffic. A failed test leaves the traffic as it was.",
        examples=[True],
    )
    test_file_path: str = Field(
        default="code/test/test.py",
        description="Python file with the test function, relative to the repository; `.py` is added when it is missing.",
        examples=["code/test/test.py"],
    )
    test_file_function_name: str = Field(
        default="main",
        description="Test function in that file, called as `main(service)`; an exception means failed.",
        examples=["main"],
    )
    delete_service_after_deployment: bool = Field(
        default=False,
        description=(
            "Delete the endpoint at the end, even when the test failed: a smoke test. "
            "Refused for an endpoint that holds what this action did not make."
        ),
        examples=[False],
    )
    deployment_timeout_minutes: int = Field(
        default=60,
        ge=1,
        description="Minutes to wait for the deployment before it is given up and removed. New key.",
        examples=[60],
    )
