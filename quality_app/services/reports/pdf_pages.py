"""What stands on every page of a PDF: its number of how many, and what the report is."""

from __future__ import annotations

from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas


def numbered_pages(stamp: str, margin: float) -> type[Canvas]:
    """Return a canvas that writes the foot once it knows how many pages there are."""

    class NumberedCanvas(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            """Keep the page for later."""
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            """Write the kept pages, each with its foot."""
            pages = self._kept
            for number, page in enumerate(pages, start=1):
                self.__dict__.update(page)
                self._foot(number, len(pages))
                super().showPage()
            super().save()

        def _foot(self, number: int, pages: int) -> None:
            width = self._pagesize[0]
            self.setStrokeColor(HexColor("#d5d5ce"))
            self.setLineWidth(0.4)
            self.line(margin, 40, width - margin, 40)
            self.setFont("Desk", 6.5)
            self.setFillColor(HexColor("#6b727c"))
            self.drawString(margin, 30, stamp)
            self.drawRightString(width - margin, 30, f"Page {number} of {pages}")

    return NumberedCanvas
