"""Lengths of time in words."""


def duration_text(seconds: float) -> str:
    """Return seconds in their two largest units: `4 d 3 h`, `12 min 5 s`, `0.4 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    rest = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, length)
        if amount or parts:
            parts.append(f"{amount} {unit}" if amount else "")
    return " ".join(part for part in parts[:2] if part)
