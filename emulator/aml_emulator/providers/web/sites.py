"""Function apps: what a template says about one, checked as the service does, and where it can be reached.

On Azure an app's hosts are `<app>.azurewebsites.net` and `<app>.scm.azurewebsites.net`. Here they are paths of this emulator, so a
client that takes them from the app's own description (`hostNameSslStates`, `defaultHostName`) finds them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated, not_found
from aml_emulator.ml.scope import find_group
from aml_emulator.providers.checks import Fields, invalid
from aml_emulator.providers.generic import Put, register_type
from aml_emulator.providers.identities import USER_ASSIGNED, assigned
from aml_emulator.providers.network import SUBNET
from aml_emulator.providers.web import plans, settings

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

SITE = "Microsoft.Web/sites"
POLICY = f"{SITE}/basicPublishingCredentialsPolicies"

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,58}[a-zA-Z0-9])")
_PYTHON_VERSIONS = ("3.10", "3.11", "3.12", "3.13")
_MEMORY = (512, 2048, 4096)
_PUBLISHERS = ("scm", "ftp")
_NOT_ON_FLEX = (
    "linuxFxVersion",
    "windowsFxVersion",
    "pythonVersion",
    "netFrameworkVersion",
    "javaVersion",
    "phpVersion",
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of function apps and of the policies on publishing with a password."""
    register_type(
        router,
        emulator,
        SITE,
        name_pattern=_NAME,
        on_put=_site,
        on_stored=_configured,
        on_delete=_removed,
        hidden=("properties.siteConfig.appSettings",),
    )
    register_type(router, emulator, POLICY, name_pattern=r"(?i:scm|ftp)", on_put=_policy, has_state=False)

    def configuration(call: Call) -> Reply:
        site = find_site(emulator, call)
        shown = {key: value for key, value in site.properties["siteConfig"].items() if key != "appSettings"}
        body = {"id": f"{site.id}/config/web", "name": "web", "type": f"{SITE}/config", "properties": shown}
        return Reply(body=body)

    def start(call: Call) -> Reply:
        return _set_state(emulator, call, "Running")

    def stop(call: Call) -> Reply:
        return _set_state(emulator, call, "Stopped")

    def restart(call: Call) -> Reply:
        site = find_site(emulator, call)
        emulator.functions.configured(site.id)
        return Reply(200, media_type="")

    base = f"{GROUP}/providers/{SITE}/{{name}}"
    router.add("GET", f"{base}/config/web", configuration)
    router.add("POST", f"{base}/start", start)
    router.add("POST", f"{base}/stop", stop)
    router.add("POST", f"{base}/restart", restart)


def find_site(emulator: Emulator, call: Call) -> Resource:
    """The function app of a request.

    Raises:
        ServiceError: 404 when it is not there.

    """
    site_id = f"{find_group(emulator, call).id}/providers/{SITE}/{call.params['name']}"
    found = emulator.resources.get(site_id)
    if found is None:
        raise not_found(site_id)
    return found


def _site(put: Put) -> None:
    kind = str(put.body.get("kind") or "")
    if "functionapp" not in kind.lower():
        raise not_emulated(f"web apps of kind {kind or 'app'}; function apps (kind functionapp,linux) are")
    taken = [item for item in put.emulator.resources.all_of(SITE) if item.name.lower() == put.name.lower()]
    if put.old is None and taken:
        raise ServiceError(409, "Conflict", f"Website with given name {put.name} already exists.")
    identity = assigned(put.emulator, put.body.get("identity"), put.old)
    if identity is not None:
        put.body["identity"] = identity
    fields = put.fields
    plan = fields.link(put.emulator, "serverFarmId", plans.PLAN, required=True)
    fields.flag("httpsOnly", default=False)
    fields.choice("publicNetworkAccess", ("Enabled", "Disabled"), default="Enabled")
    fields.link(put.emulator, "virtualNetworkSubnetId", SUBNET)
    if fields.text("keyVaultReferenceIdentity", default="SystemAssigned").lower() != "systemassigned":
        _check_identity(put, fields, "keyVaultReferenceIdentity")
    fields.body.setdefault("siteConfig", {})
    configuration = fields.inner("siteConfig")
    sent_settings = settings.of_site_config(configuration)
    if plan is not None and plan.body["sku"]["name"] == plans.FLEX:
        _check_alone(put, plan)
        _check_flex(put, fields, configuration, sent_settings)
        put.properties["sku"] = "FlexConsumption"
    else:
        _check_consumption(fields, configuration)
        put.properties["sku"] = "Dynamic"
    put.properties["reserved"] = True
    put.properties["enabled"] = fields.flag("enabled", default=True)
    put.properties["state"] = (put.old.properties.get("state") if put.old else None) or "Running"
    _add_hosts(put)


