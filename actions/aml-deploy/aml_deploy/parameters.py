"""The parameters file of aml-deploy: every key of the legacy action, and three new ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from aml_actions.spec import Parameters


class ServiceParameters(Parameters):
    """The keys that shape the service on a managed online endpoint."""

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
            "A `.amlignore` or `.gitignore` file in it leaves files out."
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
    custom_base_image: str | None = Field(
        default=None,
        min_length=1,
        description="Container image under the conda environment.",
        json_schema_extra={"x-default": "`mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest`"},
        examples=["mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"],
    )
    description: str | None = Field(
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
            "Size of the virtual machines, for example `Standard_DS3_v2`. New key; it wins over `cpu_cores` and `memory_gb`."
        ),
        examples=["Standard_DS3_v2"],
    )
    instance_count: int = Field(
        default=1, ge=1, description="Number of virtual machines behind the deployment. New key.", examples=[1]
    )
    cpu_cores: float | None = Field(
        default=None,
        gt=0,
        description=(
            "CPU cores that the scoring code needs. A managed endpoint rents whole machines: the smallest suitable "
            "one for `cpu_cores` and `memory_gb` is chosen."
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
            "`true`: callers send one of the keys of the endpoint. A managed endpoint cannot go without, so `false` "
            "and a missing value mean keys too, with a warning (`token_auth_enabled` chooses tokens instead)."
        ),
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
        le=180_000,
        description="Milliseconds until a request is given up. Default of the service: 5000.",
        examples=[60000],
    )
    replica_max_concurrent_requests: int | None = Field(
        default=None,
        ge=1,
        description="Requests that one instance works on at a time. Default of the service: 1.",
        examples=[1],
    )
    max_request_wait_time: int | None = Field(
        default=None,
        ge=0,
        description="Milliseconds that a request may wait in the queue. Default of the service: 500.",
        examples=[500],
    )
    initial_delay_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds before the first liveness probe. Default of the service: 10.",
        examples=[310],
    )
    period_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds between two liveness probes. Default of the service: 10.",
        examples=[10],
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds until a liveness probe counts as failed. Default of the service: 2.",
        examples=[2],
    )
    success_threshold: int | None = Field(
        default=None,
        ge=1,
        description="Probes in a row that make an instance healthy. Default of the service: 1.",
        examples=[1],
    )
    failure_threshold: int | None = Field(
        default=None,
        ge=1,
        description="Failed probes in a row that restart an instance. Default of the service: 30.",
        examples=[30],
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


class DeployParameters(ServiceParameters):
    """All keys, with those that mean nothing on a managed online endpoint; `legacy.py` says what becomes of each."""

    deployment_compute_target: str = Field(
        default="",
        description="Kubernetes compute to deploy to. Not supported yet: refused when it is not empty.",
        examples=[""],
    )
    runtime: Literal["python", "spark-py"] = Field(
        default="python", description="Only `python`: a managed endpoint cannot serve `spark-py`.", examples=["python"]
    )
    extra_docker_file_steps: str | None = Field(
        default=None,
        description="Refused: build the steps into an image and name it in `custom_base_image`.",
        examples=["dockerfile_steps"],
    )
    enable_gpu: bool | None = Field(
        default=None,
        description="`true` needs `instance_type` with a GPU and a `custom_base_image` with CUDA.",
        examples=[False],
    )
    gpu_cores: int | None = Field(
        default=None, ge=0, description="More than 0 needs `instance_type` with a GPU.", examples=[0]
    )
    cuda_version: str | None = Field(
        default=None,
        description="Ignored with a warning: the version is that of `custom_base_image`.",
        examples=["11.8"],
    )
    model_data_collection_enabled: bool | None = Field(
        default=None,
        description="Ignored with a warning when `true`: data collection of SDK v1 does not exist on managed endpoints.",
        examples=[False],
    )
    profiling_enabled: bool = Field(
        default=False,
        description="Ignored with a warning when `true`: profiling was a feature of SDK v1.",
        examples=[False],
    )
    profiling_dataset: str | None = Field(
        default=None, description="Ignored with a warning, as `profiling_enabled`.", examples=["sample-input"]
    )
    skip_deployment: bool = Field(
        default=False, description="`true`: nothing is deployed, the step says so and ends.", examples=[False]
    )
    create_image: Literal["docker", "function_blob", "function_http", "function_service_bus_queue"] | None = Field(
        default=None,
        description="Refused: packaging a model as an image or as an Azure Function is not supported.",
        examples=["docker"],
    )
    location: str | None = Field(
        default=None,
        description="Ignored with a warning when it is not the region of the workspace: an endpoint lives where its workspace is.",
        examples=["westeurope"],
    )
    dns_name_label: str | None = Field(
        default=None,
        description="Ignored with a warning: the address follows from the name of the endpoint.",
        examples=["my-label"],
    )
    ssl_enabled: bool | None = Field(
        default=None, description="`true` is noted with a warning: a managed endpoint always uses TLS.", examples=[True]
    )
    ssl_cert_pem_file: str | None = Field(
        default=None,
        description="Refused: a managed endpoint has no certificate of its own.",
        examples=["certs/cert.pem"],
    )
    ssl_key_pem_file: str | None = Field(
        default=None, description="Refused, as `ssl_cert_pem_file`.", examples=["certs/key.pem"]
    )
    ssl_cname: str | None = Field(
        default=None,
        description="Refused: a managed endpoint has no host name of its own.",
        examples=["score.example.com"],
    )
    autoscale_enabled: bool | None = Field(
        default=None,
        description="Ignored with a warning when `true`: autoscale of a managed endpoint is a rule of Azure Monitor.",
        examples=[False],
    )
    autoscale_min_replicas: int | None = Field(
        default=None, ge=1, description="Ignored with a warning, as `autoscale_enabled`.", examples=[1]
    )
    autoscale_max_replicas: int | None = Field(
        default=None, ge=1, description="Ignored with a warning, as `autoscale_enabled`.", examples=[10]
    )
    autoscale_refresh_seconds: int | None = Field(
        default=None, ge=1, description="Ignored with a warning, as `autoscale_enabled`.", examples=[1]
    )
    autoscale_target_utilization: int | None = Field(
        default=None, ge=1, le=100, description="Ignored with a warning, as `autoscale_enabled`.", examples=[70]
    )
    num_replicas: int | None = Field(
        default=None, ge=1, description="Ignored with a warning: use `instance_count`.", examples=[1]
    )
    namespace: str | None = Field(
        default=None,
        description="Ignored with a warning: a namespace belongs to an attached Kubernetes compute.",
        examples=["scoring"],
    )
