"""A repository of the legacy actions keeps its run_config.yml: what becomes of each key."""

import shlex
from pathlib import Path

import pytest

from aml_actions.errors import ActionError, InvalidSettings
from aml_run import runconfig, yaml_text
from aml_run.launchers import Distribution
from aml_run.runconfig import RunConfig
from aml_run.training_environment import CURRENT_IMAGE
from aml_run.translate import CommandSettings, translate

TEMPLATE = """\
# The file of the template that most legacy repositories began with: SDK v1 wrote every key it knew.
script: train.py
arguments: [
  "--kernel", "linear",
  "--penalty", 1.0
]
target: githubcluster
framework: Python
communicator: None
maxRunDurationSeconds:
nodeCount: 1
environment:
  name: data_gen_environment
  version:
  environmentVariables:
    EXAMPLE_ENV_VAR: EXAMPLE_VALUE
  python:
    userManagedDependencies: false
    interpreterPath: python
    condaDependenciesFile: environment.yml
    baseCondaEnvironment:
  docker:
    enabled: true
    baseImage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04
    baseDockerfile:
    sharedVolumes: true
    shmSize: 2g
    arguments: []
    baseImageRegistry:
      address:
      username:
      password:
  spark:
    repositories: []
    packages: []
    precachePackages: true
  databricks:
    mavenLibraries: []
    pypiLibraries: []
    rcranLibraries: []
    jarLibraries: []
    eggLibraries: []
  r:
  inferencingStackVersion:
history:
  outputCollection: true
  snapshotProject: true
  directoriesToWatch:
  - logs
spark:
  configuration:
    spark.app.name: Azure ML Experiment
    spark.yarn.maxAppAttempts: 1
hdi:
  yarnDeployMode: cluster
tensorflow:
  workerCount: 1
  parameterServerCount: 1
mpi:
  processCountPerNode: 1
dataReferences: {}
data: {}
sourceDirectoryDataStore:
amlcompute:
  vmSize:
  vmPriority:
  retainCluster: false
  name:
  clusterMaxNodeCount:
"""

SHORT = """\
script: train.py
target: cpu-cluster
environment:
  python:
    condaDependenciesFile: environment.yml
  docker:
    baseImage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20240709.v1
"""

SNAKE_CASE = """\
script: train.py
target: cpu-cluster
node_count: 2
max_run_duration_seconds: 3600
environment:
  python:
    conda_dependencies_file: environment.yml
    user_managed_dependencies: false
  docker:
    base_image: registry.example.com/train:1
"""

BEFORE_2019 = """\
ArgumentVector:
- train.py
Target: cpu-cluster
Framework: Python
CondaDependenciesFile: environment.yml
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the training code."""
    code = tmp_path / "code" / "train"
    code.mkdir(parents=True)
    (code / "train.py").write_text("print('hello')\n")
    (code / "environment.yml").write_text("dependencies:\n- python=3.11\n")
    return code


def read(folder: Path, text: str, name: str = "run_config.yml") -> RunConfig:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return runconfig.read(yaml_text.load(file, name), file, name)


def job_of(folder: Path, text: str) -> CommandSettings:
    return translate(read(folder, text))


def problems_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        job_of(folder, text)
    return [str(problem) for problem in caught.value.problems]


def warnings_of(folder: Path, text: str) -> list[str]:
    config = read(folder, text)
    translate(config)
    return config.warnings


# --- what is translated


def test_the_template_s_file_runs_as_it_is(folder: Path) -> None:
    config = read(folder, TEMPLATE)
    job = translate(config)

    assert job.command == "python train.py --kernel linear --penalty 1.0"
    assert job.compute == "githubcluster"
    assert job.code == folder
    assert job.nodes == 1
    assert job.environment.image == "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest"
    assert job.environment.conda == folder / "environment.yml"
    assert job.environment_variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert (job.distribution, job.timeout, job.shm_size, job.docker_args) == (None, None, "", "")
    assert config.warnings == []
    assert [note.split("`")[1] for note in config.notes] == ["environment.name"]


