"""GitHub's OpenID Connect provider: a run with `id-token: write` asks it for tokens that say who runs, for which audience.

Its address is that of GitHub Enterprise Server below the emulator's GitHub. Claims that are not known of a run are left out.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator.http import Call, Reply, Router
from aml_emulator.signing_key import ALGORITHM, SigningKey

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.definition import Workflow

PATH = "/github/_services/token"
URL_VARIABLE, TOKEN_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
SECONDS = 300
"""How long an id token is good."""
REQUEST_SECONDS = 24 * 3600
"""How long a run may ask for id tokens, unless it ends before."""
_API_VERSION = "2.0"
_CLOCK_SKEW_SECONDS = 5


class IdTokens:
    """Signs id tokens, and knows which run asks for one. The key is made when it is needed first."""

    def __init__(self, emulator: Emulator) -> None:
        """Nothing is signed yet."""
        self._emulator = emulator
        self._lock = threading.Lock()
        self._key: SigningKey | None = None

    @property
    def issuer(self) -> str:
        """Claim `iss`: what a federated credential names."""
        return f"{self._emulator.base_url}{PATH}"

    @property
    def key(self) -> SigningKey:
        """The key of the issuer."""
        with self._lock:
            if self._key is None:
                self._key = SigningKey(self._emulator.state.pki / "github-id-tokens.pem")
            return self._key

    def environment(
        self,
        full_name: str,
        ref: str,
        environment_name: str,
        run_id: str,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The two variables of a run that may ask for id tokens.

        Args:
            full_name: "owner/name" of the repository.
            ref: full ref that the run is on.
            environment_name: of `environment:`; "" for none.
            run_id: number of the run.
            more: further claims that are known of it, such as `sha`, `workflow` and `actor`.

        """
        now = int(time.time())
        claims = {
            **{name: value for name, value in (more or {}).items() if value},
            "repository": full_name,
            "repository_owner": full_name.partition("/")[0],
            "ref": ref,
            "run_id": run_id,
            **({"environment": environment_name} if environment_name else {}),
        }
        request = {
            "iss": self.issuer,
            "aud": self._request_audience,
            "iat": now,
            "exp": now + REQUEST_SECONDS,
            "run": claims,
        }
        return {
            URL_VARIABLE: f"{self.issuer}/idtoken?api-version={_API_VERSION}&run={quote(run_id, safe='')}",
            TOKEN_VARIABLE: self.key.sign(request),
        }

    def issue(self, run: Mapping[str, str], audience: str, *, seconds: int = SECONDS) -> str:
        """An id token.

        Args:
            run: what is known of the run: at least `repository`, `repository_owner` and `ref`.
            audience: whom it is for; "" for the owner's address, as GitHub does it.
            seconds: how long it is good.

        """
        now = int(time.time())
        kind = "tag" if run["ref"].startswith("refs/tags/") else "branch"
        claims = {
            "jti": str(uuid.uuid4()),
            "sub": subject(run["repository"], run["ref"], run.get("environment", "")),
            "aud": audience or f"https://github.com/{run['repository_owner']}",
            **run,
            "ref_type": kind,
            "runner_environment": "self-hosted",
            "iss": self.issuer,
            "nbf": now,
            "iat": now,
            "exp": now + seconds,
        }
        return self.key.sign(claims)

    def run_of(self, request_token: str) -> dict[str, str] | None:
        """What is known of the run that a request token was made for; None for a token that is none (any more)."""
        import jwt

        try:
            found = jwt.decode(
                request_token,
                self.key.public,
                algorithms=[ALGORITHM],
                audience=self._request_audience,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "aud", "run"]},  # an id token for this audience has no `run`
            )
        except jwt.InvalidTokenError:
            return None
        run: dict[str, str] = found["run"]
        return None if self._is_over(run["run_id"]) else run

    @property
    def _request_audience(self) -> str:
        return f"{self.issuer}/idtoken"

    def _is_over(self, run_id: str) -> bool:
        record = self._emulator.github.runs.get(int(run_id)) if run_id.isdigit() and len(run_id) < 19 else None
        return record is not None and record.status == "completed"


def subject(full_name: str, ref: str, environment: str) -> str:
    """Claim `sub`: by the environment when the job names one, else by the ref."""
    if environment:
        return f"repo:{full_name}:environment:{environment.replace(':', '%3A')}"
    return f"repo:{full_name}:ref:{ref}"


def environment_of(workflow: Workflow) -> str:
    """The one environment that every job with `id-token: write` names; "" when they differ, or one names none.

    On GitHub each job has its own. act gives all jobs of a run the same variables, so a run has one here. A name that is an
    expression is known only in the run: it counts as none.
    """
    names = {
        _environment(job.raw.get("environment"))
        for job in workflow.jobs
        if _may_ask(job.raw.get("permissions", workflow.raw.get("permissions")))
    }
    found = names.pop() if len(names) == 1 else ""
    return "" if "${{" in found else found


def _environment(settings: object) -> str:
    name = settings.get("name") if isinstance(settings, Mapping) else settings
    return "" if name is None else str(name)


def _may_ask(permissions: object) -> bool:
    return isinstance(permissions, Mapping) and str(permissions.get("id-token")) == "write"


def register(router: Router, emulator: Emulator) -> None:
    """Routes."""
    tokens = emulator.github.id_tokens

    def configuration(call: Call) -> Reply:
        return Reply(body=_configuration(tokens.issuer))

    def keys(call: Call) -> Reply:
        return Reply(body=tokens.key.key_set())

    def id_token(call: Call) -> Reply:
        scheme, _, shown = call.headers.get("authorization", "").partition(" ")
        run = tokens.run_of(shown.strip()) if scheme.lower() == "bearer" else None
        if run is None:
            return _refusal(401, "The request token is not valid, has expired, or its run has ended.")
        if call.query.get("run") != run["run_id"]:
            return _refusal(403, "The request token belongs to another run.")
        return Reply(body={"value": tokens.issue(run, call.query.get("audience", ""))})

    router.add("GET", f"{PATH}/.well-known/openid-configuration", configuration, "none")
    router.add("GET", f"{PATH}/.well-known/jwks", keys, "none")
    router.add("GET", f"{PATH}/idtoken", id_token, "own")


def _refusal(status: int, message: str) -> Reply:
    return Reply(status, {"message": message}, {"Cache-Control": "no-store"})


def _configuration(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks",
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": [
            *("sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "ref_type", "sha", "repository"),
            *("repository_id", "repository_owner", "run_id", "run_number", "run_attempt", "actor", "workflow"),
            *("workflow_ref", "workflow_sha", "job_workflow_ref", "job_workflow_sha", "event_name", "environment"),
            "runner_environment",
        ],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
    }
