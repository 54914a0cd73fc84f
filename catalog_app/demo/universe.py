"""The instruments of the demo store and the risk factors that move them.

Names are real so that they read naturally; every number is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

DEMO_SEED: Final = 12
# Holds two US holidays, the US change to daylight saving (8 March) and thirteen weekends.
DEMO_FIRST: Final = date(2026, 1, 4)
DEMO_LAST: Final = date(2026, 3, 31)


@dataclass(frozen=True, slots=True)
class Underlying:
    """A simulated price: geometric, with stochastic volatility.

    `annual_volatility` is the standard deviation of a year's log return; `common` the
    correlation with the other underlyings of its group.
    """

    name: str
    group: str
    price: float
    annual_volatility: float
    common: float


@dataclass(frozen=True, slots=True)
class DemoInstrument:
    """An instrument: its definition, and how it trades.

    The log of its mid price is the weighted sum of its legs' (underlying, weight), plus carry.
    Rates are means per open minute; `print_size` is the median size of a trade or quote in
    size increments.
    """

    instrument_id: str
    instrument_class: str
    calendar: str
    asset_class: str
    currency: str
    legs: tuple[tuple[str, float], ...]
    price_increment: str
    size_increment: str
    quotes_per_minute: float
    trades_per_minute: float
    spread_ticks: float
    print_size: float
    base_currency: str | None = None
    multiplier: str | None = None
    underlying: str | None = None  # of a future: the product's root
    carry: float = 0.0  # per year until expiry; a perpetual's constant basis
    activated: date | None = None
    expires: str | None = None  # ISO time, UTC
    trades_from: date = DEMO_FIRST
    front: tuple[date, date] | None = None  # when it is the liquid contract
    ticks: tuple[date, date] | None = None  # inclusive days that hold quotes and trades
    steady: bool = True  # trades in every open minute; others have quiet minutes
    defined: bool = True

    @property
    def price_precision(self) -> int:
        """Decimals of the price increment."""
        return _decimals(self.price_increment)

    @property
    def size_precision(self) -> int:
        """Decimals of the size increment."""
        return _decimals(self.size_increment)

    @property
    def expires_ns(self) -> int | None:
        """`expires` in UNIX nanoseconds."""
        return int(datetime.fromisoformat(self.expires).timestamp()) * 1_000_000_000 if self.expires else None

    @property
    def is_quoted(self) -> bool:
        """Whether its bars are of bid and ask (an over-the-counter market prints no trades)."""
        return self.calendar == "fx"


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


UNDERLYINGS: Final = (
    Underlying("BTC", "crypto", 91_400.0, 0.46, 0.85),
    Underlying("ETH", "crypto", 3_140.0, 0.62, 0.85),
    Underlying("SOL", "crypto", 134.0, 0.75, 0.80),
    Underlying("BNB", "crypto", 890.0, 0.48, 0.75),
    Underlying("XRP", "crypto", 2.05, 0.70, 0.75),
    Underlying("ADA", "crypto", 0.391, 0.78, 0.75),
    Underlying("DOGE", "crypto", 0.1482, 0.80, 0.75),
    Underlying("LTC", "crypto", 81.5, 0.65, 0.70),
    Underlying("EURUSD", "fx", 1.17240, 0.068, 0.70),
    Underlying("GBPUSD", "fx", 1.34550, 0.075, 0.65),
    Underlying("AUDUSD", "fx", 0.66920, 0.090, 0.60),
    Underlying("USDJPY", "fx", 156.810, 0.092, -0.55),
    Underlying("USDCHF", "fx", 0.79230, 0.075, -0.65),
    Underlying("USDMXN", "fx", 17.9540, 0.105, -0.35),
    Underlying("JPM", "nyse", 325.0, 0.24, 0.60),
    Underlying("V", "nyse", 348.0, 0.21, 0.60),
    Underlying("XOM", "nyse", 121.5, 0.24, 0.40),
    Underlying("KO", "nyse", 69.8, 0.15, 0.45),
    Underlying("DIS", "nyse", 113.4, 0.27, 0.55),
    Underlying("IBM", "nyse", 296.0, 0.25, 0.50),
    Underlying("GE", "nyse", 316.0, 0.29, 0.55),
    Underlying("BA", "nyse", 221.0, 0.33, 0.50),
    Underlying("CAT", "nyse", 598.0, 0.31, 0.55),
    Underlying("PFE", "nyse", 25.2, 0.24, 0.40),
    Underlying("GHC", "nyse", 1_098.0, 0.27, 0.35),
    Underlying("ES", "index", 6_902.0, 0.155, 0.97),
    Underlying("NQ", "index", 25_460.0, 0.205, 0.97),
    Underlying("CL", "energy", 57.9, 0.36, 0.30),
    Underlying("GC", "metal", 4_346.0, 0.21, 0.30),
)


def _spot(
    base: str,
    quote: str,
    legs: tuple[tuple[str, float], ...],
    price_increment: str,
    size_increment: str,
    trades_per_minute: float,
    print_size: float,
    *,
    trades_from: date = DEMO_FIRST,
    ticks: tuple[date, date] | None = None,
    steady: bool = True,
    defined: bool = True,
) -> DemoInstrument:
    return DemoInstrument(
        f"{base}{quote}.BINANCE",
        "currency_pair",
        "crypto",
        "CRYPTOCURRENCY",
        quote,
        legs,
        price_increment,
        size_increment,
        2.2 * trades_per_minute,
        trades_per_minute,
        1.6,
        print_size,
        base_currency=base,
        trades_from=trades_from,
        ticks=ticks,
        steady=steady,
        defined=defined,
    )


def _perpetual(
    base: str,
    price_increment: str,
    size_increment: str,
    trades_per_minute: float,
    print_size: float,
    *,
    trades_from: date = DEMO_FIRST,
    ticks: tuple[date, date] | None = None,
) -> DemoInstrument:
    return DemoInstrument(
        f"{base}USDT-PERP.BINANCE",
        "crypto_perpetual",
        "crypto",
        "CRYPTOCURRENCY",
        "USDT",
        ((base, 1.0),),
        price_increment,
        size_increment,
        2.2 * trades_per_minute,
        trades_per_minute,
        1.2,
        print_size,
        base_currency=base,
        carry=0.0004,
        trades_from=trades_from,
        ticks=ticks,
    )


def _fx(
    base: str,
    quote: str,
    legs: tuple[tuple[str, float], ...],
    price_increment: str,
    quotes_per_minute: float,
    spread_ticks: float,
    *,
    ticks: tuple[date, date] | None = None,
    steady: bool = True,
) -> DemoInstrument:
    return DemoInstrument(
        f"{base}/{quote}.SIM",
        "currency_pair",
        "fx",
        "FX",
        quote,
        legs,
        price_increment,
        "1",
        quotes_per_minute,
        0.0,
        spread_ticks,
        1_500_000.0,
        base_currency=base,
        ticks=ticks,
        steady=steady,
    )


def _equity(
    symbol: str,
    trades_per_minute: float,
    spread_ticks: float,
    *,
    ticks: tuple[date, date] | None = None,
    steady: bool = True,
) -> DemoInstrument:
    return DemoInstrument(
        f"{symbol}.XNYS",
        "equity",
        "nyse",
        "EQUITY",
        "USD",
        ((symbol, 1.0),),
        "0.01",
        "1",
        2.0 * trades_per_minute,
        trades_per_minute,
        spread_ticks,
        90.0,
        ticks=ticks,
        steady=steady,
    )


@dataclass(frozen=True, slots=True)
class _Product:
    root: str
    calendar: str
    asset_class: str
    legs: tuple[tuple[str, float], ...]
    price_increment: str
    multiplier: str
    rate: float
    print_size: float
    carry: float
    steady: bool = True


_ES = _Product("ES", "cme_equity", "INDEX", (("ES", 1.0),), "0.25", "50", 20.0, 4.0, 0.035)
_NQ = _Product("NQ", "cme_equity", "INDEX", (("NQ", 1.0),), "0.25", "20", 20.0, 3.0, 0.035)
_6E = _Product("6E", "cme_fx", "FX", (("EURUSD", 1.0),), "0.00005", "125000", 16.0, 3.0, 0.018, steady=False)
_CL = _Product("CL", "cme_energy", "COMMODITY", (("CL", 1.0),), "0.01", "1000", 22.0, 2.0, -0.03)
_GC = _Product("GC", "cme_metal", "COMMODITY", (("GC", 1.0),), "0.1", "100", 24.0, 2.0, 0.04)


def _future(
    product: _Product,
    month: str,
    activated: date,
    expires: str,
    front: tuple[date, date],
    *,
    trades_from: date = DEMO_FIRST,
    ticks: tuple[date, date] | None = None,
) -> DemoInstrument:
    return DemoInstrument(
        f"{product.root}{month}.GLBX",
        "futures_contract",
        product.calendar,
        product.asset_class,
        "USD",
        product.legs,
        product.price_increment,
        "1",
        2.0 * product.rate,
        product.rate,
        1.3,
        product.print_size,
        multiplier=product.multiplier,
        underlying=product.root,
        carry=product.carry,
        activated=activated,
        expires=expires,
        trades_from=trades_from,
        front=front,
        ticks=ticks,
        steady=product.steady,
    )


# A Saturday and a Sunday for crypto; a Friday, the change to daylight saving and a Monday for the others.
_CRYPTO_TICKS = (date(2026, 3, 7), date(2026, 3, 8))
_WEEK_TICKS = (date(2026, 3, 6), date(2026, 3, 9))

INSTRUMENTS: Final = (
    _spot("BTC", "USDT", (("BTC", 1.0),), "0.01", "0.00001", 22.0, 1_400.0, ticks=_CRYPTO_TICKS),
    _spot("ETH", "USDT", (("ETH", 1.0),), "0.01", "0.0001", 18.0, 2_500.0, ticks=_CRYPTO_TICKS),
    _spot("SOL", "USDT", (("SOL", 1.0),), "0.01", "0.001", 16.0, 4_000.0),
    _spot("BNB", "USDT", (("BNB", 1.0),), "0.01", "0.001", 12.0, 300.0),
    _spot("XRP", "USDT", (("XRP", 1.0),), "0.0001", "0.1", 16.0, 2_500.0),
    _spot("ADA", "USDT", (("ADA", 1.0),), "0.0001", "0.1", 11.0, 6_000.0),
    _spot("DOGE", "USDT", (("DOGE", 1.0),), "0.00001", "1", 12.0, 2_000.0),
    _spot("LTC", "USDT", (("LTC", 1.0),), "0.01", "0.001", 9.0, 900.0, trades_from=date(2026, 3, 2), defined=False),
    _spot(
        "ETH",
        "BTC",
        (("ETH", 1.0), ("BTC", -1.0)),
        "0.00001",
        "0.0001",
        1.6,
        1_800.0,
        trades_from=date(2026, 2, 2),
        steady=False,
    ),
    _perpetual("BTC", "0.1", "0.001", 24.0, 22.0, ticks=_CRYPTO_TICKS),
    _perpetual("ETH", "0.01", "0.001", 20.0, 500.0, trades_from=date(2026, 2, 16)),
    _perpetual("SOL", "0.01", "1", 14.0, 9.0, trades_from=date(2026, 2, 16)),
    _fx("EUR", "USD", (("EURUSD", 1.0),), "0.00001", 34.0, 6.0, ticks=_WEEK_TICKS),
    _fx("GBP", "USD", (("GBPUSD", 1.0),), "0.00001", 30.0, 9.0, ticks=_WEEK_TICKS),
    _fx("USD", "JPY", (("USDJPY", 1.0),), "0.001", 30.0, 7.0, ticks=_WEEK_TICKS),
    _fx("USD", "CHF", (("USDCHF", 1.0),), "0.00001", 24.0, 11.0),
    _fx("AUD", "USD", (("AUDUSD", 1.0),), "0.00001", 26.0, 8.0),
    _fx("EUR", "GBP", (("EURUSD", 1.0), ("GBPUSD", -1.0)), "0.00001", 24.0, 10.0),
    _fx("EUR", "JPY", (("EURUSD", 1.0), ("USDJPY", 1.0)), "0.001", 26.0, 11.0),
    _fx("USD", "MXN", (("USDMXN", 1.0),), "0.0001", 5.0, 35.0, steady=False),
    _equity("JPM", 26.0, 2.5, ticks=_WEEK_TICKS),
    _equity("V", 22.0, 3.0),
    _equity("XOM", 26.0, 1.3, ticks=_WEEK_TICKS),
    _equity("KO", 24.0, 1.1),
    _equity("DIS", 22.0, 1.5),
    _equity("IBM", 20.0, 4.0, ticks=_WEEK_TICKS),
    _equity("GE", 20.0, 5.0),
    _equity("BA", 20.0, 3.0),
    _equity("CAT", 20.0, 9.0),
    _equity("PFE", 26.0, 1.05),
    _equity("GHC", 0.35, 120.0, steady=False),
    _future(
        _ES,
        "H6",
        date(2024, 12, 20),
        "2026-03-20T13:30:00Z",
        (date(2025, 12, 15), date(2026, 3, 16)),
        ticks=_WEEK_TICKS,
    ),
    _future(
        _ES,
        "M6",
        date(2025, 3, 21),
        "2026-06-18T13:30:00Z",
        (date(2026, 3, 14), date(2026, 6, 14)),
        trades_from=date(2026, 2, 22),
    ),
    _future(_NQ, "H6", date(2024, 12, 20), "2026-03-20T13:30:00Z", (date(2025, 12, 15), date(2026, 3, 16))),
    _future(
        _NQ,
        "M6",
        date(2025, 3, 21),
        "2026-06-18T13:30:00Z",
        (date(2026, 3, 14), date(2026, 6, 14)),
        trades_from=date(2026, 2, 22),
    ),
    _future(
        _6E,
        "H6",
        date(2025, 3, 18),
        "2026-03-16T14:16:00Z",
        (date(2025, 12, 12), date(2026, 3, 12)),
        ticks=_WEEK_TICKS,
    ),
    _future(
        _6E,
        "M6",
        date(2025, 6, 17),
        "2026-06-15T14:16:00Z",
        (date(2026, 3, 11), date(2026, 6, 10)),
        trades_from=date(2026, 3, 8),
    ),
    _future(_CL, "G6", date(2024, 1, 22), "2026-01-20T19:30:00Z", (date(2025, 12, 15), date(2026, 1, 15))),
    _future(_CL, "H6", date(2024, 2, 21), "2026-02-20T19:30:00Z", (date(2026, 1, 14), date(2026, 2, 17))),
    _future(
        _CL,
        "J6",
        date(2024, 3, 21),
        "2026-03-20T18:30:00Z",
        (date(2026, 2, 16), date(2026, 3, 17)),
        trades_from=date(2026, 2, 1),
        ticks=_WEEK_TICKS,
    ),
    _future(_GC, "G6", date(2024, 2, 28), "2026-02-25T18:30:00Z", (date(2025, 11, 25), date(2026, 1, 29))),
    _future(
        _GC,
        "J6",
        date(2024, 4, 29),
        "2026-04-28T17:30:00Z",
        (date(2026, 1, 28), date(2026, 3, 30)),
        trades_from=date(2026, 1, 11),
    ),
)