def test_the_enterprise_template_s_file_runs_with_what_is_outdated_named(folder: Path) -> None:
    image = "mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04"
    (folder / "environment.yml").write_text("dependencies:\n- python=3.6.2\n- pip:\n  - scikit-learn==0.23.1\n")
    text = TEMPLATE.replace("githubcluster", "igniteCluster").replace(
        "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", image
    )
    config = read(folder, text)
    job = translate(config)
    assert (job.compute, job.environment.image) == ("igniteCluster", image)
    old, retired = config.warnings
    assert CURRENT_IMAGE in retired
    assert "python=3.6.2" in old


def test_a_tag_of_the_image_stays(folder: Path) -> None:
    assert job_of(folder, SHORT).environment.image.endswith("ubuntu22.04:20240709.v1")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("registry.example.com:5000/train", "registry.example.com:5000/train:latest"),
        ("registry.example.com:5000/train:2", "registry.example.com:5000/train:2"),
        ("train@sha256:abc", "train@sha256:abc"),
    ],
)
def test_an_image_without_a_tag_is_the_latest_one(folder: Path, written: str, meant: str) -> None:
    text = SHORT.replace("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20240709.v1", written)
    assert job_of(folder, text).environment.image == meant


def test_keys_in_snake_case_mean_the_same(folder: Path) -> None:
    job = job_of(folder, SNAKE_CASE)
    assert (job.nodes, job.timeout) == (2, 3600)
    assert job.environment.image == "registry.example.com/train:1"
    assert job.environment.conda == folder / "environment.yml"


@pytest.mark.parametrize(
    "argument",
    [
        "two words",
        "it's",
        '"quoted"',
        "$HOME",
        "`id`",
        "$(id)",
        "a;b",
        "a&&b",
        "*",
        "yes",
        "010",
        "1e-3",
        "1.50",
        "true",
        "~x",
    ],
)
def test_each_argument_reaches_the_script_as_it_is_written(folder: Path, argument: str) -> None:
    quoted = (
        argument
        if argument in ("yes", "010", "1e-3", "1.50", "true", "~x")
        else "'" + argument.replace("'", "''") + "'"
    )
    job = job_of(folder, SHORT + f"arguments: [--name, {quoted}]\n")
    assert shlex.split(job.command) == ["python", "train.py", "--name", argument]


def test_a_command_goes_to_the_shell_as_in_v1(folder: Path) -> None:
    text = SHORT.replace("script: train.py", "command: python -m pkg && echo done")
    assert job_of(folder, text).command == "python -m pkg && echo done"


def test_a_command_as_a_list_is_one_command(folder: Path) -> None:
    text = SHORT.replace("script: train.py", "command: [python, train.py, --name, two words]")
    assert shlex.split(job_of(folder, text).command) == ["python", "train.py", "--name", "two words"]


def test_variables_of_the_run_win_over_those_of_the_environment(folder: Path) -> None:
    text = (
        SHORT
        + "  environmentVariables: {A: environment, B: environment}\nenvironmentVariables: {A: run, C: '', D: no}\n"
    )
    assert job_of(folder, text).environment_variables == {"A": "run", "B": "environment", "C": "", "D": "no"}


def test_a_file_in_dot_azureml_uploads_the_folder_above(folder: Path) -> None:
    (folder / ".azureml").mkdir()
    (folder / ".azureml" / "environment.yml").write_text("dependencies:\n- python=3.11\n")
    job = translate(read(folder, SHORT, ".azureml/train.runconfig"))
    assert job.code == folder
    assert job.environment.conda == folder / ".azureml" / "environment.yml"


def test_an_environment_in_its_own_file_is_read(folder: Path) -> None:
    (folder / "env.yml").write_text("python:\n  condaDependenciesFile: environment.yml\ndocker: {baseImage: 'x:1'}\n")
    job = job_of(folder, "script: train.py\ntarget: cpu\nenvironment: env.yml\n")
    assert (job.environment.image, job.environment.conda) == ("x:1", folder / "environment.yml")


def test_conda_dependencies_may_stand_in_the_file_itself(folder: Path) -> None:
    text = SHORT.replace(
        "condaDependenciesFile: environment.yml", "condaDependencies: {dependencies: [python=3.10, {pip: [x]}]}"
    )
    assert job_of(folder, text).environment.conda == {"dependencies": ["python=3.10", {"pip": ["x"]}]}


