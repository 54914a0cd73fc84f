"""Whether all raw values are multiples of a step, without a division.

An odd number d divides a word when the word times the inverse of d modulo 2^64 is no larger than 2^63 / d; that is the
quotient then (Granlund, Montgomery 1994, Division by Invariant Integers using Multiplication, section 9). Powers of
two show in the lowest bits.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog_app.store.schema import INT64_MAX

Int64s = npt.NDArray[np.int64]
_WORD_BITS: Final = 64


def all_multiples(values: pl.Series, step: int) -> bool:
    """Tell whether all values are surely multiples of a step from 1 to 2^63 - 1.

    Values are Int64 or Int128 without nulls. False where one is not, and where the quotient has too many bits for this.
    """
    if values.is_empty():
        return True
    twos = (step & -step).bit_length() - 1
    if values.dtype == pl.Int64:
        return _divides(values.to_numpy(), step >> twos, twos)
    quotient = _times_inverse(values.cast(pl.Int64, wrap_numerical=True).to_numpy(), step >> twos)
    quotient >>= twos
    # Of the lowest word alone it is a guess, which is right for quotients of up to 63 - twos bits.
    rows = pl.DataFrame({"quotient": quotient, "value": values})
    other = pl.col("quotient").cast(pl.Int128) * pl.lit(step, pl.Int128) != pl.col("value")
    return not rows.select(other.any()).item()


def _divides(words: Int64s, odd: int, twos: int) -> bool:
    if int(np.bitwise_or.reduce(words)) & ((1 << twos) - 1):
        return False
    quotient = _times_inverse(words, odd)
    return int(quotient.max()) <= INT64_MAX // odd and int(quotient.min()) >= -(2**63 // odd)


def _times_inverse(words: Int64s, odd: int) -> Int64s:
    inverse = np.uint64(pow(odd, -1, 1 << _WORD_BITS)).astype(np.int64)
    return np.asarray(words * inverse)
