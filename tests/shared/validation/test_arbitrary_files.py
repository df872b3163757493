"""Whatever lies in a repository: the answer is findings, never a traceback. Hypothesis looks for the exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aml_actions.discovery import find_actions
from aml_actions.settings import FOLDER
from aml_actions.spec import ActionSpec
from aml_actions.validation.command import validate

SPECS = [spec for spec in find_actions() if spec.parameters_file]
BY_NAME = {spec.name: spec for spec in SPECS}
STATUSES = {"ok", "warning", "error"}
POINTED_AT = {
    "aml-run": {
        "runconfig_yaml_file": "code/train/run_config.yml",
        "pipeline_yaml_file": "code/train/pipeline.yml",
        "runconfig_python_file": "code/train/run_config.py",
        "job_file": "code/train/job.yml",
    },
    "aml-deploy": {
        "inference_entry_script": "code/deploy/score.py",
        "conda_file": "code/deploy/environment.yml",
        "extra_docker_file_steps": "code/deploy/steps",
        "test_file_path": "code/test/test.py",
    },
}
"""The files that parameters lead to, by the key that names them."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["", "300", "true", "<your-name>", "azureml:x:1", "../..", "/etc/passwd", "${{ x }}", "\ud800", "a\0b"]
    )
)
words = st.sampled_from(
    [
        *sorted({key for spec in SPECS for key in spec.parameters.model_fields}),
        *("pipeline", "steps", "parameters", "data_references", "default_compute", "environment", "docker", "python"),
        *("baseImage", "condaDependenciesFile", "dependencies", "pip", "script", "arguments", "target", "type", "jobs"),
        *("command", "compute", "code", "$schema", "nodeCount", "source", "inputs", "outputs", "runconfig", "name"),
    ]
)
keys = words | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=25
)


def real_values(spec: ActionSpec) -> st.SearchStrategy[dict[str, Any]]:
    """Give files with the action's own keys: their examples, and anything else."""
    fields = spec.parameters.model_fields
    return st.fixed_dictionaries(
        {},
        optional={name: st.sampled_from(field.examples or [None]) | values for name, field in fields.items()},
    )