def test_a_user_managed_image_gets_no_conda_environment(folder: Path) -> None:
    text = SHORT.replace("condaDependenciesFile: environment.yml", "userManagedDependencies: true")
    environment = job_of(folder, text).environment
    assert environment.conda is None
    assert environment.image


def test_a_dockerfile_may_be_text_or_a_path(folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM python:3.11\n")
    by_path = "script: train.py\ntarget: cpu\nenvironment:\n  python: {userManagedDependencies: true}\n  docker: {baseDockerfile: %s}\n"
    assert job_of(folder, by_path % "Dockerfile").environment.dockerfile == "FROM python:3.11\n"
    assert (
        job_of(folder, by_path % '"FROM python:3.12\\nRUN true\\n"').environment.dockerfile
        == "FROM python:3.12\nRUN true\n"
    )


def test_conda_packages_beside_a_dockerfile_are_kept(folder: Path) -> None:
    text = SHORT.replace(
        "baseImage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20240709.v1", 'baseDockerfile: "FROM x\\n"'
    )
    environment = job_of(folder, text).environment
    assert (environment.dockerfile, environment.conda) == ("FROM x\n", folder / "environment.yml")
    assert environment.image == ""


def test_a_build_context_elsewhere_is_kept(folder: Path) -> None:
    text = "script: train.py\ntarget: cpu\nenvironment:\n  python: {userManagedDependencies: true}\n  docker: {buildContext: %s}\n"
    address = "https://github.com/octo/images.git#main:train"
    environment = job_of(
        folder, text % f"{{locationType: git, location: '{address}', dockerfilePath: a/Dockerfile}}"
    ).environment
    assert (environment.context, environment.dockerfile_path, environment.image) == (address, "a/Dockerfile", "")
    (problem,) = problems_of(folder, text % "{location: ../images}")
    assert "../images" in problem


def test_the_size_of_a_kubernetes_instance_is_kept(folder: Path) -> None:
    assert job_of(folder, SHORT + "kubernetescompute: {instanceType: large}\n").instance_type == "large"


def test_docker_settings_of_both_places_are_kept(folder: Path) -> None:
    job = job_of(folder, SHORT + "docker: {shmSize: 16g, arguments: ['--ulimit', 'a b']}\n")
    assert job.shm_size == "16g"
    assert shlex.split(job.docker_args) == ["--ulimit", "a b"]
    assert job_of(folder, SHORT + "    shmSize: 8g\n").shm_size == "8g"


@pytest.mark.parametrize(
    ("text", "distribution", "nodes"),
    [
        ("communicator: OpenMpi\nnodeCount: 2\nmpi: {processCountPerNode: 4}\n", Distribution("mpi", 4), 2),
        ("communicator: IntelMpi\nmpi: {nodeCount: 3}\n", Distribution("mpi", 1), 3),
        (
            "framework: PyTorch\ncommunicator: Nccl\nnodeCount: 2\npytorch: {processCount: 8}\n",
            Distribution("pytorch", 4),
            2,
        ),
        ("framework: PyTorch\ncommunicator: gloo\nnodeCount: 2\n", Distribution("pytorch", 1), 2),
        (
            "framework: TensorFlow\ncommunicator: ParameterServer\nnodeCount: 2\ntensorflow: {workerCount: 2}\n",
            Distribution("tensorflow", workers=2, parameter_servers=1),
            2,
        ),
        (
            "communicator: ParameterServer\ntensorflow: {parameterServerCount: 3}\n",
            Distribution("tensorflow", workers=1, parameter_servers=3),
            1,
        ),
        ("nodeCount: 2\nmpi: {nodeCount: 3}\n", None, 2),
    ],
)
def test_distributed_training_keeps_its_launcher(
    folder: Path, text: str, distribution: Distribution | None, nodes: int
) -> None:
    job = job_of(folder, SHORT + text)
    assert (job.distribution, job.nodes) == (distribution, nodes)


# --- what is said and left out


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("history: {snapshotProject: false}\n", "history.snapshotProject"),
        ("history: {directoriesToWatch: [logs, more]}\n", "history.directoriesToWatch"),
        ("amlcompute: {retainCluster: true}\n", "amlcompute.retainCluster"),
        ("docker: {sharedVolumes: false}\n", "docker.sharedVolumes"),
        ("priority: 3\n", "priority"),
        ("services: {a: {type: Jupyter}}\n", "services"),
        ("mpi: {processCountPerNode: 4}\n", "mpi.processCountPerNode"),
        ("communicator: OpenMpi\ntensorflow: {workerCount: 4}\n", "tensorflow.workerCount"),
        ("framework: PyTorch\npytorch: {processCount: 4}\n", "pytorch.processCount"),
    ],
)
def test_a_key_without_effect_is_named_in_a_warning(folder: Path, text: str, key: str) -> None:
    assert [warning for warning in warnings_of(folder, SHORT + text) if f"`{key}`" in warning]


