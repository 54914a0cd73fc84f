"""Instruments of every class, with every field and with none that may be left out, by both versions."""

from pathlib import Path
from typing import Any

from catalog_app.store.instruments.fields import V2_COLUMNS, class_name
from catalog_app.tests.store.upstream_v2 import run_v2

CLASSES = tuple(sorted(V2_COLUMNS))
INFO = {"a": 1, "b": [1, 2.5, None, "x"], "c": {"d": "é"}}

# Column -> value of a full instrument of 1.x.
_V1_FULL: dict[str, Any] = {
    "raw_symbol": "RAW",
    "venue_name": "SIM",
    "underlying": "BTC",
    "asset_class": "INDEX",
    "exchange": "XCME",
    "currency": "USD",
    "base_currency": "EUR",
    "quote_currency": "USD",
    "settlement_currency": "USDT",
    "is_inverse": False,
    "option_kind": "PUT",
    "strike_price": "4500.00",
    "strategy_type": "GN",
    "isin": "US0378331005",
    "outcome": "Yes",
    "description": "will it rain",
    "price_precision": 2,
    "price_increment": "0.25",
    "multiplier": "50",
    "lot_size": "10",
    "max_quantity": "1000.0",
    "min_quantity": "0.5",
    "max_notional": "1000000.00 USD",
    "min_notional": "10.00 USD",
    "max_price": "100.25",
    "min_price": "-5.25",
    "margin_init": "0.05",
    "margin_maint": "0.0000001",
    "maker_fee": "-0.00025",
    "taker_fee": "0.0000001",
    "activation_ns": 1_600_000_000_000_000_003,
    "expiration_ns": 1_800_000_000_000_000_004,
    "event_type_id": 6423,
    "event_type_name": "American Football",
    "competition_id": 12282733,
    "competition_name": "NFL",
    "event_id": 30678460,
    "event_name": "NFL",
    "event_country_code": "GB",
    "event_open_date": 1_644_276_600_000_000_000,
    "betting_type": "ODDS",
    "market_id": "1.123456789",
    "market_name": "AFC Conference Winner",
    "market_type": "SPECIAL",
    "market_start_time": 1_644_276_600_000_000_001,
    "selection_id": 50214,
    "selection_name": "Kansas City Chiefs",
    "selection_handicap": -1.5,
    "info": INFO,
}
_OPTIONAL = frozenset(
    {"exchange", "isin", "outcome", "description", "max_quantity", "min_quantity", "max_notional", "min_notional"}
    | {"max_price", "min_price", "info"}
)
_ZERO = frozenset({"margin_init", "margin_maint", "maker_fee", "taker_fee"})
_MAY_LACK_LOT = frozenset({"cfd", "commodity", "currency_pair", "tokenized_asset"})
# The classes of 1.x whose sizes are whole by nature.
_WHOLE = frozenset({"futures_contract", "futures_spread", "option_contract", "option_spread"})


def v1_sample(instrument_class: str, *, full: bool, ts_init: int = 1_720_000_000_000_000_002, **changes: Any) -> Any:
    """An instrument of 1.231.0."""
    from nautilus_trader.model import instruments
    from nautilus_trader.serialization.arrow.implementations.instruments import SCHEMAS

    made = getattr(instruments, class_name(instrument_class))
    values: dict[str, Any] = {"id": f"{'F' if full else 'M'}{class_name(instrument_class)}/X.SIM"}
    whole = instrument_class in _WHOLE
    steps = {"size_precision": 0 if whole else 2, "size_increment": "1" if whole else "0.50"}
    times = {"ts_event": ts_init - 1 if ts_init else 0, "ts_init": ts_init}
    for name in SCHEMAS[made].names:
        if name != "id":
            values[name] = (_V1_FULL | steps | times)[name]
        if not full and (name in _OPTIONAL or (name == "base_currency" and instrument_class == "cfd")):
            values[name] = None
        elif not full and name in _ZERO:
            values[name] = "0"
    if not full and instrument_class in _MAY_LACK_LOT:
        values["lot_size"] = None
    return made.from_dict(values | changes)


