from quality_app.models.gap import Gap
from quality_app.models.metric import QualityMetric
from quality_app.models.run import CheckResult, ValidationRun

__all__ = ["CheckResult", "Gap", "QualityMetric", "ValidationRun"]
