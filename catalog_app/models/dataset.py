"""What data exists: the index over the files of the stores.

Everything here can be rebuilt from the files; `services.sync` does.
"""

import uuid

from django.db import models

from catalog_app.store.layout import CUSTOM_DIRECTORY, CUSTOM_PREFIX


class DataType(models.TextChoices):
    """Data types in NautilusTrader's terms; the value is ours in every dialect."""

    QUOTE = "quote", "Quotes"
    TRADE = "trade", "Trades"
    BAR = "bar", "Bars"
    DELTA = "delta", "Book deltas"
    DEPTH10 = "depth10", "Book depth 10"
    MARK_PRICE = "mark_price", "Mark prices"
    INDEX_PRICE = "index_price", "Index prices"
    FUNDING_RATE = "funding_rate", "Funding rates"
    STATUS = "status", "Instrument status"
    CLOSE = "close", "Instrument closes"
    GREEKS = "greeks", "Option greeks"
    CUSTOM = "custom", "Custom data"


class IndexState(models.TextChoices):
    """What the index could make of a file or dataset."""

    OK = "ok", "OK"
    LISTED = "listed", "Listed, not read yet"
    UNREADABLE = "unreadable", "Unreadable"
    UNSUPPORTED = "unsupported", "Unsupported"


# The dialect of a dataset whose files are in several.
MIXED = "mixed"


class Store(models.Model):
    """A catalog root: the directory or bucket prefix whose `data/` NautilusTrader reads."""

    name = models.SlugField(max_length=80, unique=True)
    root = models.CharField(
        max_length=1024,
        unique=True,
        help_text="What holds data/: an absolute path, or s3://bucket/prefix with keys from the environment.",
    )
    read_only = models.BooleanField(default=False, help_text="Refuse every operation that would change files.")
    is_demo = models.BooleanField(default=False, help_text="Synthetic data: labelled on every page.")
    created_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    sync_error = models.TextField(blank=True)
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When the watcher last looked for changes.")
    watched_until = models.DateTimeField(null=True, editable=False, help_text="The look under way ends by then.")

    class Meta:
        ordering = ("pk",)
        permissions = (("sync_store", "Can read a store's files into the index"),)

    def __str__(self) -> str:
        return self.name


