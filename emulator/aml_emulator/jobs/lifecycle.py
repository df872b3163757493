"""What jobs of every type have in common while they run: cancellation, states, and an end whatever happens."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.environments.builder import BuildFailed
from aml_emulator.faults.jobs import JobFaults
from aml_emulator.http import ServiceError
from aml_emulator.jobs.registration import register_outputs
from aml_emulator.jobs.staging import StagingError
from aml_emulator.jobs.status import failure, set_status
from aml_emulator.ml import datastores
from aml_emulator.tracking.schema import Error
from aml_emulator.tracking.store import artifact_prefix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

BUILD_LOG = "azureml-logs/20_image_build_log.txt"


class Canceled(Exception):
    """The job is to end; the message says why, and is empty when its user wanted it so."""


class JobFailed(Exception):
    """The job has failed, and the error says why, in the shape of run history."""

    def __init__(self, error: Error, exit_code: int | None = None) -> None:
        super().__init__(error["error"]["message"])
        self.error, self.exit_code = error, exit_code


@dataclass
class JobExecution(ABC):
    """One job that runs, or waits to."""

    emulator: Emulator
    job_id: str
    canceled: threading.Event = field(default_factory=threading.Event, init=False)
    reason: str = field(default="", init=False)
    faults: JobFaults = field(init=False)

    def __post_init__(self) -> None:
        self.faults = JobFaults(self.emulator, self.job_id, self.canceled)

    def cancel(self, reason: str = "") -> None:
        """Have the job end as Canceled."""
        if not self.canceled.is_set():
            self.reason = reason
            self.canceled.set()
            self.note_cancellation()
            self.wake()

    def run(self) -> None:
        """Do everything; the job is in a terminal state afterwards. Raises only what is a defect of the emulator."""
        try:
            exit_code = self.work()
            register_outputs(self.emulator, self.job_id)
        except Canceled as canceled:
            reason = str(canceled)
            self.faults.end_slowly()
            self._end("Canceled", failure(reason, "JobCanceled") if reason else None)
        except JobFailed as failed:
            self._end("Failed", failed.error, failed.exit_code)
        except BuildFailed as error:
            message = f"Image build failed. For more details, check log file {BUILD_LOG}. {error}"
            self._end("Failed", failure(message, "ImageBuildFailure", component="EnvironmentManagement"))
        except (StagingError, ServiceError) as error:
            message = error.message if isinstance(error, ServiceError) else str(error)
            self._end("Failed", failure(message, "DataAccessError"))
        except Exception as error:  # a job must not be left hanging by a defect of the emulator
            self._end("Failed", failure(f"The emulator failed to run the job: {error!r}", code="ServiceError"))
            raise
        else:
            self._end("Completed", None, exit_code)

    @abstractmethod
    def work(self) -> int | None:
        """Do everything between the first state and the last; the exit code, where there is one.

        Raises:
            Canceled: it was told to end.
            JobFailed: it failed.

        """

    @abstractmethod
    def wake(self) -> None:
        """Have whoever waits for something look whether the job was canceled."""

    @property
    def name(self) -> str:
        """The job's name, which is the id of its run."""
        return ids.name_of(self.job_id)

    @property
    def workspace_id(self) -> str:
        """ARM id of the job's workspace."""
        return ids.parent_of(self.job_id)

    def enter(self, status: str) -> None:
        """Move the job to a state, in which a fault may hold it.

        Raises:
            Canceled: it was told to end meanwhile.

        """
        self.check_canceled()
        set_status(self.emulator, self.job_id, status)
        self.faults.hold(status)
        self.check_canceled()

    def check_canceled(self) -> None:
        """End the job if it was told to.

        Raises:
            Canceled: it was.

        """
        if self.canceled.is_set():
            raise Canceled(self.reason)

    def note_cancellation(self) -> None:
        """Show that the job is about to end, while what it started ends."""
        if self.canceled.is_set():
            set_status(self.emulator, self.job_id, "CancelRequested")

    def new_log(self, name: str) -> Path:
        """The file of a new empty log, which readers see grow."""
        container = datastores.containers(self.emulator, self.workspace_id).artifacts
        return self.emulator.blobs.live(container, f"{artifact_prefix(self.name)}/{name}").path

    def _end(self, status: str, error: Error | None, exit_code: int | None = None) -> None:
        set_status(self.emulator, self.job_id, status, error=error, exit_code=exit_code)
