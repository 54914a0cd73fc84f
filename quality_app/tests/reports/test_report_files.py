"""The files of a report: the same content in each, and none of it dangerous."""

import csv
import io
import json

import pytest
from pypdf import PdfReader

from catalog_app.models import Dataset
from quality_app.models import QualityReport
from quality_app.services.reports.csv import COLUMNS, harmless
from quality_app.services.reports.document import Document
from quality_app.services.reports.files import FORMATS, report_file
from quality_app.services.reports.view import view_of
from quality_app.tests.reports.conftest import MakeReport, make_dataset

pytestmark = pytest.mark.django_db
ORIGIN = "https://desk.example.com"


@pytest.fixture
def hostile(past: Dataset) -> Dataset:
    """A dataset whose names want to be a formula, markup and a script."""
    return make_dataset(
        past.store, 7, venue="=cmd|'/c calc'!A1", instrument_id="<script>alert(1)</script>&中.SIM", quality_score="0.1"
    )


@pytest.fixture
def kept(hostile: Dataset, make_report: MakeReport) -> QualityReport:
    for number in range(20, 90):
        make_dataset(hostile.store, number, venue=f"V{number}", quality_score="0.9")
    return make_report()


def text_of_pages(body: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def plain(text: str) -> str:
    """Text without white space: a PDF breaks lines where it likes."""
    return "".join(text.split())


def test_the_pdf_says_what_the_document_says(kept: QualityReport) -> None:
    from quality_app.services.reports.pdf import shown

    text = plain(text_of_pages(report_file(kept, "pdf", None).body))
    report = view_of(Document.from_json(kept.content), None)
    for view in report.sections:
        assert plain(view.section.title) in text
        for figure in view.figures:
            assert plain(shown(f"{figure.figure.label}{figure.text}")) in text, figure
        for table in view.tables:
            for row in table.rows:
                for cell in row:
                    assert plain(shown(cell.text)) in text, cell


def test_every_page_of_the_pdf_has_its_number_and_the_utc_stamp(kept: QualityReport) -> None:
    reader = PdfReader(io.BytesIO(report_file(kept, "pdf", None).body))
    assert len(reader.pages) > 1
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {len(reader.pages)}" in text
        assert f"{kept.end:%Y-%m-%d %H:%M} UTC" in text
    assert reader.metadata.title == str(kept)


def test_the_pdf_draws_its_charts_and_embeds_its_fonts(kept: QualityReport) -> None:
    reader = PdfReader(io.BytesIO(report_file(kept, "pdf", None).body))
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    used = [font for font in fonts if "Vera" in font["/BaseFont"]]
    assert used and all("/FontFile2" in font["/FontDescriptor"] for font in used)
    assert not any(page.images for page in reader.pages)  # vectors, not pictures
    assert sum(page.get_contents().get_data().count(b" l ") for page in reader.pages) > 20


def test_characters_that_the_pdfs_font_lacks_are_written_as_their_codes(kept: QualityReport) -> None:
    assert r"&\u4e2d.SIM" in plain(text_of_pages(report_file(kept, "pdf", None).body))


def test_links_lead_to_the_desk_or_nowhere(kept: QualityReport) -> None:
    def links(origin: str | None) -> list[str]:
        pages = PdfReader(io.BytesIO(report_file(kept, "pdf", origin).body)).pages
        notes = [note.get_object() for page in pages for note in page.get("/Annots", [])]
        return [note["/A"]["/URI"] for note in notes if "/A" in note]

    assert links(None) == []
    assert links(ORIGIN) and all(link.startswith(f"{ORIGIN}/") for link in links(ORIGIN))
    html = report_file(kept, "html", ORIGIN).body.decode()
    assert f'href="{ORIGIN}/quality/reports/{kept.pk}/"' in html
    assert "<a " not in report_file(kept, "html", None).body.decode()


def test_the_csv_is_one_tidy_table_that_no_spreadsheet_evaluates(kept: QualityReport) -> None:
    body = report_file(kept, "csv", None).body
    lines = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert tuple(lines[0]) == COLUMNS
    cells = [text for line in lines for text in line.values()]
    numbers = [text for text in cells if text.lstrip("+-").replace(".", "", 1).isdigit()]
    dangerous = [text for text in cells if text.startswith(("=", "+", "-", "@", "\t", "\r")) and text not in numbers]
    assert dangerous == []
    assert any(text.startswith("'=cmd|") for text in cells)
    values = {(line["section"], line["item"], line["measure"]): line["value"] for line in lines}
    assert values["scores", "accuracy", "at the start"] == "0.9800"
    assert values["changes", "fell 1", "change"] == "-0.0800"
    assert values["gaps", "open", "at the start"] == "0"
    assert values["scores", "timeliness", "value"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("EUR/USD.SIM") == "EUR/USD.SIM"


def test_the_json_is_the_document(kept: QualityReport) -> None:
    assert json.loads(report_file(kept, "json", None).body) == {"reportId": str(kept.pk), **kept.content}


def test_the_html_file_stands_alone_and_escapes_names(kept: QualityReport) -> None:
    text = report_file(kept, "html", None).body.decode()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<style>" in text and "--paper" in text and ".report-figure" in text
    assert not any(part in text for part in ("<link", "<img", "src=", "url(", "@import"))


def test_names_of_files_are_plain(kept: QualityReport) -> None:
    kept.label = 'Venue ../é\r\n"x"'
    names = [report_file(kept, name, None).name for name in FORMATS]
    assert names[0].startswith("quality-daily-venue-e-x-20")
    assert {name.rsplit(".", 1)[1] for name in names} == set(FORMATS)
