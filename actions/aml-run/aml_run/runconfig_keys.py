"""Every key of a v1 run configuration (azureml-core 1.3 to 1.61), and what becomes of it in a v2 job.

Facts: the classes of ``azureml.core.runconfig`` and ``azureml.core.environment`` with their defaults. A key that holds its
default, or nothing, says nothing: files that SDK v1 wrote hold all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Treatment = Literal["used", "noted", "warned", "refused"]
"""What happens to a key whose value is not the default.

used: it is translated. noted: it changes nothing in a v2 job; a log line says so. warned: the job runs without it; an annotation
says so. refused: the job would not be the one that was meant.
"""


@dataclass(frozen=True)
class Rule:
    """The treatment of one key.

    Attributes:
        treatment: see `Treatment`.
        default: values that mean "not set", in lower case, as the text in the file.
        why: the sense of the message for a key that is not used.
        fix: what to do instead.

    """

    treatment: Treatment
    default: tuple[str, ...] = ()
    why: str = ""
    fix: str = ""


_JOB_FILE = "write a v2 job YAML and name it with `job_file` in the parameters file"
_USED = Rule("used")


def _used(*default: str) -> Rule:
    return Rule("used", default)


def _noted(why: str, *default: str) -> Rule:
    return Rule("noted", default, why)


def _warned(why: str, *default: str, fix: str = "") -> Rule:
    return Rule("warned", default, why, fix)


def _refused(why: str, *default: str, fix: str = "") -> Rule:
    return Rule("refused", default, why, fix or _JOB_FILE)


_SPARK = "Spark jobs are another kind of job in v2"
_DATA = "v1 data bindings have no translation; in a v2 job they are `inputs` and `outputs`"
_CLUSTER = (
    "SDK v1 made a cluster for the run; v2 uses an existing one, or serverless compute (`resources.instance_type`)"
)
_HISTORY = "v2 always records logs, metrics, outputs and the snapshot"
_VOLUMES = "there is no such switch in v2"
_REGISTRY = "credentials of a private registry are not sent with a job in v2"
_REGISTRY_FIX = "give the compute's identity pull rights on the registry, or make a workspace connection for it"
_SERVICES = "interactive applications are not carried over; in a v2 job they are `services`"
_IN_CONTAINER = "a v2 job always runs in a container"

RULES: dict[str, Rule] = {
    "script": _USED,
    "arguments": _USED,
    "command": _USED,
    "target": _USED,
    "framework": _used("python"),
    "communicator": _used("none"),
    "maxRunDurationSeconds": _USED,
    "nodeCount": _used("1"),
    "priority": _warned("v2 has priorities by name only (`queue_settings`), for some kinds of compute"),
    "environmentVariables": _USED,
    "environment.name": _noted("the environment is submitted by its content; v2 names and versions it by a hash"),
    "environment.version": _noted("the environment is submitted by its content; v2 names and versions it by a hash"),
    "environment.environmentVariables": _USED,
    "environment.assetId": _noted("the environment is submitted by its content; v2 names and versions it by a hash"),
    "environment.inferencingStackVersion": _warned("it concerns deployments, not training"),
    "environment.python.userManagedDependencies": _used("false"),
    "environment.python.interpreterPath": _warned(
        "the interpreter is the one of the image or of the conda environment", "python"
    ),
    "environment.python.condaDependenciesFile": _USED,
    "environment.python.condaDependencies": _USED,
    "environment.python.baseCondaEnvironment": _refused("v2 builds a conda environment from its file alone"),
    "environment.docker.enabled": _noted(_IN_CONTAINER, "true"),
    "environment.docker.baseImage": _USED,
    "environment.docker.baseDockerfile": _USED,
    "environment.docker.buildContext.locationType": _noted("the address says it"),
    "environment.docker.buildContext.location": _USED,
    "environment.docker.buildContext.dockerfilePath": _used("dockerfile"),
    "environment.docker.baseImageRegistry.address": _USED,
    "environment.docker.baseImageRegistry.username": _warned(_REGISTRY, fix=_REGISTRY_FIX),
    "environment.docker.baseImageRegistry.password": _warned(_REGISTRY, fix=_REGISTRY_FIX),
    "environment.docker.platform.os": _refused("v2 jobs run on Linux", "linux"),
    "environment.docker.platform.architecture": _refused("v2 environments are built for amd64", "amd64"),
    "environment.docker.sharedVolumes": _warned(_VOLUMES, "true"),
    "environment.docker.shmSize": _used("2g"),
    "environment.docker.arguments": _USED,
    "environment.docker.gpuSupport": _noted("the image and the size of the compute decide about GPUs", "false"),
    "environment.spark.repositories": _refused(_SPARK),
    "environment.spark.packages": _refused(_SPARK),
    "environment.spark.precachePackages": _refused(_SPARK, "true", "false"),
    "environment.databricks.mavenLibraries": _refused("Databricks is no compute of v2 jobs"),
    "environment.databricks.pypiLibraries": _refused("Databricks is no compute of v2 jobs"),
    "environment.databricks.rcranLibraries": _refused("Databricks is no compute of v2 jobs"),
    "environment.databricks.jarLibraries": _refused("Databricks is no compute of v2 jobs"),
    "environment.databricks.eggLibraries": _refused("Databricks is no compute of v2 jobs"),
    "environment.r": _refused("R environments are not built by v2; use an image with R"),
    "docker.useDocker": _noted(_IN_CONTAINER, "true"),
    "docker.sharedVolumes": _warned(_VOLUMES, "true"),
    "docker.arguments": _USED,
    "docker.shmSize": _used("2g"),
    "history.outputCollection": _warned(_HISTORY, "true"),
    "history.snapshotProject": _warned(_HISTORY, "true"),
    "history.directoriesToWatch": _warned("v2 collects the folders outputs and logs", "logs"),
    "history.ambientAuthentication": _warned("v2 signs in by the job's `identity`"),
    "spark.configuration": _refused(_SPARK, "{spark.app.name: azure ml experiment, spark.yarn.maxappattempts: 1}"),
    "hdi.yarnDeployMode": _refused("HDInsight is no compute of v2 jobs", "cluster"),
    "tensorflow.workerCount": _used("1"),
    "tensorflow.parameterServerCount": _used("1"),
    "mpi.processCountPerNode": _used("1"),
    "mpi.nodeCount": _used("1"),
    "pytorch.communicationBackend": _noted("the script names the backend itself, in `init_process_group`", "nccl"),
    "pytorch.processCount": _USED,
    "pytorch.nodeCount": _used("1"),
    "paralleltask.maxRetriesPerWorker": _refused("parallel tasks of v1 have no translation", "0"),
    "paralleltask.workerCountPerNode": _refused("parallel tasks of v1 have no translation", "1"),
    "paralleltask.terminalExitCodes": _refused("parallel tasks of v1 have no translation"),
    "dataReferences": _refused(_DATA),
    "data": _refused(_DATA),
    "datacaches": _refused(_DATA),
    "outputData": _refused(_DATA),
    "sourceDirectoryDataStore": _refused("v2 keeps the snapshot in the workspace's own store"),
    "autoClusterComputeSpecification": _refused(_CLUSTER),
    "kubernetescompute.instanceType": _USED,
    "amlcompute.vmSize": _refused(_CLUSTER),
    "amlcompute.vmPriority": _refused(_CLUSTER),
    "amlcompute.name": _warned(_CLUSTER),
    "amlcompute.retainCluster": _warned(_CLUSTER, "false"),
    "amlcompute.clusterMaxNodeCount": _warned(_CLUSTER, "1"),
    "credentialPassthrough": _refused("in a v2 job it is `identity: {type: user_identity}`", "false"),
    "services": _warned(_SERVICES),
    "applicationEndpoints": _warned(_SERVICES),
    "autoPrepareEnvironment": _noted("SDK v1 no longer used it either", "true"),
}
"""The full path of each key, in the spelling of the files (camelCase; snake_case is understood too)."""

SECTIONS = frozenset(
    [
        "environment",
        "environment.python",
        "environment.docker",
        "environment.docker.baseImageRegistry",
        "environment.docker.buildContext",
        "environment.docker.platform",
        "environment.spark",
        "environment.databricks",
        "docker",
        "history",
        "spark",
        "hdi",
        "tensorflow",
        "mpi",
        "pytorch",
        "paralleltask",
        "amlcompute",
        "kubernetescompute",
    ]
)
"""Keys that hold other keys of this table."""

TITLE_CASE = frozenset(
    [
        "ArgumentVector",
        "Target",
        "Framework",
        "CondaDependenciesFile",
        "TrackedRun",
        "EnvironmentVariables",
        "SparkDependenciesFile",
        "UseSampling",
        "PrepareEnvironment",
        "Communicator",
    ]
)
"""Keys of the format before 2019; any of them marks it."""
