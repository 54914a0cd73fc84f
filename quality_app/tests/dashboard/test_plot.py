"""Charts as numbers: where lines break, where values hold, what the axes say."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.plot import HEIGHT, MOST_DOTS, WIDTH, Drawn, plot
from quality_app.tests.dashboard.conftest import DAY, NOW


def path_of(values: list[float | None], **options: object) -> str:
    samples = [(NOW + number * DAY, value) for number, value in enumerate(values)]
    (line,) = plot([Drawn("a", "", samples)], NOW, NOW + 3 * DAY, str, **options).lines  # type: ignore[arg-type]
    return "".join(letter for letter in line.path if letter.isalpha())


def test_unknown_breaks_a_line() -> None:
    assert path_of([0.1, 0.2, None, 0.3]) == "MLM"


def test_a_value_holds_until_the_next_and_the_last_until_the_end() -> None:
    assert path_of([0.1, 0.2], steps=True) == "MHLH"
    assert path_of([0.1, None], steps=True) == "MH"


def test_what_was_not_measured_between_is_not_joined() -> None:
    assert path_of([0.1, 0.2], break_after=timedelta(hours=1)) == "MM"


def test_long_lines_mark_only_lonely_points() -> None:
    samples = [(NOW + number * DAY, None if number in {4, 6} else 0.5) for number in range(MOST_DOTS + 5)]
    (line,) = plot([Drawn("a", "", samples)], NOW, NOW + 99 * DAY, str).lines
    assert [dot.text for dot in line.dots] == [f"a 0.5, {NOW + 5 * DAY:%Y-%m-%d %H:%M} UTC"]


@given(
    st.lists(st.floats(0, 1) | st.none(), min_size=1, max_size=30),
    st.sampled_from([1, 60, 3600, 86_400, 40_000_000]),
)
def test_everything_stands_within_the_frame_and_scores_below_one(values: list[float | None], apart: int) -> None:
    samples = [(NOW + timedelta(seconds=apart) * number, value) for number, value in enumerate(values)]
    drawn = plot([Drawn("a", "", samples)], NOW, samples[-1][0], lambda value: f"{value:.9f}", ceiling=1.0)
    for dot in drawn.lines[0].dots:
        assert 0 <= float(dot.x) <= WIDTH
        assert 0 <= float(dot.y) <= HEIGHT
    assert max(float(tick.label) for tick in drawn.y_ticks) <= 1
    assert 2 <= len(drawn.y_ticks) <= 8
    assert len(drawn.x_ticks) <= 10


@pytest.mark.parametrize("values", [[0.0], [123_456_789.0], [5e-8, 6e-8], [0.0, 1e12]])
def test_any_size_has_a_scale(values: list[float]) -> None:
    samples = [(NOW + number * DAY, value) for number, value in enumerate(values)]
    drawn = plot([Drawn("a", "", samples)], NOW, NOW + DAY, str)
    assert all(0 <= float(dot.y) <= HEIGHT for dot in drawn.lines[0].dots)
