"""Why a job failed: the line of the repository, the service's error, the exit code, and the last lines of the process that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aml_actions import markdown
from aml_actions.errors import ActionError
from aml_actions.run_history import ChildRun
from aml_actions.service_error import ServiceError
from aml_run import known_failures, known_script, log_ends, tracebacks
from aml_run.known import PAGE, Known, Where
from aml_run.log_ends import BUILD_LOG as BUILD_LOG
from aml_run.source_lines import Place

_ANCHOR = f"{PAGE}#failed-job"
_EXIT_CODE = re.compile(r"(?:exited with (?:status )?code|exit code:?|non-zero exit code:?)\s*'?(?P<code>-?\d{1,10})")
_LONGEST = 3000
"""Characters of log in an annotation; the runner cuts long ones, and the end of a log is what matters."""
_LINES = 30
"""Lines of log that are shown."""
_LAST = 5
"""Lines of log that are looked through for known words: further above, a script may have got over what it says."""
_LONGEST_CHAIN = 400
"""Characters of a chain of codes."""
_MOST_CHILDREN = 10
"""Failed child jobs that are told one by one."""
_BUILD_FAILED = re.compile(r"image build|building the environment|environment build", re.IGNORECASE)
_ERROR_LINE = re.compile(r"Traceback \(most recent call last\)|^\w[\w.]*(?:Error|Exception)\b", re.MULTILINE)
_SECONDARY = re.compile(
    r"(?:ConnectionResetError|ConnectionRefusedError|BrokenPipeError|DistBackendError|DistNetworkError|DistStoreError|"
    r"ChildFailedError|KeyboardInterrupt|SignalException|NCCL|Connection (?:closed|reset) by peer|heartbeat timeout)"
)
"""What the other processes say when one has failed."""
_QUOTED = re.compile(r"\bError: ")
_NAMED_LOG = re.compile(r"log file '(?P<name>[^']{1,300})'")


@dataclass(frozen=True)
class Report:
    """What is told of a failed job.

    Attributes:
        what: one sentence.
        facts: Markdown about the job for the summary.
        url: page of the job.
        message: of the service; may be empty and may have several lines.
        codes: of the service's errors, from the outermost to the deepest: a line for the job and one for child jobs.
        place: line of the repository.
        blob: address of the files of the commit, for links; empty without such pages.
        circumstances: sentences.
        first_error: lines of the build log.
        log_name: of the file that `log` is from.
        log: last lines; may be empty.
        cause: why it happens.
        fix: what to do.
        anchor: section of the documentation.
        link: a page of Microsoft's.
        support: ids for Azure's support.
    """

    what: str
    facts: str
    url: str
    message: str = ""
    codes: Sequence[str] = ()
    place: Place | None = None
    blob: str = ""
    circumstances: Sequence[str] = ()
    first_error: Sequence[str] = ()
    log_name: str = ""
    log: Sequence[str] = ()
    cause: str | None = None
    fix: str | None = None
    anchor: str = _ANCHOR
    link: str = ""
    support: str = ""

    def sections(self) -> Iterator[str]:
        """Yield the parts of the job summary."""
        if self.facts:
            yield self.facts
        if self.place:
            place = self.place
            name = f"{place.file}:{place.line}"
            shown = (
                markdown.link(name, f"{self.blob}/{quote(place.file)}#L{place.line}")
                if self.blob
                else markdown.code(name)
            )
            cause = f", caused by {markdown.code(place.cause)}" if place.cause else ""
            yield f"{shown}: {markdown.code(place.raised)}{cause}\n\n{markdown.fence(place.code, 'python')}"
        if self.codes:
            yield "Error codes, the deepest last:\n\n" + "\n".join(
                f"{'  ' if number else ''}- {markdown.code(line)}" for number, line in enumerate(self.codes)
            )
        if self.circumstances:
            yield "\n".join(f"- {markdown.escape(sentence)}" for sentence in self.circumstances)
        if self.message:
            yield markdown.fence(self.message)
        if self.first_error:
            yield f"First error in {markdown.code(BUILD_LOG)}:\n\n{markdown.fence(chr(10).join(self.first_error))}"
        if self.log:
            yield f"Last lines of {markdown.code(self.log_name)}:\n\n{markdown.fence(chr(10).join(self.log))}"
        if self.link:
            yield f"Microsoft about it: <{self.link}>"
        if self.support:
            yield f"For Azure's support: {markdown.code(self.support)}"

    def annotation(self) -> Iterator[str]:
        """Yield the parts of the annotation."""
        yield self.what
        if self.place:
            yield str(self.place)
        if self.codes:
            yield "\n  ".join([f"Error: {self.codes[0]}", *self.codes[1:]])
        if self.circumstances:
            yield "\n".join(self.circumstances)
        if self.message:
            yield self.message[:_LONGEST]
        if self.first_error:
            yield f"First error in {BUILD_LOG}:\n" + "\n".join(self.first_error)[:_LONGEST]
        if self.log:
            yield f"Last lines of {self.log_name}:\n" + "\n".join(self.log)[-_LONGEST:]
        yield f"Studio: {self.url}"


class JobFailed(ActionError):
    """A job that did not complete. Its text, unlike its table in the summary, ends with the last lines of the log."""

    def __init__(self, report: Report) -> None:
        """Describe the failure; the annotation sits on the line of the repository, where one is known."""
        super().__init__(
            report.what,
            cause=report.cause,
            fix=report.fix,
            details="\n\n".join(report.sections()),
            anchor=report.anchor,
            file=report.place.file if report.place else None,
            line=report.place.line if report.place else None,
        )
        self.report = report

    def __str__(self) -> str:
        return "\n\n".join([*self.report.annotation(), *(f"{label}: {text}" for label, text in self.parts())])


def explain(
    job: str,
    status: str,
    url: str,
    error: ServiceError | None,
    tails: Mapping[str, Sequence[str]],
    children: Sequence[ChildRun] = (),
    facts: str = "",
    culprit: ChildRun | None = None,
    *,
    first_error: Sequence[str] = (),
    place: Place | None = None,
    circumstances: Sequence[str] = (),
    blob: str = "",
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
        first_error: lines of the build log from its first error on.
        place: line of the repository that failed.
        circumstances: sentences about what no log tells.
        blob: address of the files of the commit.

    """
    message = "\n".join([error.text if error else "", *(reason(child) for child in children)])
    log_name = log_to_show(tails, message, reason(culprit) if culprit else message)
    is_build = log_name == BUILD_LOG
    code = None if is_build else exit_code(reason(culprit) if culprit else message)
    whose = f"its child job {culprit.display_name or culprit.name}" if culprit else ""
    lines = _without_blank_end(tails.get(log_name, ()))
    codes = _codes(error, children)
    known = None if status == "Canceled" else _known([*codes, message], lines, first_error, is_build, code, place)
    cause, fix = (known.cause, known.fix) if known else (None, None)
    if status == "Canceled":
        what = f"Job {job} was cancelled."
        if not circumstances:
            fix = "if nobody did: its time limit, a failed parent job, or the low-priority node that was taken away"
    elif is_build:
        what = f"Job {job} failed: {f'the environment of {whose}' if whose else 'its environment'} could not be built."
        fix = fix or "correct the conda file; the build log says which package or Python version could not be had"
    elif code is not None:
        what = f"Job {job} failed: {f'the script of {whose}' if whose else 'its script'} ended with exit code {code}."
    elif place:
        what = f"Job {job} failed: {f'the script of {whose}' if whose else 'its script'} raised an exception."
    else:
        what = f"Job {job} failed."
    meaning = known_script.of_exit_code(code) if code != 1 else None
    if meaning is not None and meaning is not known:
        circumstances = [f"Exit code {code}: {meaning.cause}.", *circumstances]
    log = lines[-_LINES:]
    above = list(first_error) if is_build and not set(first_error) <= set(log) else []
    return JobFailed(
        Report(
            what,
            facts=facts,
            url=url,
            message=_message(error, children, log),
            codes=codes,
            place=place,
            blob=blob,
            circumstances=circumstances,
            first_error=above,
            log_name=f"{log_name} of {whose}" if whose else log_name,
            log=log,
            cause=cause,
            fix=fix,
            anchor=known.anchor if known else _ANCHOR,
            link=known.link if known else "",
            support=error.correlation if error else "",
        )
    )


