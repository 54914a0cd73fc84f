"""Which trading calendar an instrument follows, by venue, class and symbol. Pure: no Django.

Names are those of pandas-market-calendars, besides ALWAYS, FX_WEEK and LEARNED, which quality_app.sessions knows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALWAYS: Final = "24/7"
FX_WEEK: Final = "FX week"
LEARNED: Final = "learned"

_VENUES_BY_EXCHANGE: Final = {
    "NYSE": "XNYS NYSE XNAS NASDAQ ARCA ARCX BATS IEX AMEX XASE EQUS SMART",
    "LSE": "XLON LSE",
    "HKEX": "XHKG SEHK HKEX",
    "JPX": "XTKS TSE JPX",
    "XETR": "XETR IBIS XETRA",
    "XPAR": "XPAR SBF",
    "XAMS": "XAMS AEB",
    "SIX": "XSWX EBS SIX",
    "ASX": "XASX ASX",
    "TSX": "XTSE TSX",
}
_ROOTS_BY_CME_CALENDAR: Final = {
    "CMEGlobex_FX": "6A 6B 6C 6E 6J 6L 6M 6N 6S 6Z E7 J7 M6A M6B M6C M6E MJY MSF",
    "CME_Equity": "ES NQ YM RTY EMD NKD NIY MES MNQ MYM M2K",
    "CME_Rate": "ZB ZN ZF ZT UB TN ZQ SR1 SR3 GE 10Y 2YY 30Y 5YY",
    "CMEGlobex_CL": "CL MCL QM BZ",
    "CMEGlobex_NG": "NG QG MNG",
    "CMEGlobex_RB": "RB HO",
    "CMEGlobex_GC": "GC MGC QO SI SIL QI PL PA",
    "CMEGlobex_HG": "HG MHG QC",
    "CME Globex Crypto": "BTC MBT ETH MET",
    "CMEGlobex_Grains": "ZC ZS ZW ZL ZM ZO ZR KE XC XK XW",
    "CMEGlobex_Livestock": "LE HE GF",
}
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
_CME_ROOTS: Final = _inverted(_ROOTS_BY_CME_CALENDAR)


@dataclass(frozen=True, slots=True)
class SessionCalendar:
    """Which hours a dataset is expected to have; `label` is for people."""

    name: str
    label: str

    @property
    def learned(self) -> bool:
        """Whether the hours must be learned from the data itself."""
        return self.name == LEARNED


_LEARNED: Final = SessionCalendar(LEARNED, "learned from the data's own activity")
_ALWAYS: Final = SessionCalendar(ALWAYS, "24/7")
_FX: Final = SessionCalendar(FX_WEEK, "FX week, New York 17:00 Sunday to Friday")


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
        return _LEARNED if name is None else SessionCalendar(name, f"CME: {name}")
    if venue in _EXCHANGES:
        return SessionCalendar(_EXCHANGES[venue], f"{_EXCHANGES[venue]} exchange hours")
    is_crypto = asset_class == "CRYPTOCURRENCY" or instrument_class in _CRYPTO_CLASSES
    if is_crypto or _venue_stem(venue) in _CRYPTO_VENUES:
        return _ALWAYS
    if is_fiat_pair(symbol) and (venue in _FX_VENUES or instrument_class in {"", "currency_pair", "cfd"}):
        return _FX
    return _LEARNED


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
