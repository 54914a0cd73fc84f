"""Parameters of checks: what users may set, within which bounds."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

Value = int | Decimal


@dataclass(frozen=True, slots=True)
class Param:
    """A number that a check's rule uses. Its default tells its kind: int or Decimal; bounds are inclusive."""

    name: str
    label: str
    default: Value
    unit: str = ""
    minimum: Value | None = None
    maximum: Value | None = None

    def parse(self, text: str) -> Value:
        """Return the value of a text; raises ValueError that says what is allowed."""
        try:
            value: Value = int(text.strip()) if isinstance(self.default, int) else Decimal(text.strip())
        except (ValueError, InvalidOperation):
            kind = "a whole number" if isinstance(self.default, int) else "a decimal number"
            raise ValueError(f"{self.label} must be {kind}.") from None
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueError(f"{self.label} must be a finite number.")
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"{self.label} must be at least {self.minimum}.")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"{self.label} must be at most {self.maximum}.")
        return value

    def to_json(self, value: Value) -> int | str:
        """Return the value as JSON: whole numbers as they are, decimals as text."""
        return value if isinstance(value, int) else str(value)
