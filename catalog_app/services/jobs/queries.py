"""What pages and the API ask about jobs."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.utils import timezone

from catalog_app.models import Job
from catalog_app.models.job import JobState

ACTIVE = (JobState.QUEUED, JobState.RUNNING)


def active_count() -> int:
    """How many jobs wait or run."""
    return Job.objects.filter(state__in=ACTIVE).count()


def list_jobs(*, state: str = "", kind: str = "", owner: User | None = None) -> QuerySet[Job]:
    """Jobs, newest first, with `took`; an empty filter means all. `state` may also be "active": queued or running."""
    jobs = with_times().order_by("-created_at", "-job_id")
    if state == "active":
        jobs = jobs.filter(state__in=ACTIVE)
    elif state:
        jobs = jobs.filter(state=state)
    if kind:
        jobs = jobs.filter(kind=kind)
    return jobs.filter(user=owner) if owner else jobs


def with_times() -> QuerySet[Job]:
    """Jobs with their user and `took`, the length of the last attempt; None while it has not ended."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
    return Job.objects.select_related("user", "retry_of").annotate(took=took)


def seconds_left(job: Job) -> float | None:
    """Estimated seconds to the end of the present stage; None while total or rate is unknown."""
    if job.state != JobState.RUNNING or job.total is None or not job.rate or job.rate <= 0:
        return None
    return max(job.total - job.done, 0) / job.rate


def heartbeat_age(job: Job) -> float | None:
    """Seconds since the runner was last heard of; None when nothing runs."""
    if job.state != JobState.RUNNING or job.heartbeat_at is None:
        return None
    return (timezone.now() - job.heartbeat_at).total_seconds()


def may_change(user: User, job: Job) -> bool:
    """Whether a user may cancel and retry the job: their own, or any with the permission to change jobs."""
    own = job.user_id is not None and job.user_id == user.pk
    return own or user.has_perm("catalog_app.change_job")


def kinds() -> list[str]:
    """The kinds of jobs that there are."""
    return list(Job.objects.order_by("kind").values_list("kind", flat=True).distinct())


# Names of keys that only the machine reads, and times as jobs keep them.
_ID = re.compile(r"(Id|Ids)$|^(fingerprints?|claim)$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Fact:
    """A parameter or part of a result, for people.

    `is_nested` text is JSON over several lines; `is_detail` says that it is an id or nested: for who looks closely.
    """

    label: str
    text: str
    is_nested: bool
    is_detail: bool


def facts(values: dict[str, Any], leave_out: str = "") -> list[Fact]:
    """A job's parameters or result, without what is empty and what the page shows otherwise; details come last."""
    found = [
        Fact(_label(name), _text(value), is_nested := _is_nested(value), is_nested or bool(_ID.search(name)))
        for name, value in values.items()
        if name != leave_out and value not in (None, "", [], {})
    ]
    return sorted(found, key=lambda fact: fact.is_detail)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, list | dict) for one in value))


def _label(name: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ").lower()
    return words[:1].upper() + words[1:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_nested(value):
        return json.dumps(value, indent=2, ensure_ascii=False)[:4000]
    if isinstance(value, list):
        return ", ".join(map(str, value))[:4000]
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)[:4000]
