"""The parameters file of aml-deploy: every key of the legacy action, and three new ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aml_deploy.kubernetes_parameters import KubernetesParameters
from aml_deploy.service_parameters import ServiceParameters


class DeployParameters(KubernetesParameters, ServiceParameters):
    """All keys, with those that mean nothing on an online endpoint; `legacy.py` says what becomes of each."""

    runtime: Literal["python", "spark-py"] = Field(
        default="python", description="Only `python`: no online endpoint serves `spark-py`.", examples=["python"]
    )
    enable_gpu: bool | None = Field(
        default=None,
        description=(
            "`true` needs a `custom_base_image` with CUDA, and `instance_type` with a GPU (on Kubernetes `gpu_cores`): "
            "nothing is chosen for you."
        ),
        examples=[False],
    )
    cuda_version: str | None = Field(
        default=None,
        description="Ignored with a warning: the version is that of `custom_base_image`.",
        examples=["11.8"],
    )
    model_data_collection_enabled: bool | None = Field(
        default=None,
        description="Ignored with a warning when `true`: data collection of SDK v1 does not exist on online endpoints.",
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
        default=False,
        description="`true`: nothing is deployed, the step says so and ends. Nothing but `create_image` is judged then.",
        examples=[False],
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
        default=None,
        description=(
            "`true` is noted with a warning: a managed endpoint always uses TLS, and on Kubernetes the Azure ML extension of the "
            "cluster decides."
        ),
        examples=[True],
    )
    ssl_cert_pem_file: str | None = Field(
        default=None,
        description=(
            "Refused: a managed endpoint has no certificate of its own. Ignored with a warning on Kubernetes, where the Azure ML "
            "extension of the cluster has it."
        ),
        examples=["certs/cert.pem"],
    )
    ssl_key_pem_file: str | None = Field(
        default=None,
        description="Refused or ignored with a warning, as `ssl_cert_pem_file`.",
        examples=["certs/key.pem"],
    )
    ssl_cname: str | None = Field(
        default=None,
        description="Refused or ignored with a warning, as `ssl_cert_pem_file`: no endpoint has a host name of its own.",
        examples=["score.example.com"],
    )
