"""Errors of Entra's token endpoint."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from aml_emulator.http import ServiceError


class EntraError(ServiceError):
    """An error of the token endpoint, in its own shape."""

    def __init__(self, status: int, error: str, number: int, message: str) -> None:
        super().__init__(status, error, message)
        self.number = number

    def body(self) -> dict[str, Any]:
        """The error as the identity platform writes it."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.code,
            "error_description": f"AADSTS{self.number}: {self.message} "
            f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }
