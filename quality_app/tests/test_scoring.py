"""Scores: what is known is averaged, what is unknown counts nowhere, critical findings cap."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from quality_app.scoring import ScoredCheck, band, score_check, score_dataset

LIMIT = Fraction(1, 100)

checks = st.lists(
    st.builds(
        lambda rows, share, dimension, severity: ScoredCheck(
            "c", dimension, severity, rows, int(rows * share), None if severity == "info" else LIMIT
        ),
        st.integers(0, 10_000),
        st.fractions(0, 1),
        st.sampled_from(["accuracy", "consistency", "completeness", ""]),
        st.sampled_from(["critical", "major", "info"]),
    ),
    max_size=6,
)
shares = st.none() | st.fractions(0, 1)


def _check(violations: int, dimension: str = "accuracy", severity: str = "major") -> ScoredCheck:
    return ScoredCheck(f"{dimension}.{violations}", dimension, severity, 10_000, violations, LIMIT)


def test_the_worked_example_of_the_documentation() -> None:
    found = [_check(0), _check(25), _check(0, "consistency")]
    score = score_dataset(found, completeness=Fraction(98, 100))
    assert score.dimensions == {
        "completeness": Decimal("0.98"),
        "accuracy": Decimal("0.875"),
        "consistency": Decimal("1"),
        "timeliness": None,
    }
    # (0.35 × 0.98 + 0.30 × 0.875 + 0.20 × 1) / 0.85
    assert score.overall == Decimal("0.9476")
    assert score.unknown == ["timeliness"]
    assert [str(term.weight) for term in score.terms] == ["0.4117", "0.3529", "0.2352"]


def test_nothing_ran_is_unknown() -> None:
    assert score_dataset([]).overall is None
    assert band(score_dataset([]).overall) == "unknown"


def test_completeness_alone_makes_no_score() -> None:
    score = score_dataset([], completeness=Fraction(1))
    assert score.overall is None
    assert score.dimensions["completeness"] == 1


def test_no_rows_make_no_score() -> None:
    assert score_check(0, 0, LIMIT) is None
    assert score_dataset([ScoredCheck("c", "accuracy", "major", 0, 0, LIMIT)]).overall is None


def test_one_violation_never_shows_as_perfect() -> None:
    assert score_check(1, 10**12, LIMIT) == Decimal("0.9999")
    assert score_check(0, 10**12, LIMIT) == 1


def test_a_critical_finding_caps() -> None:
    score = score_dataset([_check(0), _check(1, severity="critical")], completeness=Fraction(1))
    assert score.overall == Decimal("0.49")
    assert score.capped
    assert score.uncapped is not None
    assert score.uncapped > Decimal("0.99")


def test_an_unreadable_file_caps_though_it_is_in_no_mean() -> None:
    score = score_dataset([_check(0), ScoredCheck("file.unreadable", "completeness", "critical", 5, 1, Fraction(1))])
    assert score.overall == Decimal("0.49")
    assert score.dimensions["completeness"] is None


def test_bands() -> None:
    shown = {value: band(Decimal(value)) for value in ("1", "0.95", "0.9499", "0.85", "0.70", "0.6999", "0")}
    assert list(shown.values()) == ["excellent", "excellent", "good", "good", "fair", "poor", "poor"]


@given(checks, shares, shares)
def test_scores_stay_in_range_and_follow_their_terms(
    found: list[ScoredCheck], completeness: Fraction | None, timeliness: Fraction | None
) -> None:
    score = score_dataset(found, completeness, timeliness)
    known = [value for value in score.dimensions.values() if value is not None]
    assert all(0 <= value <= 1 for value in known)
    assert {term.name for term in score.terms} | set(score.unknown) == set(score.dimensions)
    if score.overall is None:
        return
    assert score.uncapped is not None
    assert min(known) <= score.uncapped <= max(known) + Decimal("0.0001")
    critical = any(check.severity == "critical" and check.violations for check in found)
    assert score.overall <= Decimal("0.49") or not critical
    assert (score.overall == score.uncapped) or score.capped


@given(st.integers(1, 10_000), st.data())
def test_more_violations_never_score_better(rows: int, data: st.DataObject) -> None:
    few, many = sorted(data.draw(st.tuples(st.integers(0, rows), st.integers(0, rows))))
    better, worse = score_check(few, rows, LIMIT), score_check(many, rows, LIMIT)
    assert better is not None
    assert worse is not None
    assert worse <= better
