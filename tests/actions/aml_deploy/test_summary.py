from types import SimpleNamespace

from aml_actions.workspace import WorkspaceRef
from aml_deploy import summary
from aml_deploy.managed import Managed
from aml_deploy.models import ModelVersion
from aml_deploy.order import Order
from aml_deploy.outcome import Outcome
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import Size
from aml_deploy.smoke_test import Verdict

WORKSPACE = WorkspaceRef("sub", "rg", "ws")
STUDIO = "https://studio.example/endpoints/realtime/credit/detail?wsid=x"


def order(**parameters):
    given = DeployParameters(**parameters)
    return Order(
        endpoint="credit",
        model=ModelVersion("credit|<b>", "3", "/id", {}),
        target=Managed(Size("Standard_DS3_v2", "instance_type of the parameters file"), given),
        sources=None,
        parameters=given,
        stamp={},
        run_id="77",
        run_attempt="1",
    )


def endpoint(**traffic):
    return SimpleNamespace(traffic=traffic, auth_mode="key", scoring_uri="https://credit.example/score")


def test_a_reader_sees_who_serves_and_how_to_call_it():
    outcome = Outcome(
        deployment="v3-77-1",
        endpoint=endpoint(**{"old": 0, "v3-77-1": 100, "theirs": 0}),
        created_endpoint=False,
        test=Verdict("main() of code/test/test.py", True, 0.4),
        removed=("old",),
        others=("theirs",),
    )
    text = summary.write(order(instance_count=2), outcome, WORKSPACE, 125.0, STUDIO)
    assert "| `v3-77-1` | 100 % |" in text
    assert "| `old` | removed | replaced by this step |" in text
    assert "`theirs`" in text
    assert "2 x Standard" in text
    assert "✅" in text and "0.4 s" in text
    assert "2 min 5 s" in text
    assert f"[credit]({STUDIO})" in text
    assert "curl" in text and "https://credit.example/score" in text
    assert "get-credentials --name credit" in text
    assert "aml-deploy: credit\\|&lt;b&gt;" in text


def test_a_deleted_service_shows_no_address():
    outcome = Outcome(deployment="v3-77-1", endpoint=None, created_endpoint=True)
    text = summary.write(order(), outcome, WORKSPACE, 8.0, STUDIO)
    assert "was deleted again" in text
    assert STUDIO not in text
    assert "curl" not in text
