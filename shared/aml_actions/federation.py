"""Sign-in without a secret: GitHub's id token is exchanged for an access token of Microsoft Entra, anew for every access token."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.id_tokens import ANCHOR, Claims, IdTokens
from aml_actions.markdown import fence
from aml_actions.sign_in import entra_number, explain_sign_in, refusal_text, support_ids

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from aml_actions.cloud import Cloud

_MOMENTS = "one that was made moments ago needs some minutes to count"
_CAUSES = {
    700213: f"the application has no federated credential with this subject, or {_MOMENTS}; "
    "a job with `environment:` has another subject than one without",
    7002138: "a federated credential has this subject in other upper and lower case; since August 2024 the case counts",
    7002131: "the flexible federated credential of the application has an expression that this token does not meet",
    700211: "no federated credential of the application has this issuer; a slash at its end is one character too many",
    700212: "no federated credential of the application has this audience",
    7002121: "no federated credential of the application has this audience",
    70021: f"the application has no federated credential with this issuer, subject and audience, or {_MOMENTS}",
    70025: f"the application has no federated credential at all, or {_MOMENTS}",
    700024: "the id token was not yet, or no longer, valid when Microsoft Entra saw it; each is fetched just before it is used, so "
    "the clock of GitHub's or of the cloud's host is wrong",
    50013: "the signature of the id token does not belong to a key of its issuer",
    90061: "Microsoft Entra could not read the keys of the issuer; they must be public",
    700222: "tokens of Microsoft Entra itself are not taken in place of GitHub's",
}
_REGISTERED = frozenset({700213, 7002138, 7002131, 700211, 700212, 7002121, 70021, 70025})
"""Numbers that say: no federated credential of the application is like this token."""
_FIXES = {
    700024: "run the job again; on an own GitHub server check its clock (NTP)",
    50013: "run the job again; on an own GitHub server check that `<issuer>/.well-known/openid-configuration` names its present keys",
    90061: "make `<issuer>/.well-known/openid-configuration` reachable from the internet",
    700222: "sign in with the id token of a GitHub job",
}
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 120


class GitHubCredential:
    """A credential for the clients of azure-core that signs in by id tokens; refusals become clear errors.

    An access token is kept until shortly before it expires; then a new id token buys a new one.
    """

    def __init__(self, tokens: IdTokens, *, tenant_id: str, client_id: str, cloud: Cloud) -> None:
        """Ask nothing yet."""
        from azure.identity import ClientAssertionCredential

        self._tokens = tokens
        self._client_id = client_id
        self._inner = ClientAssertionCredential(
            tenant_id,
            client_id,
            tokens,
            authority=cloud.active_directory,
            disable_instance_discovery=cloud.custom,
        )

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - those of the protocol TokenCredential
        """Return an access token.

        Raises:
            ActionError: GitHub gives no id token, or Microsoft Entra does not take it.
        """
        from azure.core.exceptions import ClientAuthenticationError

        try:
            return self._inner.get_token(*scopes, **options)
        except ClientAuthenticationError as error:
            raise self._explained(error) from error

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:  # noqa: ANN401 - azure.core's TokenRequestOptions
        """Return an access token with what is known of it; errors as `get_token`."""
        from azure.core.exceptions import ClientAuthenticationError

        try:
            return self._inner.get_token_info(*scopes, options=options)
        except ClientAuthenticationError as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _explained(self, error: Exception) -> Exception:
        message = str(error)
        return explain_refused_token(message, self._tokens.claims, self._client_id) or explain_sign_in(message) or error


def explain_refused_token(message: str, claims: Claims | None, client_id: str) -> ActionError | None:
    """Return the clear error for an id token that Microsoft Entra did not take; None when the message is about something else.

    Args:
        message: of the exception.
        claims: of the token.
        client_id: of the application.
    """
    number = entra_number(message)
    if number not in _CAUSES or claims is None:
        return None
    command = create_command(claims, client_id)
    what_else = (
        "A user-assigned managed identity takes its federated credential by "
        f"`az identity federated-credential create` with the same issuer, subject and audience. {_listed(client_id)}"
    )
    details = [fence(refusal_text(message)), what_else]
    if ids := support_ids(message):
        details.append(f"For Azure's support: {ids}")
    return ActionError(
        f"Microsoft Entra does not take GitHub's id token for the application {client_id} (AADSTS{number}).",
        value=f"issuer {claims.issuer}, subject {claims.subject}, audience {claims.audience}",
        allowed="a federated credential of the application with exactly these three" if number in _REGISTERED else None,
        cause=_CAUSES[number],
        fix=f"`{command}`" if number in _REGISTERED else _FIXES[number],
        anchor=ANCHOR,
        details="\n\n".join(details),
    )


def create_command(claims: Claims, client_id: str) -> str:
    """Return the command that registers the token's issuer, subject and audience, quoted for a shell."""
    name = _NAME.sub("-", f"github-{claims.subject.removeprefix('repo:')}").strip("-")[:_LONGEST_NAME]
    parameters = {
        "name": name,
        "issuer": claims.issuer,
        "subject": claims.subject,
        "audiences": [claims.audience],
    }
    text = shlex.quote(json.dumps(parameters, separators=(",", ":")))
    return f"az ad app federated-credential create --id {client_id} --parameters {text}"


def _listed(client_id: str) -> str:
    return f"What is registered: `az ad app federated-credential list --id {client_id} -o table`."
