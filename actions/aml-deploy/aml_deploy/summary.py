"""The section of the job summary: what was deployed, who serves the traffic, how to call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_actions.markdown import code, details, escape, fence, link, table
from aml_actions.polling import duration
from aml_deploy.order import Order
from aml_deploy.outcome import Outcome

if TYPE_CHECKING:
    from aml_actions.workspace import WorkspaceRef


def write(order: Order, outcome: Outcome, workspace: WorkspaceRef, seconds: float, studio: str) -> str:
    """Return the Markdown for a rollout that succeeded; `studio` is the address of the endpoint's page."""
    parts = [
        f"### 🚀 aml-deploy: {escape(order.model)} on {escape(order.endpoint)}",
        _facts(order, outcome, seconds, studio),
    ]
    if outcome.endpoint is None:
        parts.append(f"The endpoint {code(order.endpoint)} was deleted again, as asked for.")
        return "\n\n".join(parts) + "\n"
    parts.append(_traffic(order, outcome))
    if outcome.others:
        names = ", ".join(code(name) for name in outcome.others)
        parts.append(
            f"Left alone, without traffic, because this action did not make them here or they are in progress: {names}."
        )
    parts.append(details("How to call it", _call(order, outcome, workspace)))
    return "\n\n".join(parts) + "\n"


def _facts(order: Order, outcome: Outcome, seconds: float, studio: str) -> str:
    test = outcome.test
    rows = [
        ("Endpoint", code(order.endpoint) + (" (new)" if outcome.created_endpoint else "")),
        ("Deployment", code(outcome.deployment)),
        ("Model", code(order.model)),
        ("Machines", escape(order.target.machines)),
        (
            "Test",
            f"✅ {escape(test.name)} passed in {duration(test.seconds)}" if test else "none (`test_enabled` is false)",
        ),
        ("Time", duration(seconds)),
    ]
    if outcome.endpoint is not None:
        uri = str(outcome.endpoint.scoring_uri)
        rows.insert(3, ("Scoring URI", link(uri, uri)))
        rows.append(("Studio", link(order.endpoint, studio)))
    return table(("", ""), rows)


def _traffic(order: Order, outcome: Outcome) -> str:
    def note(name: str) -> str:
        return f"model {escape(order.model)}, this step" if name == outcome.deployment else "earlier"

    ranked = sorted(outcome.traffic.items(), key=lambda item: -item[1])
    rows = [(code(name), f"{share} %", note(name)) for name, share in ranked]
    removed = [(code(name), "removed", "replaced by this step") for name in outcome.removed]
    return table(("Deployment", "Traffic", ""), [*rows, *removed])


def _call(order: Order, outcome: Outcome, workspace: WorkspaceRef) -> str:
    """Return the two commands with which anyone who may read the keys can score."""
    endpoint = outcome.endpoint
    secret = "primaryKey" if endpoint is not None and endpoint.auth_mode == "key" else "accessToken"
    uri = str(endpoint.scoring_uri) if endpoint is not None else ""
    return fence(
        f"KEY=$(az ml online-endpoint get-credentials --name {order.endpoint} \\\n"
        f"  --resource-group '{workspace.resource_group}' --workspace-name '{workspace.name}' --query {secret} -o tsv)\n"
        f"curl --fail-with-body '{uri}' \\\n"
        "  -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\\n"
        "  --data @request.json   # the JSON that run() of the entry script takes",
        "bash",
    )