def exit_code(message: str) -> int | None:
    """Return the exit code that the service's message names."""
    found = _EXIT_CODE.search(message)
    return int(found["code"]) if found else None


def log_to_show(tails: Mapping[str, Sequence[str]], message: str, named_in: str = "") -> str:
    """Return the log to show: that of the build where it failed, else that of the process that failed.

    Args:
        tails: last lines of each log.
        message: of the service, with those of the children.
        named_in: the one of its messages that may name the log; by default `message`.
    """
    build_failed = bool(_BUILD_FAILED.search(message)) or not any(log_ends.is_script(name) for name in tails)
    if build_failed and BUILD_LOG in tails:
        return BUILD_LOG
    return failing_log(tails, named_log(named_in or message))


def named_log(message: str) -> str:
    """Return the log file that the service's message names, or nothing."""
    found = _NAMED_LOG.search(message)
    return found["name"] if found else ""


def failing_log(tails: Mapping[str, Sequence[str]], named: str = "") -> str:
    """Return the log to show: of the processes of a distributed job the first whose output ends in an exception.

    A process that only waited for another one shows nothing of the cause; the first file alone, as the SDK streams it, is
    often that one.

    Args:
        tails: last lines of each log.
        named: the file that the service names; it is shown if it tells an exception that is not about another process.
    """
    scripts = sorted(name for name in tails if log_ends.is_script(name))
    texts = {name: "\n".join(tails[name]) for name in scripts or tails}
    with_error = [name for name in (scripts or sorted(tails)) if _ERROR_LINE.search(texts[name])]
    telling = [name for name in with_error if not _SECONDARY.search("\n".join(texts[name].splitlines()[-_LINES:]))]
    if named in telling or (named in tails and not telling):
        return named
    return next(iter(telling or with_error or scripts or sorted(tails)), "")


