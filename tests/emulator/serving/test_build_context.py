"""A web service whose environment is a Docker build context, as azure-ai-ml uploads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from .conftest import SERVER

DOCKERFILE = """FROM mcr.microsoft.com/azureml/minimal-ubuntu22.04-py311-cpu-inference:latest
COPY conda.yml /tmp/conda.yml
RUN conda env update -n base -f /tmp/conda.yml
ENV FLOWER=iris
"""


def test_an_environment_from_a_build_context_is_served_and_a_step_too_many_is_refused(ml: Any, tmp_path: Path) -> None:
    from azure.ai.ml.entities import (
        BuildContext,
        CodeConfiguration,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
    )

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(
        "import os\ndef init(): pass\ndef run(raw): return os.environ['FLOWER']"
    )
    (tmp_path / "request.json").write_text("{}")
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="from-context")).result()

    def deploy(name: str, dockerfile: str) -> Any:
        context = tmp_path / name
        context.mkdir()
        (context / "Dockerfile").write_text(dockerfile)
        (context / "conda.yml").write_text(SERVER)
        wanted = ManagedOnlineDeployment(
            name=name,
            endpoint_name="from-context",
            environment=Environment(name=f"built-{name}", build=BuildContext(path=str(context))),
            code_configuration=CodeConfiguration(code=str(tmp_path / "code"), scoring_script="score.py"),
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
        return ml.online_deployments.begin_create_or_update(wanted).result()

    assert deploy("blue", DOCKERFILE).provisioning_state == "Succeeded"
    asked = ml.online_endpoints.invoke(
        "from-context", deployment_name="blue", request_file=str(tmp_path / "request.json")
    )
    assert json.loads(asked) == "iris"
    with pytest.raises(HttpResponseError, match="Line 5 of the Dockerfile, 'RUN apt-get install -y libgomp1'") as found:
        deploy("green", f"{DOCKERFILE}RUN apt-get install -y libgomp1\n")
    assert found.value.status_code == 501
