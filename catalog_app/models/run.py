"""What runs of NautilusTrader streamed into the stores: Feather files below live/ and backtest/."""

from django.db import models

from catalog_app.models.dataset import IndexState, Store


class RunFile(models.Model):
    """One stream of a live or backtest run, as last seen; its identity is path, size and mtime."""

    class Kind(models.TextChoices):
        BACKTEST = "backtest", "Backtest"
        LIVE = "live", "Live"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="run_files")
    kind = models.CharField(max_length=20, choices=Kind)
    instance_id = models.CharField(max_length=255, help_text="The node or engine that ran.")
    class_name = models.CharField(max_length=255, help_text="quote_tick, order_filled, …")
    identifier = models.CharField(max_length=300, blank=True, help_text="Instrument or bar type, as in the path.")
    path = models.CharField(max_length=900, help_text="Below the store's root, with forward slashes.")
    size_bytes = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    rows = models.BigIntegerField(null=True, help_text="Null while it is being written.")
    start_ns = models.BigIntegerField(null=True, help_text="First ts_init, UNIX nanoseconds.")
    end_ns = models.BigIntegerField(null=True, help_text="Last ts_init, UNIX nanoseconds.")
    state = models.CharField(max_length=20, choices=IndexState, default=IndexState.OK)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ("path",)
        constraints = (models.UniqueConstraint(fields=("store", "path"), name="run_file_once_per_store"),)
        # The list of runs, and the files of one.
        indexes = (models.Index(fields=("store", "kind", "instance_id")),)

    def __str__(self) -> str:
        return self.path