class Instrument(models.Model):
    """An instrument that a store defines or holds data of."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="instruments")
    instrument_id = models.CharField(max_length=200)
    symbol = models.CharField(max_length=160)
    venue = models.CharField(max_length=80)
    is_defined = models.BooleanField(default=False, help_text="The store holds a definition.")
    instrument_class = models.CharField(max_length=60, blank=True, help_text="currency_pair, futures_contract, …")
    asset_class = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=20, blank=True, help_text="Quote currency.")
    base_currency = models.CharField(max_length=20, blank=True)
    price_precision = models.PositiveSmallIntegerField(null=True)
    size_precision = models.PositiveSmallIntegerField(null=True)
    price_increment = models.CharField(max_length=50, blank=True, help_text="Exact decimal.")
    size_increment = models.CharField(max_length=50, blank=True, help_text="Exact decimal.")
    activation_ns = models.BigIntegerField(null=True, help_text="UNIX nanoseconds, UTC.")
    expiration_ns = models.BigIntegerField(null=True, help_text="UNIX nanoseconds, UTC.")
    definition = models.JSONField(default=dict, help_text="Every field of the definition, as text.")
    definition_path = models.CharField(max_length=900, blank=True, help_text="The file that holds the definition.")

    class Meta:
        ordering = ("venue", "symbol")
        constraints = (models.UniqueConstraint(fields=("store", "instrument_id"), name="instrument_once_per_store"),)
        # Facets of the browser.
        indexes = (models.Index(fields=("venue", "symbol")), models.Index(fields=("asset_class",)))

    def __str__(self) -> str:
        return self.instrument_id


class Dataset(models.Model):
    """One leaf of a store: a data type of an instrument, or a bar type."""

    catalog_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="datasets")
    # Not named `instrument`: its column would collide with the contract's instrument_id.
    definition = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="datasets", null=True, db_column="definition_ref"
    )
    path = models.CharField(max_length=600, help_text="Directory below the store's root, with forward slashes.")
    venue = models.CharField(max_length=80, blank=True)
    instrument_id = models.CharField(max_length=200, blank=True)
    data_type = models.CharField(max_length=20, choices=DataType)
    timeframe = models.CharField(max_length=80, blank=True, help_text="Of bars: 1-MINUTE-BID.")
    bar_type = models.CharField(max_length=300, blank=True)
    dialect = models.CharField(max_length=20, blank=True, help_text="Of its files; mixed where they differ.")
    state = models.CharField(max_length=20, choices=IndexState, default=IndexState.OK)
    problem = models.TextField(blank=True)

    start_date = models.DateTimeField(null=True)
    end_date = models.DateTimeField(null=True)
    # By the rows; by the names for files that are listed and not read yet.
    start_ns = models.BigIntegerField(null=True, help_text="First ts_init, UNIX nanoseconds.")
    end_ns = models.BigIntegerField(null=True, help_text="Last ts_init, UNIX nanoseconds.")
    record_count = models.BigIntegerField(null=True, help_text="Of the files that were read; null while none was.")
    size_bytes = models.BigIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)
    listed_count = models.PositiveIntegerField(default=0, help_text="Files that are listed and not read yet.")
    price_precision = models.PositiveSmallIntegerField(null=True)
    size_precision = models.PositiveSmallIntegerField(null=True)

    # Written by quality_app; null is unknown.
    quality_score = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    completeness = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    accuracy = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    consistency = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    timeliness = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    open_gap_count = models.PositiveIntegerField(null=True)
    last_validated = models.DateTimeField(null=True)
    last_scanned = models.DateTimeField(null=True)

    changed_at = models.DateTimeField(null=True, help_text="A change that nobody was told of yet.")
    told_at = models.DateTimeField(null=True, help_text="When checks were last told of a change that was noticed.")

    metadata = models.JSONField(default=dict)
    indexed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "data_catalog"
        ordering = ("venue", "instrument_id", "data_type", "timeframe")
        constraints = (models.UniqueConstraint(fields=("store", "path"), name="dataset_once_per_store"),)
        indexes = (
            models.Index(fields=("venue", "instrument_id")),  # tree
            models.Index(fields=("instrument_id", "data_type")),  # API look-ups
            models.Index(fields=("data_type", "timeframe")),  # facets
            models.Index(fields=("quality_score",)),  # worst datasets
            models.Index(fields=("changed_at",), condition=models.Q(changed_at__isnull=False), name="dataset_changed"),
        )

    def __str__(self) -> str:
        return self.bar_type or f"{self.instrument_id} {self.label.lower()}".strip()

    @property
    def title(self) -> str:
        """Its name where people read it: instrument and label, or the path of data without an instrument."""
        return f"{self.instrument_id} {self.label}" if self.instrument_id else self.path

    @property
    def label(self) -> str:
        """What it is beside its instrument: a timeframe, a class of custom data, a data type."""
        if self.data_type == DataType.CUSTOM:
            return f"Custom {self.custom_class}"
        return self.timeframe or self.get_data_type_display()

    @property
    def custom_class(self) -> str:
        """The class of custom data in words, as the path has it; empty for other data."""
        if self.data_type != DataType.CUSTOM:
            return ""
        _, type_directory, *below = self.path.split("/")
        if type_directory == CUSTOM_DIRECTORY:
            return below[0]
        return type_directory.removeprefix(CUSTOM_PREFIX).replace("_", " ")


class DataFile(models.Model):
    """One file of a store, as last seen; its identity is path, size and mtime."""

    class Role(models.TextChoices):
        DATA = "data", "Data"
        DEFINITION = "definition", "Instrument definition"
        UNKNOWN = "unknown", "Unrecognised"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="files")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="files", null=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.DATA)
    path = models.CharField(max_length=900, help_text="Below the store's root, with forward slashes.")
    size_bytes = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    rows = models.BigIntegerField(null=True)
    row_groups = models.PositiveIntegerField(null=True)
    start_ns = models.BigIntegerField(null=True, help_text="First ts_init by the rows.")
    end_ns = models.BigIntegerField(null=True, help_text="Last ts_init by the rows.")
    name_start_ns = models.BigIntegerField(null=True, help_text="First ts_init by the file's name.")
    name_end_ns = models.BigIntegerField(null=True, help_text="Last ts_init by the file's name.")
    dialect = models.CharField(max_length=20, blank=True)
    price_precision = models.PositiveSmallIntegerField(null=True)
    size_precision = models.PositiveSmallIntegerField(null=True)
    state = models.CharField(max_length=20, choices=IndexState, default=IndexState.OK)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ("path",)
        constraints = (models.UniqueConstraint(fields=("store", "path"), name="file_once_per_store"),)
        # Findings list of a store.
        indexes = (models.Index(fields=("store", "state")),)

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]
