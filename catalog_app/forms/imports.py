"""The forms of an import: the file, then how to read it and what it is."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.formats.delimited import Detection, Mapping
from catalog_app.formats.delimited.encoding import ENCODINGS
from catalog_app.formats.delimited.mapping import OPTIONAL, REQUIRED
from catalog_app.formats.errors import FormatError
from catalog_app.forms.fields import NanosecondField
from catalog_app.models import Instrument, Store, Upload
from catalog_app.services.errors import ServiceError
from catalog_app.services.importing import ImportRequest
from catalog_app.store.bar_type import parse_bar_type

TIME_FORMATS = [
    ("iso", "ISO-8601: 2024-01-31 09:30:00"),
    ("epoch_s", "UNIX seconds"),
    ("epoch_ms", "UNIX milliseconds"),
    ("epoch_us", "UNIX microseconds"),
    ("epoch_ns", "UNIX nanoseconds"),
    ("pattern", "Pattern, given beside"),
]
DELIMITER_NAMES = [(",", "Comma"), ("\t", "Tab"), (";", "Semicolon"), ("|", "Bar |"), (" ", "Space")]
TIME_COLUMNS = ("timestamp", "date", "time")
INSTRUMENT_CLASSES = [
    ("currency_pair", "Currency pair (spot, FX or crypto)"),
    ("crypto_perpetual", "Crypto perpetual"),
    ("equity", "Equity"),
    ("futures_contract", "Futures contract"),
]
FUTURES_ASSET_CLASSES = ["INDEX", "FX", "COMMODITY", "DEBT", "EQUITY", "CRYPTOCURRENCY", "ALTERNATIVE"]
COLUMN_LABELS = {
    "timestamp": "Time",
    "date": "Date, if apart",
    "time": "Time of day, if apart",
    "ts_init": "Received (ts_init)",
}
_INSTRUMENT_ID = re.compile(r"^(?!/*\.)[^\s\\]+\.[A-Za-z0-9_-]+$")


class UploadForm(forms.Form):
    """The vendor's file."""

    file = forms.FileField(
        label="File", help_text="CSV or another delimited text; also .gz, or .zip with one file in it."
    )


