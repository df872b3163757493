"""Who may read and write blobs: SharedKey, shared access signatures (SAS) and bearer tokens, verified as Azure Storage does.

String-to-sign layouts: Microsoft's documentation "Authorize with Shared Key", "Create a service SAS" (version 2020-12-06 and
later) and "Create an account SAS".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from aml_emulator.blob_errors import StorageError
from aml_emulator.http import Call, ServiceError
from aml_emulator.storage_accounts import StorageAccounts
from aml_emulator.tokens import STORAGE_AUDIENCE, TokenAuthority, bearer_token

SAS_VERSION = "2021-12-02"
"""`sv` of the signatures that the emulator itself makes."""

_CLOCK_SKEW = timedelta(minutes=15)
_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


@dataclass(frozen=True)
class Target:
    """What a request is about. `blob` is "" for the container; `permission` is any one of the SAS letters that allow it."""

    account: str | None
    container: str
    blob: str
    permission: str


def authorize(call: Call, target: Target, accounts: StorageAccounts, tokens: TokenAuthority) -> None:
    """Let a request pass or refuse it.

    Raises:
        StorageError: 401 without credentials, 403 for wrong, expired or insufficient ones.

    """
    header = call.headers.get("authorization", "")
    if "sig" in call.query:
        _shared_access_signature(call.query, target, accounts)
    elif header.lower().startswith("sharedkey "):
        _shared_key(call, header, target, accounts)
    elif header:
        try:
            tokens.verify(bearer_token(call), (STORAGE_AUDIENCE,))
        except ServiceError as error:
            raise StorageError(401, "InvalidAuthenticationInfo", error.message, headers=error.headers) from None
    else:
        raise StorageError(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def sign(key: str, text: str) -> str:
    """HMAC-SHA256 with an account key, base64."""
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def blob_sas(account: str, key: str, container: str, blob: str, permissions: str, seconds: int) -> dict[str, str]:
    """Query parameters of a service SAS for one blob, or with `blob` "" for a whole container; times are UTC."""
    now = datetime.now(timezone.utc)
    query = {
        "sv": SAS_VERSION,
        "sr": "b" if blob else "c",
        "sp": permissions,
        "st": (now - _CLOCK_SKEW).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "se": (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "spr": "https",
    }
    query["sig"] = sign(key, _service_text(query, account, container, blob))
    return query


def _shared_access_signature(query: Mapping[str, str], target: Target, accounts: StorageAccounts) -> None:
    if "skoid" in query:
        raise _failed("The emulator does not verify user delegation signatures; sign with the account key.")
    key = accounts.key(target.account or "")
    if key is None or target.account is None:
        raise _failed("The container belongs to no storage account of the emulator.")
    if "ss" in query:
        texts = [_account_text(query, target.account)]
    elif query.get("sr") == "b":
        texts = [_service_text(query, target.account, target.container, target.blob)]
    elif query.get("sr") == "c":
        texts = [_service_text(query, target.account, target.container, "")]
    else:
        raise _failed(f"sr={query.get('sr')!r} is not a signed resource that the emulator knows: 'b' or 'c'.")
    if not any(hmac.compare_digest(sign(key, text).encode(), query["sig"].encode()) for text in texts):
        raise _failed("Signature did not match. String to sign used was " + texts[0].replace("\n", "\\n"))
    now = datetime.now(timezone.utc)
    start, expiry = _time(query.get("st")), _time(query.get("se"))
    if expiry is None or now > expiry or (start is not None and now < start):
        raise _failed(
            f"Signature not valid in the specified time frame: Start [{query.get('st', '')}] - Expiry [{query.get('se')}]"
            f" - Current [{now:%Y-%m-%dT%H:%M:%SZ}]"
        )
    if not set(target.permission) & set(query.get("sp", "")):
        raise StorageError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def _service_text(query: Mapping[str, str], account: str, container: str, blob: str) -> str:
    resource = f"/blob/{account}/{container}" + (f"/{blob}" if blob else "")
    return "\n".join(
        [
            *(query.get(name, "") for name in ("sp", "st", "se")),
            resource,
            *(query.get(name, "") for name in ("si", "sip", "spr", "sv", "sr", "snapshot", "ses")),
            *(query.get(name, "") for name in ("rscc", "rscd", "rsce", "rscl", "rsct")),
        ]
    )


def _account_text(query: Mapping[str, str], account: str) -> str:
    names = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")
    return "\n".join([account, *(query.get(name, "") for name in names), ""])


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise _failed(f"{text!r} is not an ISO 8601 time.") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _shared_key(call: Call, header: str, target: Target, accounts: StorageAccounts) -> None:
    account, _, signature = header.split(" ", 1)[1].strip().partition(":")
    key = accounts.key(account)
    if key is None or (target.account is not None and account != target.account):
        raise _failed(f"The container '{target.container}' does not belong to the storage account '{account}'.")
    stamp = call.headers.get("x-ms-date") or call.headers.get("date", "")
    try:
        age = abs(datetime.now(timezone.utc) - parsedate_to_datetime(stamp))
    except (TypeError, ValueError):
        raise _failed(f"The date header {stamp!r} is not an HTTP date.") from None
    if age > _CLOCK_SKEW:
        raise _failed(f"Request date header too old: '{stamp}'")
    texts = {_shared_key_text(call, account, weighted) for weighted in (False, True)}
    if not any(hmac.compare_digest(sign(key, text).encode(), signature.encode()) for text in texts):
        raise _failed("The MAC signature found in the HTTP request is not the same as any computed signature.")


def _shared_key_text(call: Call, account: str, weighted: bool) -> str:
    values = [call.headers.get(name, "") for name in _SIGNED_HEADERS]
    values = [
        "" if name == "content-length" and value == "0" else value
        for name, value in zip(_SIGNED_HEADERS, values, strict=True)
    ]
    names = [name for name in call.headers if name.startswith("x-ms-")]
    names.sort(key=_weight if weighted else None)
    query: dict[str, list[str]] = {}
    for part in call.raw_query.split("&") if call.raw_query else []:
        name, _, value = part.partition("=")
        query.setdefault(unquote(name).lower(), []).append(unquote(value))
    return (
        "\n".join([call.method, *values])
        + "\n"
        + "".join(f"{name}:{call.headers[name].strip()}\n" for name in names)
        + f"/{account}{call.raw_path}"
        + "".join(f"\n{name}:{','.join(sorted(query[name]))}" for name in sorted(query))
    )


def _weight(name: str) -> tuple[str, list[int]]:
    """Azure's order of header names: hyphens count last, underscores come before digits (newer clients sort so)."""
    return name.replace("-", "").replace("_", "!"), [-position for position, sign in enumerate(name) if sign == "-"]


def _failed(detail: str) -> StorageError:
    return StorageError(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        "including the signature.",
        detail=detail,
    )
