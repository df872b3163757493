"""Which files are confusion matrices."""

import json
from typing import Any

import pytest

from aml_run.confusion import candidates, parse

MATRIX = {"class_labels": ["no", "yes"], "matrix": [[3, 1], [0, 4]]}


def file(data: Any, kind: str = "confusion_matrix") -> bytes:
    return json.dumps({"schema_type": kind, "schema_version": "1.0.0", "data": data}).encode()


def test_the_form_that_sdk_v1_and_mlflow_scripts_log() -> None:
    found = parse("name", "job", file(MATRIX))
    assert found is not None
    assert (found.labels, found.rows) == (["no", "yes"], [[3, 1], [0, 4]])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"7",
        file(MATRIX, "accuracy_table"),
        file({"class_labels": ["a"], "matrix": [[1, 2]]}),
        file({"class_labels": ["a", "b"], "matrix": [[1, 2]]}),
        file({"class_labels": ["a"], "matrix": [["<b>"]]}),
        file({"class_labels": ["a"], "matrix": [[True]]}),
        file({"class_labels": [], "matrix": []}),
        file({"class_labels": ["a"], "matrix": [[float("nan")]]}),
        file(None),
    ],
)
def test_anything_else_is_none(content: bytes) -> None:
    assert parse("name", "job", content) is None


def test_where_one_may_be() -> None:
    link = "aml://artifactId/ExperimentRun/dcid.job_1/"
    metrics = {
        "Confusion matrix": f"{link}Confusion matrix",
        "figure": f"{link}figure_1.png",
        "of another job": "aml://artifactId/ExperimentRun/dcid.job_2/Confusion matrix",
        "accuracy": 0.9,
    }
    files = ["eval/confusion_matrix.json", "confusion_matrix.png", "model.json", "Confusion matrix"]
    assert candidates("job_1", files, metrics) == [
        ("Confusion matrix", "Confusion matrix"),
        ("confusion_matrix", "eval/confusion_matrix.json"),
    ]