def test_credentials_of_a_registry_are_warned_of_and_not_printed(folder: Path) -> None:
    text = SHORT + "    baseImageRegistry: {address: my.azurecr.io, username: robot, password: hunter22}\n"
    config = read(folder, text)
    job = translate(config)
    assert job.environment.image.startswith("my.azurecr.io/mcr.")
    assert sum("private registry" in warning for warning in config.warnings) == 2
    assert "hunter22" not in str(config.warnings) + str(config.notes)


def test_an_unknown_key_is_ignored_with_the_nearest_one(folder: Path) -> None:
    (warning,) = warnings_of(folder, SHORT + "nodeCounts: 2\n")
    assert "`nodeCounts`" in warning
    assert "`nodeCount`?" in warning


@pytest.mark.parametrize(
    "image",
    ["mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04", "mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04"],
)
def test_a_retired_image_is_used_with_a_warning_that_names_a_current_one(folder: Path, image: str) -> None:
    text = SHORT.replace("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20240709.v1", image)
    config = read(folder, text)
    assert translate(config).environment.image.startswith(image)
    assert CURRENT_IMAGE in config.warnings[0]


@pytest.mark.parametrize("line", ["python=3.6.2", "python=3.8.12", "python==3.7", "python = 3.8.*", "python=2.7"])
def test_an_old_python_is_warned_of(folder: Path, line: str) -> None:
    (folder / "environment.yml").write_text(f"dependencies:\n- {line}\n")
    (warning,) = warnings_of(folder, SHORT)
    assert "end of life" in warning


@pytest.mark.parametrize(
    "line", ["python=3.9", "python=3.10", "python=3.11.4", "python>=3.9", "python-dateutil=2.8", "ipython=2.1"]
)
def test_other_versions_are_not(folder: Path, line: str) -> None:
    (folder / "environment.yml").write_text(f"dependencies:\n- {line}\n")
    assert warnings_of(folder, SHORT) == []


def test_without_an_image_the_current_one_is_used_and_named(folder: Path) -> None:
    text = "script: train.py\ntarget: cpu\nenvironment:\n  python: {condaDependenciesFile: environment.yml}\n"
    config = read(folder, text)
    assert translate(config).environment.image == CURRENT_IMAGE
    assert CURRENT_IMAGE in config.warnings[0]


