"""What checks found in parts of a dataset: kept, so that only what changed is read again."""

from django.db import models

from catalog_app.models import Dataset


class PartialResult(models.Model):
    """Findings in one file, or over the ends of neighbouring files, and who is working on it.

    `identity` pins what was read: paths, sizes, times and positions. `findings` holds by check the digest of its
    version, parameters and facts, the exact count and the first violating rows.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="partial_results")
    identity = models.CharField(max_length=64)
    path = models.CharField(max_length=900, blank=True, help_text="Of the file; empty for the ends of several.")
    rows = models.BigIntegerField(default=0)
    first = models.BigIntegerField(default=0, help_text="First judged row.")
    last = models.BigIntegerField(default=0, help_text="First row after the judged ones.")
    tail_from = models.BigIntegerField(default=0, help_text="From here rows are context for what follows.")
    first_ns = models.BigIntegerField(null=True, help_text="ts_init of the first row.")
    last_ns = models.BigIntegerField(null=True, help_text="ts_init of the last row.")
    disordered = models.BooleanField(default=False)
    cut = models.BooleanField(default=False)
    findings = models.JSONField(default=dict, help_text="{check: {basis, violations, samples}}")
    states = models.BinaryField(default=bytes, help_text="What the file leaves to checks that follow state.")
    problem = models.TextField(blank=True, help_text="Why the file could not be read.")
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "identity"), name="part_once_per_dataset"),)

    def __str__(self) -> str:
        return self.path or "Ends of files"


class DatasetProfile(models.Model):
    """What a sample of a dataset taught; kept until its rows have changed by more than a tenth."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="profile")
    basis = models.CharField(max_length=64, help_text="Digest of what it was learned with: version, calendar, facts.")
    rows = models.BigIntegerField(help_text="Rows of the dataset when it was learned.")
    content = models.JSONField()
    learned_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Profile of {self.dataset_id}"