def reason(child: ChildRun) -> str:
    """Return what the service says of a child job that failed; nothing of others."""
    return child.error.message if child.status == "Failed" and child.error else ""


def _codes(error: ServiceError | None, children: Sequence[ChildRun]) -> list[str]:
    """Return the codes of the job, then those of its failed child jobs, each chain once."""
    lines = []
    if error and error.codes:
        target = f" (target: {error.target})" if error.target else ""
        lines.append(f"{' > '.join(error.codes)}{target}"[:_LONGEST_CHAIN])
    chains: dict[str, list[str]] = {}
    for child in children:
        if child.status == "Failed" and child.error and child.error.codes:
            chains.setdefault(" > ".join(child.error.codes)[:_LONGEST_CHAIN], []).append(
                child.display_name or child.name
            )
    for chain, names in list(chains.items())[:_MOST_CHILDREN]:
        if not lines:
            lines.append("Failed")
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        lines.append(f"{shown}: {chain}")
    return lines


def _known(
    said: Sequence[str],
    log: Sequence[str],
    first_error: Sequence[str],
    is_build: bool,
    code: int | None,
    place: Place | None,
) -> Known | None:
    """Return the known failure; the nearer to the cause a text is, the sooner it is asked."""
    message = "\n".join(said)
    if is_build:
        texts = ("\n".join(first_error), "\n".join(log[-_LINES:]), message)
        return next((found for text in texts if (found := known_failures.find(text, Where.BUILD))), None)
    # What the service quotes of the script is the script's, not the service's.
    own = "\n".join(_QUOTED.split(line, maxsplit=1)[0] for line in said)
    if found := known_failures.find(own, Where.JOB):
        return found
    outcome = [] if code is not None and (code < 0 or code >= 128) else _outcome(log)
    told = [place.raised, place.cause] if place else []
    if found := known_failures.find("\n".join([*told, *outcome, *log[-_LAST:]]), Where.SCRIPT):
        return found
    return None if code == 1 and (place or outcome) else known_script.of_exit_code(code)


def _outcome(log: Sequence[str]) -> list[str]:
    """Return the words of the exception that a log ends with, and of those that caused it."""
    raised = [one for one in tracebacks.read(log) if not one.beside]
    return [str(one) for one in tracebacks.chain(raised[-1])] if raised else []


def _message(error: ServiceError | None, children: Sequence[ChildRun], log: Sequence[str]) -> str:
    lines = [_without_log(error.text, log)] if error and error.text.strip() else []
    failed = [child for child in children if child.status == "Failed"]
    lines += [
        f"Child job {child.display_name or child.name} ({child.name}) failed. {_without_log(reason(child), log)}".strip()
        for child in failed[:_MOST_CHILDREN]
    ]
    if len(failed) > _MOST_CHILDREN:
        lines.append(f"{len(failed) - _MOST_CHILDREN} more child jobs failed.")
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
