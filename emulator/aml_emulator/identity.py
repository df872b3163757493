"""Who exists in this cloud: one tenant, one subscription, one service principal, made at the first start."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from aml_emulator.pki import write_private


@dataclass(frozen=True)
class Identity:
    """The tenant with its service principal. `msi_secret` is what the managed identity of jobs shows instead of a password."""

    tenant_id: str
    subscription_id: str
    client_id: str
    client_secret: str
    object_id: str
    msi_secret: str

    @classmethod
    def ensure(cls, path: Path) -> Identity:
        """The identity of a state directory, made when it is not there yet."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        identity = cls(
            tenant_id=str(uuid.uuid4()),
            subscription_id=str(uuid.uuid4()),
            client_id=str(uuid.uuid4()),
            client_secret=secrets.token_hex(20),
            object_id=str(uuid.uuid4()),
            msi_secret=secrets.token_hex(20),
        )
        write_private(path, json.dumps(asdict(identity), indent=2).encode())
        return identity

    def credentials(self, base_url: str) -> dict[str, str]:
        """What `az ad sp create-for-rbac --json-auth` prints, for this cloud; addresses end in a slash as Azure writes them."""
        return {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "subscriptionId": self.subscription_id,
            "tenantId": self.tenant_id,
            "activeDirectoryEndpointUrl": f"{base_url}/",
            "resourceManagerEndpointUrl": f"{base_url}/",
            "managementEndpointUrl": f"{base_url}/",
        }
