"""``python -m aml_actions validate`` as a person runs it on a repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.homes import actions_home  # noqa: F401 - a fixture of these tests
from support.steps import ROOT, write_parameters

from aml_actions.publish import publish
from aml_actions.validation.command import main

WORKFLOW = """\
on: push
jobs:
  train:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: Azure/aml-workspace@v1
        with: {azure_credentials: x, parameters_file: dev/workspace.json}
      - uses: ./.github/actions/aml-compute
      - uses: Azure/aml-compute@v1
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
          parameters_file: ../../settings/cluster.json
      - uses: someone/aml-run@main
        with: {parameters_file: "${{ matrix.file }}"}
"""


@pytest.fixture
def repository(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def validate(repository, capsys):
    """Run the command with ``--json`` and return its exit status and its files by name."""

    def run(*paths):
        code = main(["--json", *(str(path) for path in paths or [repository])])
        answer = json.loads(capsys.readouterr().out)
        return code, {one["file"]: one for one in answer["files"]}

    return run


def test_the_template_is_fine(capsys):
    assert main([str(ROOT / "example-repo")]) == 0
    out = capsys.readouterr().out
    assert out.count("ok      .cloud/.azure/") == 6
    assert out.rstrip().endswith("6 files: 6 ok")


def test_files_are_found_by_the_workflows_that_name_them(repository, validate):
    (repository / ".github" / "workflows" / "train.yml").write_text(WORKFLOW)
    write_parameters(repository, "dev/workspace.json", {"name": "ml-dev", "resource_group": "rg"})
    (repository / "settings").mkdir()
    (repository / "settings" / "cluster.json").write_text('{"name": "cpu", "min_nodes": -1}')
    code, files = validate()
    assert code == 1
    assert files[".cloud/.azure/dev/workspace.json"]["status"] == "ok"
    broken = files[".cloud/.azure/../../settings/cluster.json"]
    assert (broken["action"], broken["status"]) == ("aml-compute", "error")
    assert [(one["file"], one["key"], one["line"]) for one in broken["findings"]] == [
        ("settings/cluster.json", "min_nodes", 1)
    ]
    assert "used by .github/workflows/train.yml" in broken["because"]
    assert not any("matrix" in file for file in files), "known only when the workflow runs"


def test_a_file_that_a_workflow_names_and_that_is_not_there(repository, validate):
    (repository / ".github" / "workflows" / "train.yml").write_text(WORKFLOW)
    code, files = validate()
    (finding,) = files[".cloud/.azure/dev/workspace.json"]["findings"]
    assert code == 1
    assert "is missing" in finding["message"]


def test_the_defaults_of_an_action_without_a_file_are_judged_too(repository, validate):
    (repository / ".github" / "workflows" / "deploy.yml").write_text(
        "jobs: {a: {steps: [{uses: Azure/aml-deploy@v1}]}}"
    )
    code, files = validate()
    assert code == 1
    assert {one["message"] for one in files[".cloud/.azure/deploy.json"]["findings"]} >= {
        "The folder that inference_source_directory names does not exist."
    }


@pytest.mark.parametrize(
    ("name", "content", "action"),
    [
        ("workspace.json", {}, "aml-workspace"),
        ("compute.yml", "name: cpu-cluster", "aml-compute"),
        ("deploy_aci.json", {"name": "svc", "test_enabled": False}, "aml-deploy"),
        ("nightly.json", {"vm_size": "Standard_DS3_v2", "compute_type": "amlcluster"}, "aml-compute"),
        ("dev.json", {"name": "cpu", "compute_type": "amlcluster", "whatever": 1}, "aml-compute"),
        ("test/test_workspace.json", {"name": "x-ws", "resource_group": "y"}, "aml-workspace"),
        ("arm.json", {"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {}, "resources": []}, None),
        ("broken_run.json", "{", "aml-run"),
    ],
)
def test_a_file_belongs_to_an_action_by_its_name_or_its_keys(repository, validate, name, content, action):
    write_parameters(repository, name, content)
    _, files = validate()
    assert files[f".cloud/.azure/{name}"]["action"] == action


def test_the_hand_off_file_is_no_parameters_file(repository, validate):
    write_parameters(repository, "aml_arm_config.json", {"Scope": "x"})
    assert validate() == (0, {})


def test_a_file_with_several_findings_of_several_files(repository, validate):
    write_parameters(
        repository, "run.json", '{\n  // which\n  "runconfig_yaml_file": "train/run.yml",\n  "vm_size": 1\n}'
    )
    (repository / "train").mkdir()
    (repository / "train" / "run.yml").write_text("script: train.py\ntarget: cpu\nframework: PySpark\n")
    code, files = validate()
    found = files[".cloud/.azure/run.json"]
    assert code == 1
    assert {(one["level"], one["file"]) for one in found["findings"]} >= {
        ("warning", ".cloud/.azure/run.json"),
        ("error", "train/run.yml"),
    }
    assert any("it is a key of aml-compute (compute.json)" in one["message"] for one in found["findings"])


def test_one_file_by_its_path(repository, validate):
    file = write_parameters(repository, "test/quick_compute.json", {"name": "x"})
    write_parameters(repository, "workspace.json", "{")
    code, files = validate(file)
    assert code == 1
    assert list(files) == [".cloud/.azure/test/quick_compute.json"]


def test_a_file_of_another_kind_by_its_path(repository, validate):
    file = write_parameters(repository, "other.json", {"zzz": 1})
    code, files = validate(file)
    assert (code, files[".cloud/.azure/other.json"]["status"]) == (0, "warning")


def test_a_file_outside_the_folder_of_parameters_files(repository, validate):
    (repository / "x.json").write_text("{}")
    code, files = validate(repository / "x.json")
    (one,) = files.values()
    assert code == 1
    assert "is not below .cloud/.azure/" in one["findings"][0]["message"]


def test_a_path_that_is_not_there(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["/no/such/place"])
    assert ended.value.code == 2
    assert "there is no /no/such/place" in capsys.readouterr().err


def test_an_empty_repository_says_so(repository, capsys):
    assert main([str(repository)]) == 0
    assert "There is nothing to check" in capsys.readouterr().out


def test_a_workflow_that_is_not_yaml_is_a_warning(repository, validate):
    (repository / ".github" / "workflows" / "bad.yml").write_text("jobs:\n  a: b: c\n")
    code, files = validate()
    assert code == 0
    assert files[".github/workflows/bad.yml"]["status"] == "warning"


def test_the_text_shows_place_and_fix(repository, capsys):
    write_parameters(repository, "compute.json", '{\n  "name": "cpu",\n  "vm_priority": "cheap"\n}')
    assert main([str(repository)]) == 1
    out = capsys.readouterr().out
    assert "error   .cloud/.azure/compute.json" in out
    assert "  error: .cloud/.azure/compute.json:3: The value of vm_priority" in out
    assert "      Given: \"cheap\"\n      Allowed: 'dedicated' or 'lowpriority'" in out


def test_it_runs_from_the_published_repository(tmp_path, repository, actions_home):  # noqa: F811 - the fixture
    """A platform team has only that tree, and the environment that its own bootstrap makes."""
    write_parameters(repository, "compute.json", {"name": "x"})
    tree = tmp_path / "actions"
    publish(tree, source=ROOT, ref=None)
    made = subprocess.run(
        [
            sys.executable,
            str(tree / "shared" / "bootstrap" / "environment.py"),
            "--lock",
            str(tree / "requirements" / "actions.txt"),
            "--home",
            str(actions_home),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [Path(made.stdout.strip()), "-m", "aml_actions", "validate", "--json", str(repository)],
        env={**environment, "PYTHONPATH": str(tree / "shared"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["files"][0]["action"] == "aml-compute"


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["nonsense"], 2), (["--help"], 0), (["validate", "-h"], 0)])
def test_help_lists_the_commands(arguments, code):
    done = subprocess.run(
        [sys.executable, "-m", "aml_actions", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "validate" in done.stdout + done.stderr


def test_what_an_action_says_of_a_key_has_its_line(repository, validate):
    write_parameters(repository, "compute.json", '{\n  "name": "x-cluster",\n  "min_nodes": 5,\n  "max_nodes": 2\n}')
    _, files = validate()
    (finding,) = files[".cloud/.azure/compute.json"]["findings"]
    assert (finding["level"], finding["key"], finding["line"]) == ("error", "max_nodes", 4)
