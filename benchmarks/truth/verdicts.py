"""What was flagged in untouched real files, looked at row by row."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of flags of a check in materials whose name contains a text: whether they are right, and why.

    `rows`: the only rows that it is about; none are all.
    """

    material: str
    check: str
    is_right: bool
    reason: str
    rows: tuple[int, ...] = ()

    def covers(self, material: str, check: str, row: int) -> bool:
        """Whether a flag was looked at."""
        return self.material in material and self.check == check and (not self.rows or row in self.rows)


VERDICTS: Final = (
    Verdict(
        "gbpusd-m1-ask-2012.csv",
        "return.spike",
        False,
        "2012-02-20 20:00, an American holiday evening: for one minute the price was 4.5 pips lower. The bid's bars "
        "show the same, so it was the market, not the data.",
        (19_839,),
    ),
    Verdict("truefx-usdjpy-ticks.csv", "quote.locked", True, "Bid and ask are equal there; information, not scored."),
    Verdict(
        "ESU4.GLBX quote",
        "row.duplicate",
        True,
        "Identical quotes of one nanosecond: of the messages that they were made from, only the number of orders "
        "differed, which quotes do not have.",
    ),
    Verdict(
        "EUR/USD.SIM quote",
        "session.outside",
        True,
        "The store was written with HistData's EST taken as UTC: its first 7,740 quotes lie before the market opened "
        "on New Year's Day. The same file, imported with its zone, has none.",
    ),
    Verdict(
        "nautilus-2.0.0rc4: EURUSD.SIM-1-MINUTE-BID-EXTERNAL",
        "bar.align",
        True,
        "Made-up bars at 20 seconds past the minute.",
    ),
    Verdict("BTCUSDT-PERP.BINANCE quote", "row.duplicate", True, "Identical quotes of one millisecond."),
    Verdict(
        "EUR/USD.SIM trade",
        "row.duplicate",
        True,
        "Made-up trades of a unit test: 100 rows with one trade_id.",
    ),
    Verdict("EUR/USD.SIM trade", "time.unit", True, "Made-up trades of a unit test: nanoseconds 0 to 99 of 1970."),
    Verdict("EUR/USD.SIM trade", "session.outside", True, "The same: 1970-01-01 was a holiday."),
)


def verdict_on(material: str, check: str, row: int) -> Verdict | None:
    """Return what was found out about a flag, if it was looked at."""
    return next((one for one in VERDICTS if one.covers(material, check, row)), None)
