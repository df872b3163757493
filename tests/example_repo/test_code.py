"""The template's web service and its test, with a model that is really trained."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

Load = Callable[[str], ModuleType]


@pytest.fixture
def score(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The web service's code, started as the server starts it."""
    data = load_iris()
    joblib.dump(SVC(kernel="linear").fit(data.data, data.target), tmp_path / "model.pkl")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    module = load("code/deploy/score.py")
    module.init()
    return module


class Service:
    """What the deploy action hands to the test: it posts to the deployed service, here to its code."""

    scoring_uri = "https://example.org/score"

    def __init__(self, run: Callable[[str], Any]) -> None:
        self._run = run

    def run(self, body: str) -> Any:
        return json.loads(json.dumps(self._run(body)))


def test_the_service_knows_its_flowers(score: ModuleType) -> None:
    data = load_iris()
    rows = [data.data[index].tolist() for index in (0, 50, 149)]
    assert score.run(json.dumps({"data": rows})) == {"predict": [0, 1, 2]}


def test_the_answer_is_json(score: ModuleType) -> None:
    assert json.loads(json.dumps(score.run('{"data": [[1, 2, 3, 4]]}')))["predict"][0] in (0, 1, 2)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "not JSON"),
        ("[]", 'no "data"'),
        ('{"rows": []}', 'no "data"'),
        ('{"data": []}', "not a list of rows"),
        ('{"data": {"a": 1}}', "not a list of rows"),
        ('{"data": [[1, 2, 3]]}', "row 0"),
        ('{"data": [[1, 2, 3, 4], [1, 2, 3, 4, 5]]}', "row 1"),
        ('{"data": [1, 2, 3, 4]}', "not a list of 4 numbers"),
        ('{"data": [[1, 2, 3, "4"]]}', '"4", which is not a number'),
        ('{"data": [[1, 2, 3, null]]}', "null, which is not a number"),
        ('{"data": [[1, 2, 3, true]]}', "true, which is not a number"),
        ('{"data": [[1, 2, 3, NaN]]}', "NaN, which is not a number"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong_with_it(score: ModuleType, body: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        score.read_rows(body)


def test_the_deployment_test_passes_for_the_service(score: ModuleType, load: Load) -> None:
    load("code/test/test.py").main(Service(score.run))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": "x"}, "without 'predict'"),
        ({"predict": "0"}, "not a list"),
        ({"predict": [0]}, "2 rows sent, 1 predicted"),
        ({"predict": [0, 7]}, "predicted was"),
    ],
)
def test_the_deployment_test_fails_for_a_broken_service(answer: Any, told: str, load: Load) -> None:
    with pytest.raises(AssertionError, match=told):
        load("code/test/test.py").main(Service(lambda body: answer))
