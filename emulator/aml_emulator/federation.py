"""Who may sign in without a secret: federated credentials, each a trusted issuer with a subject and an audience.

Those of the service principal are made by `aml-emulator federate`, those of user-assigned identities are their ARM children.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.providers.identities import USER_ASSIGNED

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

AUDIENCE = "api://AzureADTokenExchange"
PATH = "/emulator/federated-credentials"
MOST = 20
"""Credentials of an application."""
_LONGEST = 600
"""Characters of issuer, subject or audience."""
_OF_IDENTITIES = f"{USER_ASSIGNED}/federatedIdentityCredentials"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS federated_credentials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    audience TEXT NOT NULL,
    UNIQUE (issuer, subject)
);
"""
_OWN = ""
"""Stored for the issuer of the emulator's own GitHub, whose address changes with the port."""


@dataclass(frozen=True)
class FederatedCredential:
    """Tokens of `issuer` for `subject` and `audience` are taken in place of a secret."""

    issuer: str
    subject: str
    audience: str


@dataclass(frozen=True)
class Client:
    """An application or identity that may sign in, with its federated credentials."""

    client_id: str
    object_id: str
    credentials: tuple[FederatedCredential, ...]
    has_secret: bool


class Federation:
    """Every federated credential of the tenant."""

    def __init__(self, emulator: Emulator) -> None:
        """Make the table when it is not there."""
        self._emulator = emulator
        self._database = emulator.database
        self._database.create(_SCHEMA)

    @property
    def own_issuer(self) -> str:
        """The issuer of the emulator's own GitHub."""
        return self._emulator.github.id_tokens.issuer

    def add(self, subject: str, issuer: str = "", audience: str = "") -> FederatedCredential:
        """Give the service principal a credential; without an issuer it is the emulator's own GitHub.

        Raises:
            ServiceError: 400 for a value that Entra would not take, 409 when issuer and subject are there.

        """
        made = FederatedCredential(issuer or self.own_issuer, subject, audience or AUDIENCE)
        for name, value in asdict(made).items():
            if not value or value != value.strip() or len(value) > _LONGEST or not value.isprintable():
                raise ServiceError(
                    400,
                    "InvalidRequest",
                    f"The {name} {value!r} must be a text of 1 to {_LONGEST} characters without spaces around it.",
                )
        if not made.issuer.startswith("https://"):
            raise ServiceError(400, "InvalidRequest", f"The issuer '{made.issuer}' must be an https address.")
        with self._database.transaction():
            there = self.of_principal()
            if any((one.issuer, one.subject) == (made.issuer, made.subject) for one in there):
                raise ServiceError(
                    409, "Conflict", f"There is a credential with the issuer {made.issuer} and the subject {subject}."
                )
            if len(there) >= MOST:
                raise ServiceError(400, "InvalidRequest", f"An application has at most {MOST} federated credentials.")
            self._database.execute(
                "INSERT INTO federated_credentials (issuer, subject, audience) VALUES (?, ?, ?)",
                (self._stored(made.issuer), made.subject, made.audience),
            )
        return made

    def remove(self, subject: str, issuer: str = "") -> bool:
        """Take one from the service principal; whether it was there."""
        found = self._database.execute(
            "DELETE FROM federated_credentials WHERE subject = ? AND issuer = ?",
            (subject, self._stored(issuer or self.own_issuer)),
        )
        return found > 0

    def of_principal(self) -> list[FederatedCredential]:
        """Those of the service principal, oldest first."""
        rows = self._database.rows("SELECT * FROM federated_credentials ORDER BY id")
        return [FederatedCredential(row["issuer"] or self.own_issuer, row["subject"], row["audience"]) for row in rows]

    def client(self, client_id: str) -> Client | None:
        """The application or user-assigned identity of a client id."""
        identity = self._emulator.tokens.identity
        if client_id.lower() == identity.client_id:
            return Client(identity.client_id, identity.object_id, tuple(self.of_principal()), has_secret=True)
        for found in self._emulator.resources.all_of(USER_ASSIGNED):
            if found.properties["clientId"] == client_id.lower():
                children = self._emulator.resources.list(found.id, _OF_IDENTITIES)
                return Client(
                    found.properties["clientId"],
                    found.properties["principalId"],
                    tuple(_credential(child) for child in children),
                    has_secret=False,
                )
        return None

    def _stored(self, issuer: str) -> str:
        return _OWN if issuer == self.own_issuer else issuer


def _credential(child: Resource) -> FederatedCredential:
    [audience] = child.properties["audiences"]
    return FederatedCredential(child.properties["issuer"], child.properties["subject"], audience)


def register(router: Router, emulator: Emulator) -> None:
    """What `aml-emulator federate` asks, with a token for ARM."""
    federation = Federation(emulator)

    def listing(call: Call) -> Reply:
        return Reply(body={"value": [asdict(one) for one in federation.of_principal()]})

    def add(call: Call) -> Reply:
        wanted = _wanted(call)
        return Reply(201, asdict(federation.add(wanted["subject"], wanted["issuer"], wanted["audience"])))

    def remove(call: Call) -> Reply:
        wanted = _wanted(call)
        if not federation.remove(wanted["subject"], wanted["issuer"]):
            issuer = wanted["issuer"] or federation.own_issuer
            raise ServiceError(
                404,
                "NotFound",
                f"There is no federated credential with the issuer {issuer} and the subject {wanted['subject']}.",
            )
        return Reply(204)

    router.add("GET", PATH, listing)
    router.add("POST", PATH, add)
    router.add("DELETE", PATH, remove)


def _wanted(call: Call) -> dict[str, str]:
    body = call.json()
    found = {name: body.get(name) or "" for name in ("issuer", "subject", "audience")}
    for name, value in found.items():
        if not isinstance(value, str):
            raise ServiceError(400, "InvalidRequest", f"{name} must be a text.")
    return found
