"""A user's own script for Azure Machine Learning, run against the emulator as it is: nothing of this project is imported.

The variables that `aml-emulator env` prints are in its environment; its one argument is an empty folder to work in.
"""

import json
import os
import sys
import time
from pathlib import Path

from azure.ai.ml import Input, MLClient, Output, command
from azure.ai.ml.entities import (
    AmlCompute,
    CodeConfiguration,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    Workspace,
)
from azure.identity import DefaultAzureCredential
from azure.mgmt.resource.resources import ResourceManagementClient

TRAIN = """
import argparse, json, os
import mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=int)
parser.add_argument("--data")
parser.add_argument("--model")
options = parser.parse_args()
print("training with factor", options.factor)
with mlflow.start_run():
    mlflow.log_param("factor", options.factor)
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
data = open(options.data).read()
os.makedirs(options.model, exist_ok=True)
json.dump({"factor": options.factor, "data": data}, open(os.path.join(options.model, "model.json"), "w"))
os.makedirs("outputs", exist_ok=True)
open("outputs/note.txt", "w").write("trained")
"""

SCORE = """
import json, os
def init():
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]
    path = next(os.path.join(r, "model.json") for r, _, f in os.walk(folder) if "model.json" in f)
    model = json.load(open(path))
def run(raw):
    return [number * model["factor"] for number in json.loads(raw)["data"]]
"""

CONDA = f"""
dependencies:
  - python={sys.version_info.major}.{sys.version_info.minor}
  - pip:
      - mlflow-skinny
      - azureml-inference-server-http
"""


def main(folder: Path) -> None:
    for name, text in (
        ("train/train.py", TRAIN),
        ("score/score.py", SCORE),
        ("conda.yml", CONDA),
        ("data.txt", "seen"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    subscription, group, workspace = os.environ["AZURE_SUBSCRIPTION_ID"], "unmodified", "unmodified-workspace"
    credential = DefaultAzureCredential()
    arm = os.environ["ARM_CLOUD_METADATA_URL"].removesuffix("/metadata/endpoints")
    ResourceManagementClient(
        credential, subscription, base_url=arm, credential_scopes=[f"{arm}/.default"]
    ).resource_groups.create_or_update(group, {"location": "westeurope"})

    client = MLClient(credential, subscription, group, workspace)
    client.workspaces.begin_create(Workspace(name=workspace, location="westeurope")).result()
    client.compute.begin_create_or_update(
        AmlCompute(name="cpu-cluster", size="Standard_DS3_v2", max_instances=2)
    ).result()
    environment = Environment(name="both", image="mcr.microsoft.com/azureml/base", conda_file=folder / "conda.yml")
    environment = client.environments.create_or_update(environment)

    job = client.jobs.create_or_update(
        command(
            code=folder / "train",
            command="python train.py --factor ${{inputs.factor}} --data ${{inputs.data}} --model ${{outputs.model}}",
            inputs={"factor": 3, "data": Input(type="uri_file", path=str(folder / "data.txt"))},
            outputs={"model": Output(type="uri_folder")},
            environment="both@latest",
            compute="cpu-cluster",
            experiment_name="unmodified",
        )
    )
    client.jobs.stream(job.name)
    job = client.jobs.get(job.name)
    client.jobs.download(job.name, download_path=folder / "logs")
    client.jobs.download(job.name, download_path=folder / "named", output_name="model")

    path = f"azureml://jobs/{job.name}/outputs/model/paths/"
    model = client.models.create_or_update(Model(name="tripler", path=path))
    client.models.download("tripler", model.version, download_path=folder / "registered")

    endpoint_name = f"unmodified-{int(time.time()) % 100000}"
    client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=endpoint_name, auth_mode="key")).result()
    client.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name="blue",
            endpoint_name=endpoint_name,
            model="tripler@latest",
            code_configuration=CodeConfiguration(code=str(folder / "score"), scoring_script="score.py"),
            environment="both@latest",
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
    ).result()
    endpoint = client.online_endpoints.get(endpoint_name)
    endpoint.traffic = {"blue": 100}
    client.online_endpoints.begin_create_or_update(endpoint).result()
    (folder / "request.json").write_text(json.dumps({"data": [1, 2, 3]}))
    prediction = client.online_endpoints.invoke(endpoint_name, request_file=folder / "request.json")
    logs = client.online_deployments.get_logs("blue", endpoint_name, lines=50)

    report = {
        "status": job.status,
        "studio_url": job.studio_url,
        "children": [child.name for child in client.jobs.list(parent_job_name=job.name)],
        "logs": sorted(str(file.relative_to(folder)) for file in (folder / "logs").rglob("*") if file.is_file()),
        "named": json.loads(next((folder / "named").rglob("model.json")).read_text()),
        "registered": json.loads(next((folder / "registered").rglob("model.json")).read_text()),
        "model_path": model.path,
        "model_job": model.job_name,
        "traffic": client.online_endpoints.get(endpoint_name).traffic,
        "prediction": prediction,
        "deployment_logs": logs,
    }
    client.online_endpoints.begin_delete(endpoint_name).result()
    client.compute.begin_delete("cpu-cluster").result()
    client.workspaces.begin_delete(workspace, delete_dependent_resources=False).result()
    report["left"] = [found.name for found in client.workspaces.list()]
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