def judge(files: dict[str, bytes]) -> list[Any]:
    """Validate a repository with these files; assert that nothing was raised inside either."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        judged = validate(root, SPECS)
        json.dumps([one.as_json() for one in judged]).encode()
    for one in judged:
        assert one.status in STATUSES
        told = [problem.what for problem in one.findings.errors + one.findings.warnings]
        assert not [text for text in told if "could not be judged" in text]
        assert all(told)
    return judged


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_yaml(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=False).encode()


often = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
"""No deadline: a test that fails because a machine is busy says nothing."""


@pytest.mark.parametrize("name", BY_NAME)
@often
@given(content=st.binary(max_size=300), suffix=st.sampled_from([".json", ".yml"]))
@example(content=b"", suffix=".json")
@example(content=b"\xff\xfe{\x00}\x00", suffix=".json")
@example(content=b"[" * 100_000, suffix=".json")
@example(content=b'{"a":' * 50_000, suffix=".json")
@example(content=b"[" * 100_000, suffix=".yml")
@example(content=b"- " * 50_000, suffix=".yml")
@example(content=b" " * 2_000_000, suffix=".json")
@example(content=b"9" * 10_000, suffix=".json")
@example(content=b"9" * 10_000, suffix=".yml")
@example(content=b"a: &a [*a]", suffix=".yml")
@example(content=b"? [a, b]\n: c", suffix=".yml")
@example(content=b"!!python/object:os.system x", suffix=".yml")
@example(content=b"a: !!timestamp 2001-01-01", suffix=".yml")
@example(content=b"a: !!float x", suffix=".yml")
@example(content=b"a: !!set {x, y}", suffix=".yml")
@example(content=b"1: 2\ntrue: 3\n", suffix=".yml")
@example(content=b"<<: 5", suffix=".yml")
def test_bytes_as_a_parameters_file(name, content, suffix):
    file = BY_NAME[name].parameters_file.replace(".json", suffix)
    assert judge({f"{FOLDER.as_posix()}/{file}": content})


@pytest.mark.parametrize("name", BY_NAME)
@often
@given(data=st.data(), writer=st.sampled_from([as_json, as_yaml]))
def test_any_values_in_a_parameters_file(name, data, writer):
    spec = BY_NAME[name]
    content = data.draw(real_values(spec) | values)
    file = spec.parameters_file if writer is as_json else spec.parameters_file.replace(".json", ".yml")
    try:
        text = writer(content)
    except (UnicodeEncodeError, yaml.YAMLError):
        return
    assert judge({f"{FOLDER.as_posix()}/{file}": text})


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, files in POINTED_AT.items() for key in files])
@often
@given(data=st.data())
def test_anything_in_a_file_that_a_parameter_points_at(name, key, data):
    content = data.draw(st.binary(max_size=300) | values.filter(_dumps).map(as_yaml))
    files = {path: b"x = 1\n" for path in POINTED_AT[name].values() if path.endswith(".py") and name == "aml-deploy"}
    files[POINTED_AT[name][key]] = content
    parameters = {key: Path(POINTED_AT[name][key]).name if name == "aml-deploy" else POINTED_AT[name][key]}
    if key == "test_file_path":
        parameters = {key: POINTED_AT[name][key], "test_enabled": True}
    files[f"{FOLDER.as_posix()}/{BY_NAME[name].parameters_file}"] = as_json(parameters)
    assert judge(files)


@pytest.mark.parametrize("kind", ["run configuration", "pipeline", "job"])
@often
@given(data=st.data())
def test_anything_inside_the_keys_of_a_job_definition(kind, data):
    """Files that are recognised as what they should be, with anything inside."""
    inner = data.draw(st.dictionaries(keys, values, max_size=6).filter(_dumps))
    content = {
        "run configuration": {"script": "train.py", "target": "cpu", **inner},
        "pipeline": {
            "pipeline": {"steps": inner, **data.draw(st.dictionaries(keys, values, max_size=4).filter(_dumps))}
        },
        "job": {"$schema": "x", "type": "command", **inner},
    }[kind]
    assert judge(
        {
            ".cloud/.azure/run.json": as_json({"runconfig_yaml_file": "train/x.yml"}),
            "train/x.yml": as_yaml(content),
            "train/train.py": b"",
        }
    )


@often
@given(content=st.binary(max_size=300) | values.filter(lambda value: _dumps(value)).map(as_yaml))
@example(content=b"jobs: {a: {steps: [{uses: Azure/aml-run@v1, with: [x]}]}}")
@example(content=b"jobs: {a: {steps: [{uses: Azure/aml-run@v1, with: {parameters_file: ../../../../etc/passwd}}]}}")
@example(content=b"jobs: {a: {steps: [{uses: [aml-run]}, 5]}, b: 3}")
def test_anything_as_a_workflow(content):
    judge({".github/workflows/x.yml": content, ".cloud/.azure/run.json": b"{}"})


def _dumps(value: Any) -> bool:
    try:
        as_yaml(value)
    except (UnicodeEncodeError, yaml.YAMLError):
        return False
    return True


@pytest.mark.parametrize("suffix", [".json", ".yml"])
@pytest.mark.parametrize(
    "unit",
    [
        *(
            '"',
            "'",
            "\\",
            '\\"',
            '"\\"',
            "/*",
            "*/",
            "//",
            "#",
            ",",
            ", ",
            "{",
            "}",
            "[",
            "]",
            ":",
            "<your ",
            "your ",
            "<",
            " ",
        ),
        *(
            "password",
            "password:",
            '"a":',
            '"a":1,',
            "a: 1\n",
            "- ",
            "&a ",
            "*a ",
            "aB",
            "a-",
            "\t",
            "\r",
            "0",
            "e",
            "é",
        ),
    ],
)
def test_a_large_file_of_one_piece_is_judged_in_time_that_grows_with_its_size(unit, suffix):
    """Not timed: a search that looks again and again at the same characters would take hours for a quarter of a megabyte."""
    for before, after in (
        ("", ""),
        ('{"name": "', '"}'),
        ('{"x": 1, "', '": 2}'),
        ("name: ", "\n"),
        ('{"name": 1,', "}"),
    ):
        room = 256 * 1024 - len((before + after).encode())
        content = before + unit * (room // len(unit.encode())) + after
        assert judge({f"{FOLDER.as_posix()}/compute{suffix}": content.encode()})
