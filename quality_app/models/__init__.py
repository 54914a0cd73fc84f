from quality_app.models.anomaly import Anomaly, AnomalyDecision
from quality_app.models.calendar import CalendarAssignment, CalendarDay, TradingCalendar
from quality_app.models.fill import FillPolicy, GapFill
from quality_app.models.gap import Gap
from quality_app.models.incident import SourceIncident
from quality_app.models.metric import QualityMetric, QualitySnapshot
from quality_app.models.partial import DatasetProfile, PartialResult
from quality_app.models.presence import FileTimes, MonthCompleteness
from quality_app.models.reconciliation import (
    Reconciliation,
    ReconciliationRun,
    ReconciliationShare,
    ReconciliationSource,
)
from quality_app.models.report import QualityReport
from quality_app.models.rule import QualityRule, QualityRuleChange, Suppression
from quality_app.models.run import CheckResult, ValidationRun
from quality_app.models.schedule import Schedule
from quality_app.models.wanted import WantedData

__all__ = [
    "Anomaly",
    "AnomalyDecision",
    "CalendarAssignment",
    "CalendarDay",
    "CheckResult",
    "DatasetProfile",
    "FileTimes",
    "FillPolicy",
    "Gap",
    "GapFill",
    "MonthCompleteness",
    "PartialResult",
    "QualityMetric",
    "QualityReport",
    "QualityRule",
    "QualityRuleChange",
    "QualitySnapshot",
    "Reconciliation",
    "ReconciliationRun",
    "ReconciliationShare",
    "ReconciliationSource",
    "Schedule",
    "SourceIncident",
    "Suppression",
    "TradingCalendar",
    "ValidationRun",
    "WantedData",
]
