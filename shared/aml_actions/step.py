"""One step of a workflow, from its environment to its exit code."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TextIO, TypeVar

from aml_actions import __version__, client, markdown
from aml_actions.azure_errors import explain
from aml_actions.azure_pipelines import MARK, AzurePipelines
from aml_actions.cloud import Cloud, find
from aml_actions.credentials import Credentials, from_service_connection, parse, token_credential, with_id_token
from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.findings import Findings
from aml_actions.rest import AzureRest
from aml_actions.runner import Runner
from aml_actions.settings import check_settings, read_inputs
from aml_actions.signals import Cancelled, raising
from aml_actions.spec import ActionSpec, Parameters
from aml_actions.workflow import Workflow
from aml_actions.workspace import WorkspaceRef, read

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential

P = TypeVar("P", bound=Parameters)

INTERRUPTED = 130
"""Exit code of a step that was cancelled (128 + SIGINT)."""


class Step(Generic[P]):
    """What the work of an action has at hand. Settings are checked; nothing was asked of Azure yet.

    Attributes:
        spec: the action's declaration.
        inputs: value of every declared input, defaults applied.
        parameters: the parameters file, checked; the first set where it holds a list.
        parameter_sets: all sets of it; more than one only where the spec allows a list.
        secrets: the declared environment secrets that are set; masked.
        runner: the workflow run.
        workflow: log, outputs, summary.
        credentials: the service principal; its secret is masked.
    """

    def __init__(
        self,
        *,
        spec: ActionSpec,
        inputs: Mapping[str, str],
        parameter_sets: tuple[P, ...],
        secrets: Mapping[str, str],
        runner: Runner,
        workflow: Workflow,
        credentials: Credentials,
    ) -> None:
        self.spec = spec
        self.inputs = inputs
        self.parameter_sets = parameter_sets
        self.parameters = parameter_sets[0]
        self.secrets = secrets
        self.runner = runner
        self.workflow = workflow
        self.credentials = credentials
        self._workspace: WorkspaceRef | None = None
        self._clients: dict[WorkspaceRef, MLClient] = {}
        self._rest: AzureRest | None = None
        self.before_request: Callable[[Any], None] | None = None
        """Called with every request of the clients of `ml_client`, an ``azure.core.pipeline.PipelineRequest``, before it is sent."""

    @property
    def user_agent(self) -> str:
        """Name, version and run, so that Azure's logs lead back here."""
        run = f"{self.runner.run_id or '0'}.{self.runner.run_attempt}"
        return f"{self.spec.name}/{__version__} ({self.runner.system}; run {run})"

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud of the credentials; a cloud that is not built in is asked for its endpoints."""
        return find(self.credentials)

    @cached_property
    def credential(self) -> TokenCredential:
        """The signed-in service principal of azure-identity; a token is fetched at its first use."""
        return token_credential(self.credentials, self.cloud, self.workflow.mask)

    def workspace(self) -> WorkspaceRef:
        """Return the workspace that aml-workspace left for this job.

        Raises:
            ActionError: there is none.
        """
        if self._workspace is None:
            self._workspace = read(self.runner)
        return self._workspace

    def ml_client(self, ref: WorkspaceRef | None = None) -> MLClient:
        """Return the Azure ML client for a workspace, by default the one of `workspace()`. The first call imports the SDK, 2 s."""
        ref = ref or self.workspace()
        if ref not in self._clients:
            self._clients[ref] = client.ml_client(
                self.credential, self.cloud, ref, self.user_agent, on_request=self._on_request
            )
        return self._clients[ref]

    def rest(self) -> AzureRest:
        """Return the client for REST calls that the SDK does not offer."""
        if self._rest is None:
            self._rest = AzureRest(self.credential, self.cloud, self.user_agent, renew=self._sign_in_again)
        return self._rest

    def impatient_rest(self) -> AzureRest:
        """Return a new client that retries nothing and waits for no answer long: for whoever asks again itself."""
        return AzureRest(self.credential, self.cloud, self.user_agent, renew=self._sign_in_again, impatient=True)

    def _sign_in_again(self) -> TokenCredential:
        """Return a credential without any token of before."""
        self.__dict__.pop("credential", None)
        return self.credential

    def _on_request(self, request: Any) -> None:  # noqa: ANN401 - PipelineRequest; importing it would cost every step
        if self.before_request is not None:
            self.before_request(request)

    def studio_url(self, path: str = "", ref: WorkspaceRef | None = None) -> str:
        """Return the address of a page of Azure ML Studio, such as ``compute/cpu-cluster/details``; without a path the workspace's."""
        ref = ref or self.workspace()
        return f"{self.cloud.studio}/{path}?wsid={ref.arm_id}&tid={self.credentials.tenant_id}"

    def set_output(self, name: str, value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        """Set an output that the spec declares; what is not a string becomes JSON."""
        self.workflow.set_output(name, value)

    def summary(self, markdown: str) -> None:
        """Append Markdown to the job summary."""
        self.workflow.summary(markdown)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Say what a block is about, such as ``creating compute cpu-cluster``: Azure's refusals in it then name it."""
        try:
            yield
        except ActionError:
            raise
        except Exception as error:
            explained = explain(error, doing=what)
            if explained is None:
                raise
            raise explained from error


def prepare(spec: ActionSpec, environ: Mapping[str, str], workflow: Workflow) -> Step[Any]:
    """Check everything that the user configured and return the step; what is accepted but not right becomes a warning.

    Raises:
        InvalidSettings: all problems of inputs, credentials, parameters file and the files it points at, at once.
    """
    inputs, problems = read_inputs(spec, environ)
    secrets = {secret.name: environ[secret.name] for secret in spec.secrets if environ.get(secret.name)}
    for secret in spec.secrets:
        if secret.masked and secret.name in secrets:
            workflow.mask(secrets[secret.name])
    runner = Runner.from_environment(environ)
    signed_in: Credentials | None = None
    findings = Findings(errors=problems)
    try:
        given = inputs.get("azure_credentials", "")
        signed_in = _signed_in(given, environ)
        for secret_part in signed_in.secrets:
            workflow.mask(secret_part)
    except ActionError as error:
        findings.error(error)
    file_findings = Findings()
    name = inputs.get("parameters_file") or spec.parameters_file
    sets = check_settings(spec, name, runner.workspace, file_findings, secrets)
    findings.extend([file_findings])
    for warning in findings.warnings:
        workflow.warning(str(warning), title=spec.name, file=warning.file, line=warning.line)
    if findings.errors or signed_in is None:
        raise InvalidSettings(findings.errors)
    return Step(
        spec=spec,
        inputs=inputs,
        parameter_sets=sets,
        secrets=secrets,
        runner=runner,
        workflow=workflow,
        credentials=signed_in,
    )


def _signed_in(given: str, environ: Mapping[str, str]) -> Credentials:
    """Who signs in: in Azure Pipelines a service connection or a secret, in GitHub a secret or the id token of the job."""
    if environ.get(MARK):
        connection = None if given else from_service_connection(environ)
        return connection or parse(given, secret_required=True)
    return with_id_token(parse(given), environ)


def main(spec: ActionSpec, environ: Mapping[str, str], stream: TextIO | None = None) -> int:
    """Run a step and return its exit code. The one place where errors become annotation, summary section and exit code.

    Args:
        spec: the action.
        environ: the environment of the step; read here and nowhere else.
        stream: the step's log, standard output by default.
    """
    side = AzurePipelines if environ.get(MARK) else Workflow
    workflow = side.from_environment(environ, stream or sys.stdout, {output.name for output in spec.outputs})
    _quiet_libraries(workflow)
    with raising():
        try:
            return _run(spec, environ, workflow)
        except KeyboardInterrupt as stop:
            return _report_cancelled(stop, spec, workflow)


def _run(spec: ActionSpec, environ: Mapping[str, str], workflow: Workflow) -> int:
    try:
        step = prepare(spec, environ, workflow)
        spec.load_work()(step)
    except Exception as error:
        report(error, spec, workflow)
        return 1
    return 0


def _report_cancelled(stop: KeyboardInterrupt, spec: ActionSpec, workflow: Workflow) -> int:
    """Tell that the step was cancelled, and what the action did about it; return the exit code, 130 or 143."""
    told: ActionError | None = None
    code = INTERRUPTED
    if isinstance(stop, Cancelled):
        stop.caught()
        told, code = stop.told, stop.exit_code
    workflow.error(str(told or "The step was cancelled."), title=spec.name)
    workflow.summary(_section(told, spec, "⏹", ": cancelled") if told else f"### ⏹ {spec.name}: cancelled\n")
    return code


def report(error: Exception, spec: ActionSpec, workflow: Workflow) -> None:
    """Show an error: one annotation, one section of the job summary; a traceback only for what we did not foresee."""
    known = explain(error)
    if known is None or workflow.step_debug:
        with workflow.group("debug"):
            workflow.relay("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    told = known or _unforeseen(error, spec)
    workflow.error(str(told), title=spec.name, file=told.file, line=told.line)
    workflow.summary(_section(told, spec))


def _unforeseen(error: Exception, spec: ActionSpec) -> ActionError:
    first = (str(error).strip().splitlines() or [""])[0]
    return ActionError(
        f"{spec.name} stopped on an error that it does not know: {type(error).__name__}: {first}",
        cause="a defect of the action, or an answer that it has not met before",
        fix="open an issue with the lines of the group 'debug' of this step's log",
    )


def _section(error: ActionError, spec: ActionSpec, sign: str = "❌", end: str = "") -> str:
    problems = error.problems if isinstance(error, InvalidSettings) else (error,)
    lines = [f"### {sign} {spec.name}{end}"]
    if len(problems) > 1:
        lines.append(markdown.escape(error.what))
    for problem in problems:
        lines.append(f"**{markdown.escape(problem.what)}**")
        parts = problem.parts()
        if parts:
            lines.append(markdown.table(["", ""], [(label, _cell(label, text)) for label, text in parts]))
        if problem.details:
            lines.append(problem.details)
    return "\n\n".join(lines) + "\n"


def _cell(label: str, text: str) -> str:
    """Values are code; in the other texts only what stands between backticks is."""
    if label == "Given":
        return markdown.code(text)
    pieces = text.split("`")
    return "".join(
        markdown.code(piece) if number % 2 else markdown.escape(piece) for number, piece in enumerate(pieces)
    )


class _ToDebug(logging.Handler):
    """Sends what libraries log to the step's debug log: as a stray line on stderr it would look like an error of ours."""

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(logging.WARNING)
        self._workflow = workflow

    def emit(self, record: logging.LogRecord) -> None:
        self._workflow.debug(f"{record.name}: {record.getMessage()}")


def _quiet_libraries(workflow: Workflow) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _ToDebug)]:
        root.removeHandler(handler)
    root.addHandler(_ToDebug(workflow))
    logging.captureWarnings(True)
