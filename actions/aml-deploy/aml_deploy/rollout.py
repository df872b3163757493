"""A rollout: a new deployment beside those that serve, tested there, then given the traffic; or everything as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aml_actions.azure_errors import explain
from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import wait_until
from aml_actions.service_error import ServiceError
from aml_deploy.before import Before, look
from aml_deploy.deployment_logs import DeploymentLogs
from aml_deploy.endpoints import OnlineEndpoints, state_of
from aml_deploy.environment_secrets import KEY_SECRETS
from aml_deploy.failures import ANCHOR, explain_failure, sections
from aml_deploy.names import deployment_name
from aml_deploy.order import Order
from aml_deploy.outcome import Outcome
from aml_deploy.request_keys import RequestKeys
from aml_deploy.service import DeployedService
from aml_deploy.smoke_test import Verdict, run_test
from aml_deploy.undo import Undo

if TYPE_CHECKING:
    from pathlib import Path

    from azure.ai.ml.entities import OnlineEndpoint

    from aml_actions.workflow import Workflow

VERIFY_TIMEOUT = 120.0
"""Seconds in which an endpoint must show the traffic that was set."""


class Rollout:
    """One rollout to one endpoint."""

    def __init__(
        self,
        order: Order,
        endpoints: OnlineEndpoints,
        workflow: Workflow,
        workspace: Path,
        keys: RequestKeys | None = None,
    ) -> None:
        """Nothing is asked of Azure yet.

        Args:
            order: what is to be rolled out.
            endpoints: where.
            workflow: log of the step.
            workspace: folder of the repository, for the test.
            keys: those that callers are to send; without, the endpoint keeps its own.
        """
        self._order = order
        self._endpoints = endpoints
        self._workflow = workflow
        self._workspace = workspace
        self._keys = keys if keys is not None and keys.wanted else None
        self._undo = Undo(workflow)
        self._name = ""

    def run(self) -> Outcome:
        """Do it.

        Raises:
            ActionError: it failed; its text says in which state Azure is left.
        """
        order = self._order
        before = look(order, self._endpoints, self._workflow.warning)
        self._name = deployment_name(
            order.model.version,
            order.run_id,
            order.run_attempt,
            (*before.older, *before.others),
            order.target.longest_deployment_name(order.endpoint),
        )
        try:
            return self._forward(before)
        except KeyboardInterrupt:
            self._workflow.warning(f"The step was cancelled. {self._back(before)}")
            raise
        except Exception as error:
            known = explain(error, doing=f"deploying to endpoint {order.endpoint}")
            state = self._back(before)
            if known is None:
                raise
            known.what = f"{known.what.rstrip('.')}. {state}".rstrip()
            raise known from error

    def _forward(self, before: Before) -> Outcome:
        endpoint = before.endpoint or self._create_endpoint()
        outcome = Outcome(self._name, endpoint, created_endpoint=before.endpoint is None, others=before.others)
        self._deploy(before)
        outcome.test = self._test(endpoint)
        if self._order.parameters.delete_service_after_deployment or (outcome.test and outcome.test.delete_asked):
            self._workflow.info(self._delete_service(before))
            self._undo.forget()
            outcome.endpoint = None
            return outcome
        self._shift_traffic(before)
        outcome.endpoint = self._verify()
        if before.endpoint is not None:
            self._change_keys(before.endpoint)
        self._undo.forget()
        outcome.removed = self._remove_older(before.older)
        return outcome

    # --- forward

    def _create_endpoint(self) -> OnlineEndpoint:
        from azure.core.exceptions import HttpResponseError

        name = self._order.endpoint
        self._workflow.info(f"Endpoint {name} does not exist; creating it.")
        self._undo.add(self._remove_endpoint, _az("online-endpoint delete --yes", name=name))
        try:
            self._endpoints.create(self._order.endpoint_entity())
        except HttpResponseError as error:
            if "already exists" not in str(error):
                raise
            raise ActionError(
                f"The endpoint name {name} is taken: somebody else in the region has an endpoint of that name.",
                value=name,
                fix="set another name in the parameters file, for example with your organisation in it",
                anchor=ANCHOR,
            ) from error
        made = self._endpoints.find(name)
        if made is None or state_of(made) != "Succeeded":
            raise ActionError(f"The endpoint {name} was created, but it is {state_of(made)}.", anchor=ANCHOR)
        if self._keys:
            self._keys.set(name, self._keys.wanted)
        return made

    def _change_keys(self, endpoint: OnlineEndpoint) -> None:
        """Give an endpoint that was there before the keys of the user; its callers need them from now on."""
        if self._keys is None:
            return
        if endpoint.auth_mode != "key":
            self._workflow.warning(f"Endpoint {endpoint.name} takes no keys: {', '.join(KEY_SECRETS)} are not used.")
            return
        name, keys = str(endpoint.name), self._keys
        previous = keys.present(name)
        for key in previous.values():
            self._workflow.mask(key)
        self._undo.add(lambda: self._restore_keys(keys, previous), _az("online-endpoint regenerate-keys", name=name))
        keys.set(name, keys.wanted)

    def _restore_keys(self, keys: RequestKeys, previous: Mapping[str, str]) -> str:
        keys.set(self._order.endpoint, previous)
        return "The keys were set back."

    def _deploy(self, before: Before) -> None:
        from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

        order = self._order
        self._workflow.info(
            f"Creating deployment {self._name} of model {order.model}: {order.target.machines}. It gets no traffic yet."
        )
        if before.endpoint is not None:  # else the endpoint goes, with everything on it
            self._undo.add(self._remove_deployment, self._delete_by_hand(self._name))
        try:
            self._endpoints.deploy(
                lambda: order.deployment_entity(self._name), order.parameters.deployment_timeout_minutes * 60.0
            )
        except TimedOut as error:
            error.fix = "set deployment_timeout_minutes higher, or deploy fewer packages"
            error.details = sections(self._show_logs())
            raise
        except ClientAuthenticationError:
            raise
        except HttpResponseError as error:
            answer = ServiceError.from_exception(error)
            raise explain_failure(answer, self._show_logs(), self._name, order.sources) from error
        state = self._state()
        if state != "Succeeded":
            raise ActionError(f"Deployment {self._name} was made, but it is {state}.", anchor=ANCHOR)

    def _test(self, endpoint: OnlineEndpoint) -> Verdict | None:
        """Call the user's test with the deployment, which has no traffic yet.

        Raises:
            ActionError: the test failed. A smoke test takes the whole endpoint with it, as it would have when it passed.
        """
        file = self._order.sources.test_file
        if file is None:
            return None
        name = self._order.endpoint
        service = DeployedService(
            name=name,
            deployment=self._name,
            scoring_uri=str(endpoint.scoring_uri),
            swagger_uri=str(endpoint.openapi_uri or ""),
            token_auth=endpoint.auth_mode != "key",
            tags=endpoint.tags,
            longest=(self._order.parameters.scoring_timeout_ms or 0) / 1000,
            credentials=lambda: self._endpoints.keys(name),
            logs=lambda: self._endpoints.logs(name, self._name),
        )
        function = self._order.parameters.test_file_function_name
        verdict = run_test(file, function, service, self._workspace, self._workflow)
        if verdict.passed:
            return verdict
        if self._order.parameters.delete_service_after_deployment:
            self._undo.forget()
            self._undo.add(self._remove_service, _az("online-endpoint delete --yes", name=name))
        raise verdict.error()

    def _delete_service(self, before: Before) -> str:
        """Delete the endpoint, as the parameters or the test ask; one with other things on it was refused at the start."""
        if before.endpoint is not None and (before.others or not before.made_here):
            raise ActionError(
                f"The test asked to delete the endpoint {self._order.endpoint}, which holds more than this action made.",
                fix="take service.delete() out of the test",
            )
        return f"{self._remove_service()}, as asked for"

    def _shift_traffic(self, before: Before) -> None:
        name, previous = self._order.endpoint, dict(before.traffic)
        if previous:
            shares = " ".join(f"{deployment}={share}" for deployment, share in previous.items())
            self._undo.add(
                lambda: self._restore_traffic(previous), _az(f"online-endpoint update --traffic '{shares}'", name=name)
            )
        self._workflow.info(f"Giving deployment {self._name} all traffic of endpoint {name}.")
        ours = before.endpoint is None or before.made_here
        self._endpoints.set_traffic(name, {self._name: 100}, self._order.tags if ours else None)

    def _verify(self) -> OnlineEndpoint:
        """Return the endpoint once it shows that the deployment of this step, and no other, serves.

        That the operation succeeded is not enough: another job may have changed the traffic in the meantime.
        """

        def serving(endpoint: OnlineEndpoint | None) -> bool:
            return endpoint is not None and _serving(endpoint.traffic) == {self._name: 100}

        endpoint = None
        try:
            endpoint = wait_until(
                lambda: self._endpoints.find(self._order.endpoint),
                serving,
                what=f"endpoint {self._order.endpoint}",
                say=self._workflow.info,
                timeout=VERIFY_TIMEOUT,
                describe=lambda found: f"traffic {_shares(found.traffic)}" if found else "not there",
            )
        except TimedOut as error:
            raise self._overtaken(error.value or "") from error
        state = self._state()
        if endpoint is None or state != "Succeeded":
            raise ActionError(f"Deployment {self._name} holds the traffic, but it is {state}.", anchor=ANCHOR)
        return endpoint

    def _overtaken(self, seen: str) -> ActionError:
        """Return the error for traffic that someone else changed. Theirs is left alone; ours goes if it serves nothing."""
        endpoint = self._endpoints.find(self._order.endpoint)
        self._undo.forget()
        if endpoint is not None and not endpoint.traffic.get(self._name):
            self._undo.add(self._remove_deployment, self._delete_by_hand(self._name))
        return ActionError(
            f"Deployment {self._name} does not hold the traffic, although Azure took the change.",
            value=seen,
            cause="another job, or a person, changed the traffic at the same time; that was left alone",
            fix="give the jobs that deploy to one endpoint a common concurrency group, then run the job again",
            anchor=ANCHOR,
        )

    def _remove_older(self, older: tuple[str, ...]) -> tuple[str, ...]:
        """Delete the deployments of earlier rollouts. The rollout has succeeded: what cannot be deleted is a warning."""
        removed = []
        for name in older:
            try:
                self._endpoints.delete_deployment(self._order.endpoint, name)
                removed.append(name)
            except Exception as error:
                known = explain(error)
                if known is None:
                    raise
                self._workflow.warning(
                    f"The earlier deployment {name} could not be deleted and still costs money: "
                    f"{known.value or known.what} Delete it with: {self._delete_by_hand(name)}"
                )
        return tuple(removed)

    def _show_logs(self) -> DeploymentLogs:
        logs = self._endpoints.logs(self._order.endpoint, self._name)
        for title, text in logs.shown():
            with self._workflow.group(f"Log of the {title} of deployment {self._name}"):
                self._workflow.relay(text)
        return logs

    def _state(self) -> str:
        return state_of(self._endpoints.deployment(self._order.endpoint, self._name))

    # --- back

    def _back(self, before: Before) -> str:
        """Take back what was made, and return sentences that say so; none when nothing was made."""
        done = self._undo.run()
        if done and before.endpoint is not None:
            endpoint = self._endpoints.find(self._order.endpoint)
            done += f" Traffic now: {_shares(endpoint.traffic)}." if endpoint else ""
        return done

    def _remove_endpoint(self) -> str:
        """Delete the endpoint that this step made, unless somebody else put a deployment on it meanwhile."""
        name = self._order.endpoint
        if self._endpoints.find(name) is None:
            return f"No endpoint {name} was left behind."
        if any(str(one.name) != self._name for one in self._endpoints.deployments(name)):
            return f"{self._remove_deployment()} Endpoint {name} was kept: it holds deployments of others."
        return f"{self._remove_service()}."

    def _remove_service(self) -> str:
        name = self._order.endpoint
        self._endpoints.delete(name)
        if self._endpoints.find(name) is not None:
            raise ActionError(f"Endpoint {name} was deleted, but it is still there.", anchor=ANCHOR)
        return f"Endpoint {name} was deleted"

    def _remove_deployment(self) -> str:
        if self._endpoints.deployment(self._order.endpoint, self._name) is None:
            return f"No deployment {self._name} was left behind."
        self._endpoints.delete_deployment(self._order.endpoint, self._name)
        return f"Deployment {self._name} was deleted."

    def _restore_traffic(self, traffic: Mapping[str, int]) -> str:
        self._endpoints.set_traffic(self._order.endpoint, traffic)
        return "The traffic was set back."

    def _delete_by_hand(self, deployment: str) -> str:
        return _az(f"online-deployment delete --yes --endpoint-name {self._order.endpoint}", name=deployment)


def _az(command: str, *, name: str) -> str:
    return f"az ml {command} --name {name}"


def _serving(traffic: Mapping[str, int]) -> dict[str, int]:
    return {name: share for name, share in traffic.items() if share}


def _shares(traffic: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {share} %" for name, share in _serving(traffic).items()) or "none"