class MappingForm(forms.Form):
    """How to read an upload, and as what it goes into which store.

    Its columns depend on the chosen data type, so the page asks for it again when that changes.
    """

    store = forms.ModelChoiceField(Store.objects.filter(read_only=False), empty_label=None)
    data_type = forms.ChoiceField(label="Data", choices=[("bar", "Bars"), ("quote", "Quotes"), ("trade", "Trades")])
    delimiter = forms.ChoiceField(choices=DELIMITER_NAMES)
    decimal_mark = forms.ChoiceField(choices=[(".", "Point 1.25"), (",", "Comma 1,25")])
    encoding = forms.ChoiceField(choices=[(name, name) for name in ENCODINGS])
    skip_lines = forms.IntegerField(label="Lines to skip", min_value=0, help_text="Before the header or first row.")
    has_header = forms.BooleanField(label="The first line names the columns", required=False)
    time_format = forms.ChoiceField(choices=TIME_FORMATS)
    time_pattern = forms.CharField(required=False, help_text="For example %d.%m.%Y %H:%M:%S%.f")
    timezone = forms.CharField(
        label="Time zone", help_text="Of times without an offset: UTC, America/New_York, UTC-05:00."
    )
    stamp = forms.ChoiceField(
        label="A bar's time is its",
        choices=[("open", "Open"), ("close", "Close")],
        required=False,
        widget=forms.RadioSelect,
    )
    step = forms.IntegerField(label="Bar length", min_value=1, required=False)
    aggregation = forms.ChoiceField(
        label="Unit", choices=[(u, u.capitalize()) for u in ("SECOND", "MINUTE", "HOUR", "DAY")], required=False
    )
    price_type = forms.ChoiceField(
        label="Price", choices=[(p, p.capitalize()) for p in ("LAST", "BID", "ASK", "MID")], required=False
    )
    default_size = forms.CharField(
        label="Size of quotes without sizes", required=False, help_text="Empty: 1000000, NautilusTrader's own default."
    )
    missing_volume_as_zero = forms.BooleanField(label="An empty volume means 0", required=False)
    instrument_id = forms.CharField(
        label="Instrument", help_text="SYMBOL.VENUE, as NautilusTrader writes it: EUR/USD.SIM, 6EH4.XCME.",
        widget=forms.TextInput(attrs={"list": "known-instruments", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    instrument_class = forms.ChoiceField(label="Class", choices=INSTRUMENT_CLASSES, required=False)
    currency = forms.CharField(label="Quote currency", required=False, help_text="USD, USDT, …")
    base_currency = forms.CharField(required=False, help_text="Of pairs and perpetuals.")
    price_precision = forms.IntegerField(label="Decimals of prices", min_value=0, max_value=16, required=False)
    size_precision = forms.IntegerField(label="Decimals of sizes", min_value=0, max_value=16, required=False)
    price_increment = forms.CharField(
        label="Tick size", required=False, help_text="Empty: one unit of the last decimal."
    )
    multiplier = forms.CharField(required=False, help_text="Contract multiplier. Empty: 1.")
    asset_class = forms.ChoiceField(
        required=False, choices=[(name, name.capitalize()) for name in FUTURES_ASSET_CLASSES], help_text="Of futures."
    )
    underlying = forms.CharField(required=False, help_text="Of futures: 6E, ES.")
    activation = NanosecondField(label="Listed from (UTC)", required=False)
    expiration = NanosecondField(label="Expires (UTC)", required=False, end=True)
    skip_rejected = forms.BooleanField(
        label="Import the good rows even if others are rejected", required=False,
        help_text="Otherwise one bad row stops the import, and nothing is written.",
    )  # fmt: skip
    sort_rows = forms.BooleanField(label="Sort rows that are out of order", required=False)

    def __init__(self, upload: Upload, detection: Detection, data: Any, *, draft: bool = False) -> None:
        """Offer the columns that were detected in the upload; `data` is what was chosen, or the initial values.

        A draft is still being filled in: what is empty is no error yet.
        """
        super().__init__(data)
        self.upload = upload
        self.draft = draft
        self.mapping: Mapping | None = None
        self.request: ImportRequest | None = None
        chosen = self.data.get("data_type")
        self.chosen_type: str = chosen if chosen in REQUIRED else "bar"
        choices = [("", "–"), *((str(i), f"{i + 1}  {name}") for i, name in enumerate(detection.columns))]
        for name in self.column_names():
            label = COLUMN_LABELS.get(name, name.replace("_", " ").capitalize())
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=label, choices=choices, required=name in REQUIRED[self.chosen_type]
            )

    def column_names(self) -> tuple[str, ...]:
        """Return the canonical fields that columns can be chosen for."""
        return (*TIME_COLUMNS, *REQUIRED[self.chosen_type], *OPTIONAL[self.chosen_type])

    def column_fields(self) -> list[forms.BoundField]:
        """Return the bound fields of the columns."""
        return [self[f"column_{name}"] for name in self.column_names()]

    def option_fields(self) -> list[forms.BoundField]:
        """Return the bound fields that say how the text is read."""
        names = ["delimiter", "decimal_mark", "encoding", "skip_lines", "has_header"]
        of_type = {"quote": ["default_size"], "bar": ["missing_volume_as_zero"]}
        return [self[name] for name in names + of_type.get(self.chosen_type, [])]

    def target(self) -> str:
        """Return what the rows become, as NautilusTrader names it; empty while that is not known."""
        data = getattr(self, "cleaned_data", {})
        instrument_id = str(data.get("instrument_id", ""))
        if not instrument_id or self.chosen_type != "bar":
            return instrument_id
        return self.bar_type(data) if all(data.get(name) for name in ("step", "aggregation", "price_type")) else ""

    def chosen_store(self) -> Store | None:
        """Return the store that is chosen, once the form was validated."""
        return getattr(self, "cleaned_data", {}).get("store")

    def known_instrument(self) -> Instrument | None:
        """Return the chosen store's definition of the chosen instrument."""
        store = self.chosen_store()
        wanted = (self.data.get("instrument_id") or "").replace("\x00", "").strip()
        return store.instruments.filter(instrument_id=wanted, is_defined=True).first() if store else None

    def decimals(self) -> tuple[int | None, int | None]:
        """Return the decimals of prices and sizes: the definition's, else the form's, None where unknown."""
        known = self.known_instrument()
        if known:
            return known.price_precision, known.size_precision
        data = getattr(self, "cleaned_data", {})
        return data.get("price_precision"), data.get("size_precision")

    def clean_instrument_id(self) -> str:
        """Refuse what NautilusTrader would not take as an instrument id."""
        value = str(self.cleaned_data["instrument_id"]).strip()
        if not _INSTRUMENT_ID.match(value) or ".." in value:
            raise ValidationError("Write it as SYMBOL.VENUE, without spaces: EUR/USD.SIM.")
        return value

    def clean(self) -> dict[str, Any]:
        """Build mapping and request; what does not fit becomes an error of the form."""
        data = super().clean() or {}
        try:
            mapping = self._mapping(data)
            mapping.check()
        except FormatError as error:
            field = "time_pattern" if error.where == "time_format" else error.where
            if field in self.fields:
                self.add_error(field, f"{error.what}. {error.action}".strip())
            else:
                self.add_error(None, str(error))
        except ValueError as error:
            self.add_error(None, str(error))
        except KeyError:  # a field of the mapping has an error of its own
            pass
        else:
            self.mapping = mapping
        if self.draft:
            self._forgive_what_is_empty()
        if not self.errors and self.mapping and data.get("instrument_id") and data.get("store"):
            self._build_request(data, self.mapping)
        return data

    def _forgive_what_is_empty(self) -> None:
        for name in [name for name in self.errors if name in self.fields and not self.data.get(name)]:
            del self.errors[name]

    def _mapping(self, data: dict[str, Any]) -> Mapping:
        columns: dict[str, str | int] = {
            name: int(data[f"column_{name}"]) for name in self.column_names() if data.get(f"column_{name}")
        }
        is_bar = data["data_type"] == "bar"
        return Mapping(
            data_type=data["data_type"],
            columns=columns,
            delimiter=data["delimiter"],
            has_header=data["has_header"],
            encoding=data["encoding"],
            time_format=data["time_pattern"] if data["time_format"] == "pattern" else data["time_format"],
            timezone=data["timezone"],
            stamp=data["stamp"] or "open",
            interval_ns=self._bar_interval(data) if is_bar else None,
            decimal_mark=data["decimal_mark"],
            missing_volume_as_zero=data["missing_volume_as_zero"],
            skip_lines=data["skip_lines"],
            **({"default_size": data["default_size"]} if data["default_size"] else {}),
        )

    def bar_type(self, data: dict[str, Any]) -> str:
        """Return the NautilusTrader bar type that the form describes."""
        instrument_id = data.get("instrument_id") or "X.Y"  # the length does not depend on it
        return f"{instrument_id}-{data['step']}-{data['aggregation']}-{data['price_type']}-EXTERNAL"

    def _bar_interval(self, data: dict[str, Any]) -> int | None:
        if not (data.get("step") and data.get("aggregation") and data.get("price_type")):
            raise ValueError("Give the length and price of the bars.")
        return parse_bar_type(self.bar_type(data)).interval_ns

    def _build_request(self, data: dict[str, Any], mapping: Mapping) -> None:
        store: Store = data["store"]
        known = store.instruments.filter(instrument_id=data["instrument_id"], is_defined=True).exists()
        new_instrument = None if known else self._new_instrument(data)
        if self.draft and not known and new_instrument is None:
            return
        request = ImportRequest(
            upload=self.upload,
            store=store,
            mapping=mapping,
            instrument_id=data["instrument_id"],
            bar_type=self.bar_type(data) if mapping.data_type == "bar" else "",
            new_instrument=new_instrument,
            skip_rejected=data["skip_rejected"],
            sort_rows=data["sort_rows"],
        )
        try:
            request.check()
        except ServiceError as error:
            self.add_error("instrument_id" if "instrument" in str(error) else None, str(error))
            return
        self.request = request

    def _new_instrument(self, data: dict[str, Any]) -> dict[str, Any] | None:
        if not (data["instrument_class"] and data["currency"]):
            return None
        wanted = {
            "instrument_class": data["instrument_class"],
            "currency": data["currency"].strip().upper(),
            "base_currency": data["base_currency"].strip().upper() or None,
            "price_precision": data["price_precision"] or 0,
            "size_precision": data["size_precision"] or 0,
            "price_increment": data["price_increment"].strip() or None,
            "multiplier": data["multiplier"].strip() or None,
        }
        if data["instrument_class"] == "futures_contract":
            wanted |= {
                "asset_class": data["asset_class"] or None,
                "underlying": data["underlying"].strip() or None,
                "activation_ns": data["activation"],
                "expiration_ns": data["expiration"],
            }
        return {name: value for name, value in wanted.items() if value is not None}
