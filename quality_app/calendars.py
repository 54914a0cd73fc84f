"""Which trading calendar an instrument follows, by venue, class and symbol. Pure: no Django.

Names are those of pandas-market-calendars, besides ALWAYS, FX_WEEK and LEARNED, which quality_app.sessions knows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from quality_app.custom_hours import ChangedDay, CustomHours

ALWAYS: Final = "24/7"
FX_WEEK: Final = "FX week"
LEARNED: Final = "learned"
# Of how sessions come from a calendar: another one changes every digest.
HOURS_VERSION: Final = 1

_VENUES_BY_EXCHANGE: Final = {
    "NYSE": "XNYS NYSE XNAS XNGS XNMS XNCM NASDAQ ISLAND ARCA ARCX BATS BATY BYX EDGA EDGX EDGEA XASE AMEX IEX IEXG "
    "MEMX EPRL PEARL XBOS BEX XPSX PSX XCIS XCHI CHX LTSE DBEQ EQUS SMART",
    "CBOE_Equity_Options": "OPRA",
    "CBOE_Index_Options": "XCBO CBOE",
    "CFE": "XCBF CFE",
    "ICE": "IFUS ICEUS NYBOT NYFE",
    "TSX": "XTSE TSX",
    "XMEX": "XMEX MEXI BMV",
    "BVMF": "BVMF B3",
    "LSE": "XLON LSE",
    "EUREX": "XEUR EUREX DTB",
    "XETR": "XETR IBIS IBIS2 XETRA",
    "XFRA": "XFRA FWB",
    "XPAR": "XPAR SBF",
    "XAMS": "XAMS AEB",
    "XBRU": "XBRU",
    "XLIS": "XLIS BVL",
    "XDUB": "XDUB",
    "XMIL": "XMIL BVME MTAA",
    "XMAD": "XMAD BM BME",
    "SIX": "XSWX EBS SIX",
    "XWBO": "XWBO VSE",
    "XSTO": "XSTO SFB",
    "XCSE": "XCSE CPH",
    "XHEL": "XHEL HEX",
    "XOSL": "XOSL OSE",
    "XWAR": "XWAR WSE GPW",
    "XJSE": "XJSE JSE",
    "XIST": "XIST BIST",
    "XSAU": "XSAU TADAWUL",
    "XHKG": "XHKG SEHK HKEX",
    "JPX": "XTKS TSE TSEJ JPX",
    "ASX": "XASX ASX",
    "XNZE": "XNZE NZX",
    "XSES": "XSES SGX",
    "XKRX": "XKRX KRX KSE",
    "XTAI": "XTAI TWSE",
    "SSE": "XSHG SSE SEHKNTL XSHE SZSE SEHKSZSE",
    "NSE": "XNSE NSE",
    "XBOM": "XBOM BSE",
}
ROOTS_BY_CME_CALENDAR: Final = {
    "CMEGlobex_FX": "6A 6B 6C 6E 6J 6L 6M 6N 6S 6Z E7 J7 M6A M6B M6C M6E MJY MSF MCD MIR SIR CNH MNH RP RF RY",
    "CME_Equity": "ES NQ YM RTY EMD NKD NIY MES MNQ MYM M2K",
    "CME_Rate": "ZB ZN ZF ZT Z3N UB TN TWE ZQ SR1 SR3 GE 10Y 2YY 30Y 5YY",
    "CMEGlobex_CL": "CL MCL QM BZ",
    "CMEGlobex_NG": "NG QG MNG",
    "CMEGlobex_RB": "RB HO QU QH",
    "CMEGlobex_GC": "GC MGC QO SI SIL QI PL PA",
    "CMEGlobex_HG": "HG MHG QC",
    "CME Globex Crypto": "BTC MBT ETH MET",
    "CMEGlobex_Grains": "ZC ZS ZW ZL ZM ZO ZR KE XC XK XW",
    "CMEGlobex_Livestock": "LE HE GF",
}
# Hours that are wider than the library's, which knows the main session of these exchanges only. An evening counts to
# the day after it.
_HOURS_BY_EXCHANGE: Final = {
    "CFE": CustomHours("America/Chicago", ("17:00-16:00",) * 5 + ("", ""), "CFE", evening=True),
    "EUREX": CustomHours("Europe/Berlin", ("01:10-22:00",) * 5 + ("", ""), "EUREX"),
}
# Hours of these hold for futures and options too; elsewhere those have hours of their own.
_WITH_DERIVATIVES: Final = frozenset(
    {"NYSE", "CBOE_Equity_Options", "CBOE_Index_Options", "CFE", "EUREX", "ICE", "NSE", "XBOM"}
)
_DERIVATIVES: Final = frozenset({"futures_contract", "futures_spread", "option_contract", "option_spread"})
_CME_VENUES: Final = frozenset(
    {"GLBX", "XCME", "CME", "XCBT", "CBOT", "XNYM", "NYMEX", "XCEC", "COMEX", "GLOBEX", "ECBOT"}
)
_FX_VENUES: Final = frozenset(
    {"SIM", "FXCM", "IDEALPRO", "OANDA", "HISTDATA", "TRUEFX", "DUKASCOPY", "FX", "FOREX", "FXALL", "LMAX"}
)
_CRYPTO_VENUES: Final = frozenset(
    {"BINANCE", "BYBIT", "OKX", "BITMEX", "COINBASE", "KRAKEN", "DERIBIT", "BITFINEX", "BITSTAMP", "HUOBI", "KUCOIN"}
    | {"GATEIO", "DYDX", "HYPERLIQUID", "BITGET", "GEMINI", "POLYMARKET"}
)
_CRYPTO_CLASSES: Final = frozenset({"crypto_perpetual", "crypto_future", "crypto_option"})
_FIAT_CODES: Final = (
    "AUD BRL CAD CHF CLP CNH CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON RUB SEK SGD "
    "THB TRY TWD USD ZAR XAU XAG"
)
_FIAT: Final = frozenset(_FIAT_CODES.split())
# Futures symbol: root, month letter, one or two digits of the year.
_FUTURE: Final = re.compile(r"([A-Z0-9]{1,3}?)[FGHJKMNQUVXZ]\d{1,2}", re.ASCII)


def _inverted(table: Mapping[str, str]) -> dict[str, str]:
    return {word: name for name, words in table.items() for word in words.split()}


_EXCHANGES: Final = _inverted(_VENUES_BY_EXCHANGE)
_CME_ROOTS: Final = _inverted(ROOTS_BY_CME_CALENDAR)


def _digest(calendar: SessionCalendar) -> str:
    own = calendar.hours
    needs_library = calendar.name not in {ALWAYS, FX_WEEK, LEARNED} if own is None else bool(own.holidays_of)
    hours = [
        HOURS_VERSION,
        calendar.name if own is None else asdict(own),
        _library_version() if needs_library else "",
        [[f"{one.day:%Y-%m-%d}", one.hours] for one in calendar.changed],
    ]
    return hashlib.sha256(json.dumps(hours).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _library_version() -> str:
    """Version of what knows the exchanges' hours and holidays."""
    return " ".join(version(name) for name in ("pandas-market-calendars", "exchange-calendars"))


