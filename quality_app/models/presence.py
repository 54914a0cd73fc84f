"""What gap scans keep beside gaps: what each file holds, and how complete each day is."""

from django.db import models

from catalog_app.models import Dataset


class FileTimes(models.Model):
    """When a file has rows, in a form that is small and enough to find gaps: rescans read changed files alone."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="file_times")
    path = models.CharField(max_length=900)
    identity = models.CharField(max_length=64, help_text="Digest of the file's size and time and of how it was read.")
    content = models.BinaryField(help_text="As quality_app.gaps packs it.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "path"), name="file_times_once"),)

    def __str__(self) -> str:
        return self.path


class MonthCompleteness(models.Model):
    """Expected and missing units of a dataset in a month of session days, and day by day."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="months")
    month = models.DateField(help_text="Its first day.")
    expected = models.BigIntegerField(help_text="Units that sessions expect.")
    missing = models.BigIntegerField(help_text="Of these, missing for whatever cause.")
    explained = models.BigIntegerField(help_text="Of the missing, explained by quiet trading, a halt or a decision.")
    days = models.JSONField(help_text="{day of month: [expected, missing, explained]}, session days only.")

    class Meta:
        ordering = ("month",)
        constraints = (models.UniqueConstraint(fields=("dataset", "month"), name="month_once"),)
        # Sums come from this index alone: days are long.
        indexes = (models.Index(fields=("dataset", "month", "expected", "missing", "explained"), name="month_sums"),)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
