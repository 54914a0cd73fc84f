"""Errors of the services. Their text is written for the user: what, where, what to do."""

from datetime import datetime


class ServiceError(Exception):
    """A refusal whose text may be shown to the user as it stands."""


class JobFailed(ServiceError):
    """The job cannot succeed; the text says why and what to do."""


class Conflict(ServiceError):
    """The request contradicts the present state; the API answers 409."""


class DatasetLocked(Conflict):
    """Another job is changing the dataset."""

    def __init__(self, path: str, purpose: str, since: datetime) -> None:
        self.path = path
        self.purpose = purpose
        self.since = since
        super().__init__(
            f"{path} is being changed by another job ({purpose}, since {since:%Y-%m-%d %H:%M:%S} UTC). "
            "Wait until it has finished, or cancel it, and try again."
        )


class LeaseLost(ServiceError):
    """The right to change a dataset expired or was taken over before the commit."""


class JobCancelled(Exception):
    """Somebody asked for the job to be cancelled."""


class JobLost(Exception):
    """The job row belongs to another runner now: stop without writing anything."""


class JobInterrupted(Exception):
    """The worker is being shut down: the job goes back to its queue."""