_V2_WRITE = """
import json, os, sys
from decimal import Decimal
import nautilus_trader.model as m
from nautilus_trader.persistence import ParquetDataCatalog

P, Q, M, C = m.Price.from_str, m.Quantity.from_str, m.Money.from_str, m.Currency.from_str
USD = C("USD")
VALUES = dict(
    raw_symbol=m.Symbol("RAW"), asset_class=m.AssetClass.INDEX, currency=USD, base_currency=C("EUR"),
    quote_currency=USD, settlement_currency=C("USDT"), is_inverse=False, price_precision=2, size_precision=1,
    price_increment=P("0.25"), size_increment=Q("0.5"), ts_event=1720000000000000001, ts_init=1720000000000000002,
    multiplier=Q("50"), lot_size=Q("10"), max_quantity=Q("1000.0"), min_quantity=Q("0.5"),
    max_notional=M("1000000.00 USD"), min_notional=M("10.00 USD"), max_price=P("100.25"), min_price=P("-5.25"),
    margin_init=Decimal("0.05"), margin_maint=Decimal("0.0000001"), tick_scheme="FIXED_PRECISION_2",
    info=INFO, activation_ns=1600000000000000003, expiration_ns=1800000000000000004, underlying="ES",
    exchange="XCME", strategy_type="GN", option_kind=m.OptionKind.PUT, strike_price=P("4500.00"),
    isin="US0378331005", outcome="Yes", description="will it rain", event_id="EV1", event_type_id=6423,
    event_type_name="American Football", competition_id=12282733, competition_name="NFL", event_name="NFL",
    event_country_code="GB", event_open_date=1644276600000000000, betting_type="ODDS", market_id="1.123456789",
    market_name="AFC Conference Winner", market_type="SPECIAL", market_start_time=1644276600000000001,
    selection_id=50214, selection_name="Kansas City Chiefs", selection_handicap=-1.5,
)
SPECIAL = {name: {"underlying": C("BTC")} for name in
           ("CryptoFuture", "CryptoFuturesSpread", "CryptoOption", "CryptoOptionSpread")}
SPECIAL["BettingInstrument"] = {"event_id": 30678460, "size_precision": 2, "size_increment": Q("0.05")}
root = sys.argv[1]
os.makedirs(root, exist_ok=True)
catalog = ParquetDataCatalog(root)
for name in sys.argv[2].split(","):
    cls = getattr(m, name)
    words = cls.__text_signature__.strip("()").split(", ")
    values = VALUES | SPECIAL.get(name, {})
    for letter in "FM":
        chosen = {w.split("=")[0]: values[w.split("=")[0]] for w in words[1:] if letter == "F" or "=" not in w}
        betting = f"1-123456789-50214--1.5{'' if letter == 'F' else '0'}.SIM"
        identifier = betting if name == "BettingInstrument" else f"{letter}{name}/X.SIM"
        catalog.write_instruments([cls(instrument_id=m.InstrumentId.from_str(identifier), **chosen)])
print(json.dumps(len(catalog.instruments())))
"""

_V2_READ = """
import json, sys
from nautilus_trader.persistence import ParquetDataCatalog

found = [instrument.to_dict() for instrument in ParquetDataCatalog(sys.argv[1]).instruments()]
print(json.dumps(found, default=str))
"""


def write_v2_store(root: Path) -> None:
    """A store of 2.x with a full and a minimal instrument of every class.

    The full betting instrument has the id that 1.x would give it, the minimal one has not.
    """
    names = ",".join(class_name(name) for name in CLASSES)
    assert run_v2(_V2_WRITE.replace("INFO", repr(INFO)), root, names) == 2 * len(CLASSES)


def read_v2_instruments(root: Path) -> list[dict[str, Any]]:
    """The dictionaries of the instruments that 2.x reads from a store."""
    found: list[dict[str, Any]] = run_v2(_V2_READ, root)
    return found
