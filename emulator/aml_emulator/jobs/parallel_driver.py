"""The driver of a parallel step: feeds the files of a folder in mini batches to the `run()` of an entry script.

Runs in the step's own environment and imports nothing but the standard library. Each worker process loads the entry script once,
calls its `init()` once, and `run(mini_batch)` for every mini batch that it gets. What `run()` returns, one item a file that was
processed, is appended to the file that `--append-row-to` names.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import signal
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

_PROGRESS = Path("logs/job_progress_overview.txt")
_entry: Any = None


class _TimeoutError(Exception):
    """A mini batch took longer than it may."""


def main() -> int:
    """Process everything; the exit code: 0, or 1 when more failed than may."""
    options = _options()
    batches = _batches(Path(options.input_data), options.mini_batch_size)
    print(f"{sum(map(len, batches))} files in {len(batches)} mini batches, {options.workers} workers", flush=True)
    context = multiprocessing.get_context(
        "spawn"
    )  # entry scripts bring threads of their own; a fork would inherit locks
    failed_batches = failed_files = done = 0
    with ProcessPoolExecutor(
        max_workers=min(options.workers, max(len(batches), 1)),
        mp_context=context,
        initializer=_start,
        initargs=(options.entry_script, options.arguments),
    ) as pool:
        running = {pool.submit(_process, batch, options.max_retries, options.timeout): batch for batch in batches}
        for future in as_completed(running):
            batch = running[future]
            try:
                rows, error = future.result()
            except BrokenProcessPool:
                print("A worker process ended: its entry script could not be loaded or initialised.", flush=True)
                return 1
            done += 1
            if error is not None:
                failed_batches += 1
                failed_files += len(batch)
                print(f"Mini batch {', '.join(batch)} failed: {error}", flush=True)
            else:
                failed_files += max(0, len(batch) - len(rows))
                _append(options.append_row_to, rows)
            _say_progress(done, len(batches), failed_batches, failed_files)
            if _over(failed_batches, options.mini_batch_error_threshold) or _over(
                failed_files, options.error_threshold
            ):
                for waiting in running:
                    waiting.cancel()
                print(
                    f"The error threshold is exceeded: {failed_batches} mini batches and {failed_files} files failed; allowed are "
                    f"{options.mini_batch_error_threshold} and {options.error_threshold}.",
                    file=sys.stderr,
                )
                return 1
    if options.append_row_to:
        Path(options.append_row_to).touch()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entry-script", required=True)
    parser.add_argument("--input-data", required=True)
    parser.add_argument("--append-row-to")
    for name, kind, default in (
        ("mini-batch-size", int, 1),
        ("workers", int, 1),
        ("error-threshold", int, -1),
        ("mini-batch-error-threshold", int, -1),
        ("max-retries", int, 2),
        ("timeout", float, 60),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    own = sys.argv[1:]
    end = own.index("--") if "--" in own else len(own)
    found = parser.parse_args(own[:end])
    found.arguments = own[end + 1 :]
    return found


def _batches(source: Path, size: int) -> list[list[str]]:
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    names = [str(path) for path in files]
    return [names[start : start + size] for start in range(0, len(names), size)]


def _start(entry_script: str, arguments: list[str]) -> None:
    """In a worker: load the entry script and initialise it. An error ends the step, as it would for every mini batch."""
    global _entry
    sys.argv = [entry_script, *arguments]
    sys.path[0] = str(Path.cwd())
    try:
        spec = importlib.util.spec_from_file_location("entry_script", entry_script)
        if spec is None or spec.loader is None:
            raise ImportError(f"'{entry_script}' is no Python file")
        _entry = importlib.util.module_from_spec(spec)
        sys.modules["entry_script"] = _entry
        spec.loader.exec_module(_entry)
        if hasattr(_entry, "init"):
            _entry.init()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise


def _process(batch: list[str], retries: int, timeout: float) -> tuple[list[str], str | None]:
    """In a worker: the rows that `run()` gives for a mini batch, or the error of the last attempt."""
    error = ""
    for _ in range(retries + 1):
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, timeout)
        try:
            return _rows(_entry.run(list(batch))), None
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
            traceback.print_exc()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return [], error


def _too_long(number: int, frame: object) -> None:
    raise _TimeoutError("the mini batch took longer than retry_settings.timeout")


def _rows(result: Any) -> list[str]:  # noqa: ANN401 - whatever the entry script returns
    """The rows of a list, or of a DataFrame (without its header, separated by spaces)."""
    if hasattr(result, "to_csv"):
        return str(result.to_csv(sep=" ", header=False, index=False)).splitlines()
    if result is None:
        return []
    return [str(item) for item in result]


def _append(target: str | None, rows: list[str]) -> None:
    if target and rows:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write("".join(f"{row}\n" for row in rows))


def _over(failed: int, allowed: int) -> bool:
    return allowed >= 0 and failed > allowed


def _say_progress(done: int, total: int, failed_batches: int, failed_files: int) -> None:
    _PROGRESS.parent.mkdir(exist_ok=True)
    state = {"processed": done, "total": total, "failedMiniBatches": failed_batches, "failedFiles": failed_files}
    with _PROGRESS.open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {json.dumps(state)}\n")


if __name__ == "__main__":
    sys.exit(main())
