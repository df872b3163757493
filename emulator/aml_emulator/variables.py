"""What a shell or a program needs to reach a running emulator."""

from __future__ import annotations

import json
import shlex
import sys

from aml_emulator.control import running_record
from aml_emulator.identity import Identity
from aml_emulator.state import ServerRecord, StateDirectory


def variables(state: StateDirectory, record: ServerRecord, identity: Identity) -> dict[str, str]:
    """The variables with which `MLClient(DefaultAzureCredential(), ...)` works here without a change (azure-wire, section 0).

    The tenant is `adfs`: about any other one, MSAL would first ask a public host (azure-wire, 1.3).
    """
    return {
        "ARM_CLOUD_METADATA_URL": f"{record.base_url}/metadata/endpoints",
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{record.base_url}/",
        "REQUESTS_CA_BUNDLE": str(state.bundle),
        "SSL_CERT_FILE": str(state.bundle),
        "AZURE_AUTHORITY_HOST": record.base_url,
        "AZURE_TENANT_ID": "adfs",
        "AZURE_CLIENT_ID": identity.client_id,
        "AZURE_CLIENT_SECRET": identity.client_secret,
        "AZURE_SUBSCRIPTION_ID": identity.subscription_id,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def print_variables(state: StateDirectory, form: str) -> int:
    """Print the variables for a shell (`eval`), as JSON or as a dotenv file; exit code 1 when no emulator runs."""
    record = running_record(state)
    if record is None:
        return _not_running(state)
    found = variables(state, record, Identity.ensure(state.identity))
    if form == "json":
        print(json.dumps(found, indent=2))
    elif form == "dotenv":
        print("\n".join(f'{name}="{value}"' for name, value in found.items()))
    else:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items()))
    return 0


def print_credentials(state: StateDirectory, *, with_secret: bool = True) -> int:
    """Print the service principal with the addresses of this cloud; exit code 1 when no emulator runs."""
    record = running_record(state)
    if record is None:
        return _not_running(state)
    found = Identity.ensure(state.identity).credentials(record.base_url)
    if not with_secret:
        del found["clientSecret"]
    print(json.dumps(found, indent=2))
    return 0


def _not_running(state: StateDirectory) -> int:
    print(f"aml-emulator: no emulator runs with the state {state.root}. Start it: aml-emulator up", file=sys.stderr)
    return 1
