"""Bodies of tests that run at the same time, each on an emulator of its own: most of the time of a step under faults is waiting."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.emulator import running
from support.fault_matrix import Bench, Cloud
from support.training import training_repository

Body = Callable[..., None]
Case = tuple[Body, tuple[object, ...]]
"""What asserts something about a step, and its arguments after the bench."""


class Benches:
    """The results of bodies, by function and arguments."""

    def __init__(self, results: Mapping[Case, Future[None]]) -> None:
        self._results = results

    def result(self, body: Body, *arguments: object) -> None:
        """Wait for a body.

        Raises:
            Exception: whatever it raised.

        """
        self._results[body, arguments].result()


@contextmanager
def benches(folder: Path, number: int, prepare: Callable[[Bench], None], cases: Sequence[Case]) -> Iterator[Benches]:
    """Run all cases on so many benches; faults are those of a whole emulator, so a bench takes one case at a time.

    Args:
        folder: for the states of the emulators and the repositories.
        number: of benches.
        prepare: makes on every bench what its cases need.
        cases: to run.

    """
    free: queue.SimpleQueue[Bench] = queue.SimpleQueue()

    def one(body: Body, arguments: tuple[object, ...]) -> None:
        bench = free.get()
        try:
            body(bench, *arguments)
        finally:
            free.put(bench)

    with ExitStack() as stack, ThreadPoolExecutor(number) as pool:

        def make(place: int) -> None:
            emulator = stack.enter_context(running(folder / f"emulator-{place}"))
            repository = training_repository(folder / f"repository-{place}", emulator, f"ws-bench-{place}")
            bench = Bench(repository, Cloud(emulator, repository.workspace))
            prepare(bench)
            free.put(bench)

        list(pool.map(make, range(number)))
        results = {case: pool.submit(one, *case) for case in cases}
        try:
            yield Benches(results)
        finally:
            for future in results.values():
                future.cancel()
            pool.shutdown()
