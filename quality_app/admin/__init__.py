"""Django admin of the quality app: rules and their history, suppressions, schedules, wanted data, incidents."""

from quality_app.admin.calendars import BuiltInDayAdmin, CalendarAssignmentAdmin, TradingCalendarAdmin
from quality_app.admin.fills import FillPolicyAdmin, GapFillAdmin
from quality_app.admin.incidents import SourceIncidentAdmin
from quality_app.admin.rules import QualityRuleAdmin, QualityRuleChangeAdmin
from quality_app.admin.schedules import ScheduleAdmin
from quality_app.admin.suppressions import SuppressionAdmin
from quality_app.admin.wanted import WantedDataAdmin

__all__ = [
    "BuiltInDayAdmin",
    "CalendarAssignmentAdmin",
    "FillPolicyAdmin",
    "GapFillAdmin",
    "QualityRuleAdmin",
    "QualityRuleChangeAdmin",
    "ScheduleAdmin",
    "SourceIncidentAdmin",
    "SuppressionAdmin",
    "TradingCalendarAdmin",
    "WantedDataAdmin",
]
