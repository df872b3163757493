"""Why a job failed: the service's message, the exit code, and the last lines of the process that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from aml_actions import markdown
from aml_actions.errors import ActionError
from aml_actions.run_history import ChildRun
from aml_actions.service_error import ServiceError

BUILD_LOG = "azureml-logs/20_image_build_log.txt"
_EXIT_CODE = re.compile(r"(?:exited with (?:status )?code|exit code:?|non-zero exit code:?)\s*'?(?P<code>-?\d+)")
_LONGEST = 3000
"""Characters of log in an annotation; the runner cuts long ones, and the end of a log is what matters."""
_BUILD_FAILED = re.compile(r"image build|building the environment|environment build", re.IGNORECASE)
_ERROR_LINE = re.compile(r"Traceback \(most recent call last\)|^\w[\w.]*(?:Error|Exception)\b", re.MULTILINE)
_MEANINGS = {
    2: "the script did not accept its arguments, or the shell did not accept the command",
    126: "a file of the command may not be executed; Git keeps that mark, `git update-index --chmod=+x`",
    127: "a command was not found in the image",
    134: "the process aborted itself, often after a failure in native code",
    137: "the process was killed, mostly because memory ran out: a larger size of the compute, or smaller batches",
    139: "a crash in native code, often packages that do not fit together",
    143: "the process was asked to stop: time limit, cancellation, or the node was taken away",
}


class JobFailed(ActionError):
    """A job that did not complete. Its text, unlike its table in the summary, ends with the last lines of the log."""

    def __init__(
        self, what: str, *, facts: str, message: str, log_name: str, log: Sequence[str], url: str, fix: str | None
    ) -> None:
        """Describe the failure.

        Args:
            what: one sentence.
            facts: Markdown about the job for the summary.
            message: of the service; may be empty and may have several lines.
            log_name: of the file that `log` is from.
            log: last lines; may be empty.
            url: page of the job.
            fix: what to do.

        """
        sections = [facts]
        if message:
            sections.append(markdown.fence(message))
        if log:
            sections.append(f"Last lines of {markdown.code(log_name)}:\n\n{markdown.fence(chr(10).join(log))}")
        super().__init__(what, fix=fix, details="\n\n".join(sections), anchor="docs/troubleshooting.md#failed-job")
        self._message, self._log_name, self._log, self._url = message, log_name, log, url

    def __str__(self) -> str:
        parts = [self.what]
        if self._message:
            parts.append(self._message[:_LONGEST])
        if self._log:
            parts.append(f"Last lines of {self._log_name}:\n" + "\n".join(self._log)[-_LONGEST:])
        parts.append(f"Studio: {self._url}")
        return "\n\n".join([*parts, *(f"{label}: {text}" for label, text in self.parts())])


def explain(
    job: str,
    status: str,
    url: str,
    error: ServiceError | None,
    tails: Mapping[str, Sequence[str]],
    children: Sequence[ChildRun] = (),
    facts: str = "",
    culprit: ChildRun | None = None,
) -> JobFailed:
    """Return the error for a job that ended in another state than Completed.

    Args:
        job: its name.
        status: its end state.
        url: its page.
        error: from run history, where alone it is told; None when it says nothing.
        tails: last lines of each log file.
        children: its child jobs; the failed ones are named.
        facts: Markdown about the job for the summary, with a link to it.
        culprit: the child job that `tails` are from, when they are not the job's own.

    """
    message = "\n".join([error.text if error else "", *(reason(child) for child in children)])
    build_failed = bool(_BUILD_FAILED.search(message)) or not any(name.startswith("user_logs/") for name in tails)
    log_name = BUILD_LOG if build_failed and BUILD_LOG in tails else failing_log(tails)
    code = None if log_name == BUILD_LOG else exit_code(reason(culprit) if culprit else message)
    whose = f"its child job {culprit.display_name or culprit.name}" if culprit else ""
    if status == "Canceled":
        what = f"Job {job} was cancelled."
        fix: str | None = (
            "if nobody did: its time limit, a failed parent job, or the low-priority node that was taken away"
        )
    elif log_name == BUILD_LOG:
        what = f"Job {job} failed: {f'the environment of {whose}' if whose else 'its environment'} could not be built."
        fix = "correct the conda file; the build log says which package or Python version could not be had"
    elif code is not None:
        what = f"Job {job} failed: {f'the script of {whose}' if whose else 'its script'} ended with exit code {code}."
        fix = _MEANINGS.get(code)
    else:
        what = f"Job {job} failed."
        fix = None
    log = _without_blank_end(tails.get(log_name, ()))
    return JobFailed(
        what,
        facts=facts,
        message=_message(error, children, log),
        log_name=f"{log_name} of {whose}" if whose else log_name,
        log=log,
        url=url,
        fix=fix,
    )


def exit_code(message: str) -> int | None:
    """Return the exit code that the service's message names."""
    found = _EXIT_CODE.search(message)
    return int(found["code"]) if found else None


def failing_log(tails: Mapping[str, Sequence[str]]) -> str:
    """Return the log to show: of the processes of a distributed job the first whose output ends in an exception.

    A process that only waited for another one shows nothing of the cause; the first file alone, as the SDK streams it, is
    often that one.
    """
    user_logs = sorted(name for name in tails if name.startswith("user_logs/"))
    with_error = [name for name in user_logs if _ERROR_LINE.search("\n".join(tails[name]))]
    return next(iter(with_error or user_logs or sorted(tails)), "")


def reason(child: ChildRun) -> str:
    """Return what the service says of a child job that failed; nothing of others."""
    return child.error.message if child.status == "Failed" and child.error else ""


def _message(error: ServiceError | None, children: Sequence[ChildRun], log: Sequence[str]) -> str:
    lines = [_without_log(error.text, log)] if error and error.text.strip() else []
    lines += [
        f"Child job {child.display_name or child.name} ({child.name}) failed. {_without_log(reason(child), log)}".strip()
        for child in children
        if child.status == "Failed"
    ]
    return "\n".join(lines).strip()


def _without_log(message: str, log: Sequence[str]) -> str:
    """Return the message without the exception that Azure quotes at its end, when the log shows it anyway."""
    first, *others = message.splitlines() or [""]
    if others and others[-1].strip() in {line.strip() for line in log}:
        return first.removesuffix("Traceback (most recent call last):").strip().removesuffix("Error:").strip()
    return message


def _without_blank_end(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
