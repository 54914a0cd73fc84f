from quality_app.models.anomaly import Anomaly, AnomalyDecision
from quality_app.models.gap import Gap
from quality_app.models.metric import QualityMetric, QualitySnapshot
from quality_app.models.partial import DatasetProfile, PartialResult
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

__all__ = [
    "Anomaly",
    "AnomalyDecision",
    "CheckResult",
    "DatasetProfile",
    "Gap",
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
    "Suppression",
    "ValidationRun",
]
