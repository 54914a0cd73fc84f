"""Which datasets a command means."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.store.layout import identifier


class DatasetCommand(DeskCommand):
    """A command over the datasets of a store, by instrument and data type; without them, over all."""

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what chooses datasets."""
        parser.add_argument(
            "--instrument",
            nargs="+",
            action="extend",
            default=[],
            help="EUR/USD.SIM or EURUSD.SIM, one or more",
        )
        parser.add_argument("--data-type", choices=DataType.values, default="")

    def chosen(self, options: dict[str, Any]) -> list[Dataset]:
        """Return the datasets; an instrument without any, or a store that was never read, ends with exit code 2."""
        store = self.store(options)
        if store.synced_at is None:
            self.usage_error(
                f"{store.root} was not read into the index yet. Run sync_catalog --store {store.name} first."
            )
        rows = store.datasets.select_related("store", "definition")
        if options["data_type"]:
            rows = rows.filter(data_type=options["data_type"])
        if options.get("timeframe"):
            rows = rows.filter(timeframe=options["timeframe"])
        found, wanted = list(rows), [identifier(name) for name in options["instrument"]]
        there = {identifier(row.instrument_id) for row in found}
        missing = [name for name in options["instrument"] if identifier(name) not in there]
        if missing:
            self.usage_error(f"No such dataset in the store for: {', '.join(missing)}. Run sync_catalog first?")
        if not found:
            self.message("No dataset of the store fits: there was nothing to look at.")
        return [row for row in found if not wanted or identifier(row.instrument_id) in wanted]
