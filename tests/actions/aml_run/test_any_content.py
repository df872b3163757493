"""Files that are almost right: whatever is changed in them, the answer is findings. Hypothesis looks for the exception."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aml_actions.spec import CheckContext
from aml_run import pipeline_v1_keys, runconfig_keys
from aml_run.check import check
from aml_run.parameters import RunParameters

RUN_CONFIG: dict[str, Any] = {
    "script": "train.py",
    "arguments": ["--x", "1"],
    "target": "cpu-cluster",
    "communicator": "OpenMpi",
    "mpi": {"processCountPerNode": "2"},
    "environment": {
        "environmentVariables": {"A": "b"},
        "python": {"condaDependenciesFile": "environment.yml"},
        "docker": {"baseImage": "registry.example.com/train:1", "arguments": []},
    },
}
STEP = {"type": "PythonScriptStep", "script_name": "train.py", "runconfig": "run_config.yml"}
PIPELINE: dict[str, Any] = {
    "pipeline": {
        "parameters": {
            "p": {"type": "string", "default": "x"},
            "q": {"type": "datapath", "default": {"datastore": "s", "path_on_datastore": "x"}},
        },
        "data_references": {"raw": {"datastore": "s", "path_on_datastore": "x"}, "set": {"dataset_name": "iris"}},
        "default_compute": "cpu-cluster",
        "steps": {
            "one": {
                **STEP,
                "inputs": {"i": {"source": "raw", "bind_mode": "download"}, "j": {"source": "q"}},
                "outputs": {"o": {"destination": "d", "datastore": "s"}},
                "arguments": ["input:i", "output:o", "parameter:p"],
                "parameters": {"p": {"source": "p"}, "n": "1"},
            },
            "two": {
                **STEP,
                "inputs": {"i": {"source": "d"}},
                "runconfig_parameters": {"NodeCount": "2"},
                "allow_reuse": "false",
            },
        },
    }
}
JOB: dict[str, Any] = {
    "type": "pipeline",
    "inputs": {"raw": {"type": "uri_folder", "path": "./data"}},
    "jobs": {"one": {"type": "command", "component": "component.yml"}, "two": {"type": "command", "code": "src"}},
}
DOCUMENTS = {"run configuration": RUN_CONFIG, "pipeline": PIPELINE, "job": JOB}

_KEYS = sorted(
    {key.rsplit(".", 1)[-1] for key in [*runconfig_keys.RULES, *runconfig_keys.SECTIONS]}
    | {*pipeline_v1_keys.PIPELINE, *pipeline_v1_keys.STEP, *pipeline_v1_keys.INPUT, *pipeline_v1_keys.OUTPUT}
    | {*pipeline_v1_keys.DATA_REFERENCE, *pipeline_v1_keys.OTHER_SECTIONS, "$schema", "jobs", "code", "<<", "a\0b"}
)
_TEXTS = [
    "train.py",
    "run_config.yml",
    "..",
    "/etc/passwd",
    "a\0b",
    "${{x}}",
    "input:x",
    "nan",
    "1e999",
    "9" * 5000,
    "'",
]
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(_TEXTS)
_keys = st.sampled_from(_KEYS) | st.text(max_size=5)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12
)


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A document that is right, but for a few changed, added and removed values, as YAML; now and then cut into."""
    document = copy.deepcopy(draw(st.sampled_from(sorted(DOCUMENTS)).map(DOCUMENTS.__getitem__)))
    for _ in range(draw(st.integers(1, 3))):
        at = document
        while isinstance(at, dict) and at:
            key = draw(st.sampled_from(sorted(at)))
            if not isinstance(at[key], dict) or draw(st.booleans()):
                at[key if draw(st.booleans()) else draw(_keys)] = draw(_values)
                break
            at = at[key]
    text = yaml.safe_dump(document, allow_unicode=True)
    place = draw(st.integers(0, len(text)))
    piece = draw(
        st.sampled_from(["", "", "", "*a", "&a ", "- ", "{", "[", "\t", ": ", "!!int ", "\n---\n", "<<: ", "\0"])
    )
    return text[:place] + piece + text[place:]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "environment.yml").write_text("dependencies: []\n")
    (tmp_path / "component.yml").write_text("type: command\ncode: .\n")
    return tmp_path


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(text=changed(), key=st.sampled_from(["job_file", "runconfig_yaml_file", "pipeline_yaml_file"]))
def test_a_file_that_is_almost_right_gets_findings_and_no_traceback(root: Path, text: str, key: str) -> None:
    data = text.encode("utf-8", "replace")
    for name in ("run_config.yml", "changed.yml"):  # a pipeline may name the changed file as its run configuration
        (root / name).write_bytes(data)
    findings = check(RunParameters(**{key: "changed.yml"}), CheckContext(root, ".cloud/.azure/run.json"))
    assert all(str(finding) for finding in [*findings.errors, *findings.warnings])


@pytest.mark.parametrize("name", ["run configuration", "pipeline"])
def test_the_documents_that_are_changed_are_right_before(root: Path, name: str) -> None:
    (root / "run_config.yml").write_text(yaml.safe_dump(RUN_CONFIG))
    (root / "a.yml").write_text(yaml.safe_dump(DOCUMENTS[name]))
    assert check(RunParameters(runconfig_yaml_file="a.yml"), CheckContext(root, "run.json")).errors == []
