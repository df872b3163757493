"""Log Analytics workspaces, Application Insights and diagnostic settings. All are records: nothing here takes or keeps telemetry."""

from __future__ import annotations

import base64
import secrets
import uuid
from typing import TYPE_CHECKING

from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found
from aml_emulator.ml.scope import find_group
from aml_emulator.providers.checks import Fields, invalid
from aml_emulator.providers.generic import Put, register_extension, register_type
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

LOGS = "Microsoft.OperationalInsights/workspaces"
INSIGHTS = "Microsoft.Insights/components"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"

_LOG_SKUS = (
    "Free",
    "PerNode",
    "Premium",
    "Standard",
    "Standalone",
    "Unlimited",
    "CapacityReservation",
    "PerGB2018",
    "LACluster",
)
_MOST_SETTINGS = 5
_SINKS = {
    "workspaceId": LOGS,
    "storageAccountId": "Microsoft.Storage/storageAccounts",
    "eventHubAuthorizationRuleId": None,
    "marketplacePartnerId": None,
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_workspace_keys (
    workspace TEXT PRIMARY KEY COLLATE NOCASE,
    primary_key TEXT NOT NULL,
    secondary_key TEXT NOT NULL
);
"""


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the three types."""
    emulator.database.create(_SCHEMA)
    register_type(
        router,
        emulator,
        LOGS,
        name_pattern=r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        on_put=_logs,
        on_delete=_forget,
    )
    register_type(router, emulator, INSIGHTS, name_pattern=r"[\w.()-]{0,259}[\w()-]", on_put=_insights)
    register_extension(
        router, emulator, DIAGNOSTICS, name_pattern=r"[^<>*%&:\\?+/]{1,260}", on_put=_diagnostics, has_state=False
    )

    def shared_keys(call: Call) -> Reply:
        workspace_id = f"{find_group(emulator, call).id}/providers/{LOGS}/{call.params['name']}"
        found = emulator.resources.get(workspace_id)
        if found is None:
            raise not_found(workspace_id)
        return Reply(body=_keys(emulator, found))

    for action in ("sharedKeys", "listKeys"):
        router.add("POST", f"{GROUP}/providers/{LOGS}/{{name}}/{action}", shared_keys)


def _logs(put: Put) -> None:
    fields = put.fields
    if "sku" not in fields.body:
        fields.body["sku"] = {}
    fields.inner("sku").choice("name", _LOG_SKUS, default="PerGB2018")
    fields.number("retentionInDays", 7, 730, default=30)
    for name in ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"):
        fields.choice(name, ("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled")
    put.once("customerId", lambda: str(uuid.uuid4()))
    put.once("createdDate", now)


def _insights(put: Put) -> None:
    kind = Fields(put.body, "body").text("kind", required=True)
    fields = put.fields
    fields.choice("Application_Type", ("web", "other"), required=True)
    fields.choice("IngestionMode", ("ApplicationInsights", "ApplicationInsightsWithDiagnosticSettings", "LogAnalytics"))
    workspace = fields.link(put.emulator, "WorkspaceResourceId", LOGS)
    fields.body.setdefault("IngestionMode", "LogAnalytics" if workspace else "ApplicationInsights")
    if fields.body["IngestionMode"] == "LogAnalytics" and workspace is None:
        raise invalid(fields.at("WorkspaceResourceId"), "it is required for the ingestion mode LogAnalytics.")
    fields.number("RetentionInDays", 30, 730)
    fields.flag("DisableLocalAuth", default=False)
    for name in ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"):
        fields.choice(name, ("Enabled", "Disabled"), default="Enabled")
    put.body["kind"] = kind
    key = put.once("InstrumentationKey", lambda: str(uuid.uuid4()))
    application = put.once("AppId", lambda: str(uuid.uuid4()))
    put.properties["ApplicationId"] = put.name
    put.properties["Name"] = put.name
    put.properties["TenantId"] = put.emulator.tokens.identity.tenant_id
    # An address of this emulator, where nothing takes telemetry: a client that sends some learns so, and reaches no outside host.
    endpoint = f"{put.emulator.base_url}/telemetry/"
    put.properties["ConnectionString"] = (
        f"InstrumentationKey={key};IngestionEndpoint={endpoint};LiveEndpoint={endpoint};ApplicationId={application}"
    )
    put.once("CreationDate", now)


def _diagnostics(put: Put) -> None:
    fields = put.fields
    sinks = [name for name in _SINKS if fields.text(name)]
    if not sinks:
        raise ServiceError(
            400,
            "BadRequest",
            f"The diagnostic setting '{put.name}' has no destination. One of these is required: {', '.join(_SINKS)}.",
        )
    for name in sinks:
        fields.link(put.emulator, name, _SINKS[name])
    logs, metrics = fields.items("logs"), fields.items("metrics")
    if not logs and not metrics:
        raise ServiceError(400, "BadRequest", f"The diagnostic setting '{put.name}' names neither logs nor metrics.")
    for one in logs:
        one.flag("enabled", required=True)
        if bool(one.text("category")) == bool(one.text("categoryGroup")):
            raise invalid(one.path, "it needs either 'category' or 'categoryGroup', not both.")
    for one in metrics:
        one.flag("enabled", required=True)
        one.text("category", required=True)
    others = [item for item in put.emulator.resources.list(put.parent, DIAGNOSTICS) if item.name != put.name]
    if put.old is None and len(others) >= _MOST_SETTINGS:
        message = (
            f"A resource has at most {_MOST_SETTINGS} diagnostic settings: {', '.join(item.name for item in others)}."
        )
        raise ServiceError(400, "BadRequest", message)
    wanted = {name: str(put.properties[name]).lower() for name in sinks}
    for item in others:
        for name, sink in wanted.items():
            if str(item.properties.get(name, "")).lower() == sink and _categories(item.properties) & _categories(
                put.properties
            ):
                raise ServiceError(
                    409,
                    "Conflict",
                    f"Data sink '{put.properties[name]}' is already used in diagnostic setting '{item.name}' for the same category. "
                    "Data sinks can't be reused in different settings on the same category for the same resource.",
                )


def _categories(properties: dict[str, object]) -> set[str]:
    found = set()
    for kind in ("logs", "metrics"):
        items = properties.get(kind)
        for item in items if isinstance(items, list) else []:
            if item.get("enabled"):
                found.add(f"{kind}/{item.get('category') or item.get('categoryGroup')}".lower())
    return found


def _keys(emulator: Emulator, workspace: Resource) -> dict[str, str]:
    emulator.database.execute(
        "INSERT OR IGNORE INTO log_workspace_keys (workspace, primary_key, secondary_key) VALUES (?, ?, ?)",
        (workspace.id, *(base64.b64encode(secrets.token_bytes(64)).decode() for _ in range(2))),
    )
    row = emulator.database.row("SELECT * FROM log_workspace_keys WHERE workspace = ?", (workspace.id,))
    if row is None:
        raise not_found(workspace.id)
    return {"primarySharedKey": row["primary_key"], "secondarySharedKey": row["secondary_key"]}


def _forget(emulator: Emulator, gone: Resource) -> None:
    emulator.database.execute("DELETE FROM log_workspace_keys WHERE workspace = ?", (gone.id,))
