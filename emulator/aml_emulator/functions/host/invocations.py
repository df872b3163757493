"""Calling functions: each event and each request is an invocation of its own, all of them at the same time."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
import types
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import azure.functions as func

from . import logs
from .index import Function
from .settings import HostSettings


class FunctionTimeout(Exception):
    """An invocation took longer than `functionTimeout` of host.json allows."""


class _Context(func.Context):
    """What a function gets as `context`."""

    def __init__(
        self, function: Function, invocation: str, directory: str, trace_parent: str, trace_state: str
    ) -> None:
        self._function, self._invocation, self._directory = function, invocation, directory
        self._local = threading.local()
        self._local.invocation_id = invocation
        self._trace = types.SimpleNamespace(
            trace_parent=trace_parent,
            trace_state=trace_state,
            Traceparent=trace_parent,
            Tracestate=trace_state,
            attributes={},
        )
        self._retry = types.SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)

    @property
    def invocation_id(self) -> str:
        return self._invocation

    @property
    def thread_local_storage(self) -> Any:  # noqa: ANN401 - the library says it is a type, and means an instance
        return self._local

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> Any:  # noqa: ANN401 - the worker's is no TraceContext either
        return self._trace

    @property
    def retry_context(self) -> Any:  # noqa: ANN401 - as above
        return self._retry


class Invocation:
    """One call of a function, under way."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.id = str(uuid.uuid4())
        self.began = threading.Event()
        self.future: Future[Any] = Future()


class Invoker:
    """Runs the functions of an app."""

    def __init__(self, options: HostSettings, directory: str) -> None:
        self._timeout = options.timeout
        self._directory = directory
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="function")
        self._tasks: set[asyncio.Task[None]] = set()  # a loop itself holds its tasks weakly
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="coroutines", daemon=True).start()

    def start(self, function: Function, reason: str, make: Callable[[], Any], headers: dict[str, str]) -> Invocation:
        """Begin an invocation.

        Args:
            function: what is called.
            reason: what happened, for the log.
            make: makes the value of the trigger's parameter; what it raises fails the invocation.
            headers: of the request, names in lower case; those of W3C Trace Context are passed on.

        """
        invocation = Invocation(function)
        context = _Context(
            function, invocation.id, self._directory, headers.get("traceparent", ""), headers.get("tracestate", "")
        )

        def arguments() -> dict[str, Any]:
            value = make()
            return {function.parameter: value, **({"context": context} if function.wants_context else {})}

        carried = contextvars.copy_context()
        carried.run(logs.current.set, (function.name, invocation.id))
        if inspect.iscoroutinefunction(function.call):
            carried.run(self._start_coroutine, invocation, reason, arguments)
        else:
            self._pool.submit(carried.run, self._run, invocation, reason, arguments)
        return invocation

    def result(self, invocation: Invocation) -> Any:  # noqa: ANN401 - whatever the function returns
        """Wait for an invocation; what the function returned. What it raised is raised here.

        Raises:
            FunctionTimeout: it takes too long.

        """
        invocation.began.wait()
        try:
            return invocation.future.result(self._timeout)
        except FutureTimeout:
            if invocation.future.done():
                raise  # the function itself raised it
            raise FunctionTimeout(
                f"Timeout value of {self._timeout:g} s was exceeded by function: {invocation.function.name}"
            ) from None

    def _run(self, invocation: Invocation, reason: str, arguments: Callable[[], dict[str, Any]]) -> None:
        ended = _begin(invocation, reason)
        try:
            result = invocation.function.call(**arguments())
        except BaseException as error:
            ended(error)
            invocation.future.set_exception(error if isinstance(error, Exception) else _Ended(error))
        else:
            ended(None)
            invocation.future.set_result(result)

    def _start_coroutine(self, invocation: Invocation, reason: str, arguments: Callable[[], dict[str, Any]]) -> None:
        async def run() -> None:
            ended = _begin(invocation, reason)
            try:
                result = await invocation.function.call(**arguments())
            except BaseException as error:
                ended(error)
                invocation.future.set_exception(error if isinstance(error, Exception) else _Ended(error))
            else:
                ended(None)
                invocation.future.set_result(result)

        def begin() -> None:
            task = self._loop.create_task(run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(begin)  # takes the context of the caller, and so does the task


class _Ended(RuntimeError):
    """A function that tried to end the process, by SystemExit for example: that ends the invocation only."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")


def failure(error: BaseException) -> str:
    """An exception in the words of the Functions runtime."""
    return f"Result: Failure\nException: {type(error).__name__}: {error}"


def _begin(invocation: Invocation, reason: str) -> Callable[[BaseException | None], None]:
    """Note the beginning; the function that notes the end."""
    name, started = invocation.function.name, time.monotonic()
    invocation.began.set()
    logs.write(logs.INFORMATION, f"Executing 'Functions.{name}' (Reason='{reason}', Id={invocation.id})")

    def ended(error: BaseException | None) -> None:
        milliseconds = round((time.monotonic() - started) * 1000)
        if error is None:
            logs.write(
                logs.INFORMATION,
                f"Executed 'Functions.{name}' (Succeeded, Id={invocation.id}, Duration={milliseconds}ms)",
            )
        else:
            logs.write(
                logs.ERROR,
                f"Executed 'Functions.{name}' (Failed, Id={invocation.id}, Duration={milliseconds}ms)\n{failure(error)}\n{_stack(error)}",
            )

    return ended


def _stack(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the host's own
    return "".join(["Stack:\n", *traceback.format_list(frames)]).rstrip()
