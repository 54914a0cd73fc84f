"""Django admin of the quality app: rules and their history, suppressed findings, schedules."""

from quality_app.admin.rules import QualityRuleAdmin, QualityRuleChangeAdmin
from quality_app.admin.schedules import ScheduleAdmin
from quality_app.admin.suppressions import SuppressionAdmin

__all__ = ["QualityRuleAdmin", "QualityRuleChangeAdmin", "ScheduleAdmin", "SuppressionAdmin"]