# --- what stops the step


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("framework: PySpark\n", "PySpark"),
        ("framework: CNTK\n", "CNTK"),
        ("communicator: Horovod\n", "communicator"),
        ("spark: {configuration: {spark.executor.cores: 4}}\n", "`spark.configuration`"),
        ("hdi: {yarnDeployMode: client}\n", "`hdi.yarnDeployMode`"),
        ("dataReferences: {d: {dataStoreName: x}}\n", "`dataReferences`"),
        ("data: {d: {}}\n", "`data`"),
        ("outputData: {d: {mechanism: upload}}\n", "`outputData`"),
        ("sourceDirectoryDataStore: mystore\n", "`sourceDirectoryDataStore`"),
        ("amlcompute: {vmSize: Standard_D2_v2}\n", "`amlcompute.vmSize`"),
        ("paralleltask: {maxRetriesPerWorker: 2}\n", "`paralleltask.maxRetriesPerWorker`"),
        ("credentialPassthrough: true\n", "`credentialPassthrough`"),
        ("nodeCount: two\n", "`nodeCount`"),
        ("nodeCount: 0\n", "`nodeCount`"),
        ("maxRunDurationSeconds: 1h\n", "`maxRunDurationSeconds`"),
        ("communicator: OpenMpi\nnodeCount: 2\nmpi: {nodeCount: 3}\n", "nodeCount: 2, mpi.nodeCount: 3"),
        ("datacaches: [{datacacheId: x}]\n", "`datacaches`"),
        ("autoClusterComputeSpecification: {a: b}\n", "`autoClusterComputeSpecification`"),
        ("nodeCount: " + "9" * 5000 + "\n", "`nodeCount`"),
        ("communicator: ParallelTask\n", "communicator"),
        ("framework: PyTorch\ncommunicator: Nccl\nnodeCount: 2\npytorch: {processCount: 3}\n", "3 processes, 2 nodes"),
        ("arguments: ['--x', '${{ inputs.x }}']\n", "${{"),
        ("arguments: [[a], b]\n", "`arguments`"),
        ("environmentVariables: [a]\n", "`environmentVariables`"),
        ("command: echo\n", "both `script` and `command`"),
        ("history: 3\n", "`history` must hold keys"),
    ],
)
def test_a_key_that_would_change_the_job_is_refused_by_name(folder: Path, text: str, said: str) -> None:
    (problem,) = problems_of(folder, SHORT + text)
    assert said in problem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("script: train.py", "script: missing.py", "missing.py"),
        ("script: train.py", "nodeCount: 1", "neither `script` nor `command`"),
        ("target: cpu-cluster", "target: local", "`target`"),
        ("target: cpu-cluster\n", "", "`target`"),
        ("condaDependenciesFile: environment.yml", "condaDependenciesFile: missing.yml", "missing.yml"),
        ("condaDependenciesFile: environment.yml", "interpreterPath: python", "no conda file"),
        (
            "condaDependenciesFile: environment.yml",
            "userManagedDependencies: perhaps",
            "`environment.python.userManagedDependencies`",
        ),
    ],
)
def test_a_file_that_lacks_something_says_what(folder: Path, old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems_of(folder, SHORT.replace(old, new)))


def test_user_managed_without_an_image_has_nothing_to_run_in(folder: Path) -> None:
    text = "script: train.py\ntarget: cpu\nenvironment:\n  python: {userManagedDependencies: true}\n"
    (problem,) = problems_of(folder, text)
    assert "userManagedDependencies" in problem


@pytest.mark.parametrize(
    "docker",
    [
        "docker: {baseImage: 'x:1', baseDockerfile: \"FROM x\\n\"}",
        "docker: {baseImage: 'x:1', buildContext: {location: 'https://github.com/octo/images.git'}}",
    ],
)
def test_two_things_to_build_the_environment_from_are_one_too_many(folder: Path, docker: str) -> None:
    text = f"script: train.py\ntarget: cpu\nenvironment:\n  python: {{userManagedDependencies: true}}\n  {docker}\n"
    (problem,) = problems_of(folder, text)
    assert "`baseImage` and `" in problem


def test_a_dockerfile_that_is_neither_a_file_nor_its_text(folder: Path) -> None:
    text = "script: train.py\ntarget: cpu\nenvironment: {python: {userManagedDependencies: true}, docker: {baseDockerfile: ./Dokcerfile}}\n"
    (problem,) = problems_of(folder, text)
    assert "./Dokcerfile" in problem


def test_a_conda_file_that_is_no_text_is_an_error_like_any_other(folder: Path) -> None:
    (folder / "environment.yml").write_bytes(b"\xff\x00")
    (problem,) = problems_of(folder, SHORT)
    assert "environment.yml" in problem


def test_a_conda_file_in_the_place_of_the_environment_is_recognised(folder: Path) -> None:
    problems = problems_of(folder, "script: train.py\ntarget: cpu\nenvironment: environment.yml\n")
    assert "condaDependenciesFile: environment.yml" in problems[0]


def test_all_problems_are_told_at_once(folder: Path) -> None:
    text = SHORT.replace("script: train.py", "script: no.py") + "nodeCount: x\ndata: {d: {}}\n"
    assert len(problems_of(folder, text)) == 3


def test_broken_yaml_is_shown_with_its_line(folder: Path) -> None:
    (folder / "run_config.yml").write_text("script: train.py\n target: x\n")
    with pytest.raises(ActionError) as caught:
        yaml_text.load(folder / "run_config.yml", "code/train/run_config.yml")
    assert "line 2" in str(caught.value)
    assert "target: x" in str(caught.value)