@dataclass(frozen=True, slots=True)
class SessionCalendar:
    """Which hours a dataset is expected to have; `label` is for people.

    Hours are those of the built-in calendar `name`, or `hours` where given; `changed` days differ from either.
    `digest` changes whenever the hours may have changed.
    """

    name: str
    label: str = field(compare=False)
    hours: CustomHours | None = field(default=None, compare=False)
    changed: tuple[ChangedDay, ...] = field(default=(), compare=False)
    digest: str = field(default="", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self))

    @property
    def learned(self) -> bool:
        """Whether the hours must be learned from the data itself."""
        return self.name == LEARNED and self.hours is None


_LEARNED: Final = SessionCalendar(LEARNED, "learned from the data's own activity")
_ALWAYS: Final = SessionCalendar(ALWAYS, "24/7")
_FX: Final = SessionCalendar(FX_WEEK, "FX week, New York 17:00 Sunday to Friday")
_OURS: Final = {calendar.name: calendar for calendar in (_LEARNED, _ALWAYS, _FX)}
# Names of calendars that instruments follow of themselves.
FOLLOWED: Final = (ALWAYS, FX_WEEK, *_VENUES_BY_EXCHANGE, *ROOTS_BY_CME_CALENDAR)


def calendar_for(venue: str, asset_class: str = "", instrument_class: str = "", symbol: str = "") -> SessionCalendar:
    """Return the calendar of an instrument by its venue, class and symbol; `learned` where no rule covers it.

    Args:
        venue: As in the instrument id: XCME, SIM, BINANCE.
        asset_class: NautilusTrader's name in any case (FX, CRYPTOCURRENCY, EQUITY), or empty when unknown.
        instrument_class: Directory name of the definition (currency_pair, futures_contract), or empty.
        symbol: As in the instrument id: 6EH4, EUR/USD.

    """
    venue, asset_class, symbol = venue.upper(), asset_class.upper(), symbol.upper()
    if venue in _CME_VENUES:
        name = _CME_ROOTS.get(futures_root(symbol))
        return _LEARNED if name is None else built_in(name)
    if venue in _EXCHANGES:
        name = _EXCHANGES[venue]
        return _LEARNED if instrument_class in _DERIVATIVES and name not in _WITH_DERIVATIVES else built_in(name)
    is_crypto = asset_class == "CRYPTOCURRENCY" or instrument_class in _CRYPTO_CLASSES
    if is_crypto or _venue_stem(venue) in _CRYPTO_VENUES:
        return _ALWAYS
    if is_fiat_pair(symbol) and (venue in _FX_VENUES or instrument_class in {"", "currency_pair", "cfd"}):
        return _FX
    return _LEARNED


def built_in(name: str, changed: tuple[ChangedDay, ...] = ()) -> SessionCalendar:
    """Return a calendar by its name: ALWAYS, FX_WEEK, LEARNED, or one of pandas-market-calendars, which is not checked.

    `changed` days differ from it.
    """
    if name in _OURS:
        label = _OURS[name].label
    else:
        label = f"CME: {name}" if name in ROOTS_BY_CME_CALENDAR else f"{name} exchange hours"
    return SessionCalendar(name, label, _HOURS_BY_EXCHANGE.get(name), changed)


def users_of(name: str) -> str:
    """Return the venues, or the roots of CME products, that follow a calendar unless somebody changes that."""
    return _VENUES_BY_EXCHANGE.get(name) or ROOTS_BY_CME_CALENDAR.get(name) or ""


def is_fiat_pair(symbol: str) -> bool:
    """Whether a symbol names two fiat currencies or metals: EUR/USD, EURUSD, EUR-USD."""
    letters = re.sub(r"[/_.-]", "", symbol)
    return len(letters) == 6 and letters[:3] in _FIAT and letters[3:] in _FIAT


def futures_root(symbol: str) -> str:
    """Return the product root of a futures symbol, of an option on it or a spread's first leg: 6EH4 → 6E."""
    first = re.split(r"[ \-]", symbol)[0].split(".")[0]
    match = _FUTURE.fullmatch(first)
    return match[1] if match else first


def _venue_stem(venue: str) -> str:
    """Venue without the suffix of a market: BINANCE_SPOT, COINBASE_INTX."""
    return re.split(r"[_-]", venue)[0]
