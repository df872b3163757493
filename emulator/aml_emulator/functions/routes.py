"""Where function apps are reached: `/functions/<app>` is what `https://<app>.azurewebsites.net` is on Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from aml_emulator.functions import publishing
from aml_emulator.functions.apps import closed
from aml_emulator.functions.process import ENDING_HEADER, HostError
from aml_emulator.http import Call, Reply, Router

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_ANSWER_SECONDS = 230.0
"""How long App Service's load balancer waits for a function."""

_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"}
_NOT_FORWARDED = _HOP_BY_HOP | {"expect", "host"}
_NOT_PASSED_ON = _HOP_BY_HOP | {"content-encoding", "content-type", "date", "server", ENDING_HEADER}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def register(router: Router, emulator: Emulator) -> None:
    """Routes of publishing and of the apps themselves. Who may call a function is for its host to say."""
    publishing.register(router, emulator)

    def ask(call: Call) -> Reply:
        site = emulator.functions.named(call.params["site"])
        if site is None:
            return _text(404, f"There is no function app '{call.params['site']}'.")
        if reason := closed(site):
            return _text(403, reason)
        if emulator.functions.records.package(site.id) is None:
            return _text(404, f"No code was published to the function app '{site.name}'.")
        start = len("/functions/") + len(call.raw_path.split("/")[2])
        target = call.raw_path[start:] or "/"
        headers = {name: value for name, value in call.headers.items() if name.lower() not in _NOT_FORWARDED}
        headers |= {
            "x-forwarded-proto": "https",
            "x-forwarded-host": emulator.base_url.removeprefix("https://"),
            "x-forwarded-prefix": f"/functions/{quote(site.name)}",
        }
        try:
            answer = emulator.functions.forward(
                site,
                call.method,
                target + (f"?{call.raw_query}" if call.raw_query else ""),
                headers,
                call.body,
                _ANSWER_SECONDS,
            )
        except HostError as error:
            return _text(503, f"Function host is not running.\n{error}")
        except TimeoutError:
            return _text(504, "The function did not answer in time.")
        passed = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
        media_type = answer.headers.get("content-type", "")
        return Reply(answer.status_code, answer.content, passed, media_type)

    for method in _METHODS:
        router.add(method, "/functions/{site}", ask, "own")
        router.add(method, "/functions/{site}/{rest:path}", ask, "own")


def _text(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n", media_type="text/plain; charset=utf-8")
