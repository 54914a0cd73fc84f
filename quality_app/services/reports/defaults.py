"""The schedules that a new desk begins with."""

from __future__ import annotations

from datetime import time

from quality_app.models import QualityReport, Schedule
from quality_app.services.schedules import save_schedule

_DAILY = {"kind": Schedule.Kind.REPORT, "time_utc": time(6)}
_WEEKLY = {**_DAILY, "weekday": Schedule.Weekday.MONDAY}


def make_default_schedules() -> None:
    """Have reports made daily and weekly, of all and of each venue; once: never after the first report or schedule."""
    if QualityReport.objects.exists() or Schedule.objects.filter(kind=Schedule.Kind.REPORT).exists():
        return
    for name, cadence, period in (("Daily report", _DAILY, "daily"), ("Weekly report", _WEEKLY, "weekly")):
        save_schedule(Schedule(name=f"{name} of everything", scope={"period": period}, **cadence))
        save_schedule(Schedule(name=f"{name} of each venue", scope={"period": period, "each": "venue"}, **cadence))