def _add_hosts(put: Put) -> None:
    authority = put.emulator.base_url.removeprefix("https://")
    own, publishing = f"{authority}/functions/{put.name}", f"{authority}/scm/{put.name}"
    put.properties.update(
        defaultHostName=own,
        hostNames=[own],
        enabledHostNames=[own, publishing],
        repositorySiteName=put.name,
        hostNameSslStates=[
            {"name": own, "sslState": "Disabled", "hostType": "Standard"},
            {"name": publishing, "sslState": "Disabled", "hostType": "Repository"},
        ],
    )


def _check_alone(put: Put, plan: Resource) -> None:
    for other in put.emulator.resources.all_of(SITE):
        if other.id.lower() != put.resource_id.lower() and _plan_of(other) == plan.id.lower():
            raise ServiceError(
                400,
                "BadRequest",
                f"The plan '{plan.name}' already has the app '{other.name}'. A Flex Consumption plan has exactly one app: give each app a "
                "plan of its own.",
            )


def _plan_of(site: Resource) -> str:
    return str(site.properties["serverFarmId"]).rstrip("/").lower()


def _check_flex(put: Put, fields: Fields, configuration: Fields, sent_settings: dict[str, str] | None) -> None:
    app = fields.inner("functionAppConfig", required=True)
    runtime = app.inner("runtime", required=True)
    name = runtime.text("name", required=True).lower()
    if name != "python":
        raise not_emulated(f"function apps in {name}; python is")
    runtime.choice("version", _PYTHON_VERSIONS, required=True)
    storage = app.inner("deployment", required=True).inner("storage", required=True)
    storage.choice("type", ("blobContainer",), required=True)
    storage.text("value", required=True, pattern=re.compile(r"https://[^/]+/.+"))
    signing = storage.inner("authentication", required=True)
    way = signing.choice(
        "type", ("SystemAssignedIdentity", "UserAssignedIdentity", "StorageAccountConnectionString"), required=True
    )
    if way == "UserAssignedIdentity":
        _check_identity(put, signing, "userAssignedIdentityResourceId")
    if way == "StorageAccountConnectionString":
        signing.text("storageAccountConnectionStringName", required=True)
    scale = app.inner("scaleAndConcurrency", required=True)
    scale.number("maximumInstanceCount", 1, 1000, default=100)
    memory = scale.number("instanceMemoryMB", min(_MEMORY), max(_MEMORY), default=2048)
    if memory not in _MEMORY:
        allowed = ", ".join(map(str, _MEMORY))
        raise invalid(scale.at("instanceMemoryMB"), f"{memory} is not allowed. Allowed: {allowed}.")
    for member in _NOT_ON_FLEX:
        if configuration.body.get(member):
            raise _not_on_flex(f"Site.SiteConfig.{member}")
    if configuration.flag("alwaysOn"):
        raise _not_on_flex("Site.SiteConfig.AlwaysOn")
    settings.check_flex(sent_settings or {})


def _not_on_flex(what: str) -> ServiceError:
    return ServiceError(
        400,
        "BadRequest",
        f"{what} for Flex Consumption sites is invalid. Please remove or rename it before retrying. (ExtendedCode 51021)",
        target=what,
    )


def _check_consumption(fields: Fields, configuration: Fields) -> None:
    if fields.body.get("functionAppConfig"):
        raise invalid(fields.at("functionAppConfig"), "it is for Flex Consumption plans (FC1) only.")
    version = configuration.text("linuxFxVersion")
    if version and not re.fullmatch(r"python\|3\.\d+", version, re.IGNORECASE):
        raise not_emulated(f"function apps in {version}; Python|3.x is")


def _check_identity(put: Put, fields: Fields, name: str) -> None:
    """A user-assigned identity that is named must be one of the app's own."""
    found = fields.link(put.emulator, name, USER_ASSIGNED, required=True)
    own = (put.body.get("identity") or {}).get("userAssignedIdentities") or {}
    if found is not None and found.id.lower() not in {key.lower() for key in own}:
        raise invalid(
            fields.at(name), f"the identity '{found.id}' is not assigned to the app. Name it in 'identity' too."
        )


def _configured(emulator: Emulator, site: Resource, old: Resource | None) -> None:
    sent = settings.of_site_config(Fields(site.properties["siteConfig"], "properties.siteConfig"))
    if sent is not None:
        settings.replace(emulator, site.id, sent)
        # They are kept in one place only, the app's settings.
        emulator.resources.change(site.id, lambda body: body["properties"]["siteConfig"].pop("appSettings", None))
    for publisher in _PUBLISHERS:
        policy_id = f"{site.id}/basicPublishingCredentialsPolicies/{publisher}"
        if emulator.resources.get(policy_id) is None:
            emulator.resources.put(policy_id, {"properties": {"allow": True}})
    emulator.functions.configured(site.id)


def _removed(emulator: Emulator, gone: Resource) -> None:
    emulator.functions.removed(gone.id)


def _policy(put: Put) -> None:
    put.fields.flag("allow", required=True)


def _set_state(emulator: Emulator, call: Call, state: str) -> Reply:
    site = find_site(emulator, call)
    emulator.resources.change(site.id, lambda body: body["properties"].update(state=state))
    emulator.functions.configured(site.id)
    return Reply(200, media_type="")
