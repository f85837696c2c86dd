"""Differences between models: a forest of all pairs, and what their tests allow to say. Stands inside accuracy."""

from __future__ import annotations

from markupsafe import Markup

from reports.page.drawing.forest import Row, forest
from reports.page.drawing.marks import Style
from reports.page.drawing.svg import GLYPHS, INK, Caption
from reports.page.table import Columns, Table, Words
from reports.terms import Json
from reports.text import wording


def section(summary: Json) -> Json:
    """Return the picture of the pairs, their table, and the same over folds."""
    return {"picture": picture(summary), "table": table(summary), "fold_level": fold_level(summary)}


def table(summary: Json) -> Table:
    """Return the differences between models; no row where there is only one."""
    columns: Columns = [
        ("Models", _pair),
        ("Difference (points)", lambda pair: wording.points(pair["difference"]["value"], False)),
        ("95\u00a0% interval", lambda pair: wording.interval(pair["difference"], of_points=True)),
        ("p", lambda pair: wording.probability(pair["p"])),
        ("p, corrected (Holm)", lambda pair: wording.probability(pair["p_holm"])),
        ("Detectable (points, approx.)", lambda pair: wording.percent(pair["detectable"], False)),
        ("Detectable, corrected", lambda pair: wording.percent(pair["detectable_holm"], False)),
        ("Speakers", lambda pair: wording.count(pair["difference"]["n_speakers"])),
        ("Reading", Words(distinguishability)),
    ]
    caption = "Differences in balanced accuracy on the same speakers; intervals are not corrected for many pairs"
    return Table.of(summary["comparisons"], columns, caption=caption)


def _pair(pair: Json) -> str:
    return f"{wording.model(pair['a'])} minus {wording.model(pair['b'])}"


def distinguishability(pair: Json) -> str:
    """Say what the test of a pair of models allows to say."""
    if pair["significant"] is None:
        return f"not tested: {pair['difference']['why_not']}"
    if pair["significant"]:
        first, second = (pair["a"], pair["b"]) if pair["difference"]["value"] > 0 else (pair["b"], pair["a"])
        told = f"{wording.model(first)} ahead of {wording.model(second)}"
        return told + ("; other training speakers could change it" if pair["fold_level"]["order_could_change"] else "")
    return "equal within 1 point" if pair["equal"] else "not told apart"


def fold_level(summary: Json) -> Table:
    """Return the secondary comparison over folds; no row where there is only one model."""
    columns: Columns = [
        ("Models", _pair),
        ("Difference (points)", lambda pair: wording.points(pair["fold_level"]["value"], False)),
        ("95\u00a0% interval", lambda pair: wording.interval(pair["fold_level"], of_points=True)),
        ("p", lambda pair: wording.probability(pair["fold_level"]["p"])),
        ("First better (%)", lambda pair: _chance(pair["fold_level"], "a")),
        ("Equal within 1 point (%)", lambda pair: _chance(pair["fold_level"], "equal")),
        ("Second better (%)", lambda pair: _chance(pair["fold_level"], "b")),
        ("Note", Words(lambda pair: pair["fold_level"]["why_not"] or "")),
    ]
    caption = "The same differences over folds: corrected t test, and Bayesian probabilities"
    return Table.of(summary["comparisons"], columns, caption=caption)


def _chance(over_folds: Json, key: str) -> str:
    return wording.percent((over_folds["probability"] or {}).get(key), False)


def picture(summary: Json) -> Markup:
    """Draw a row per pair of models: the difference with its interval, zero marked."""
    pairs = [pair for pair in summary["comparisons"] if pair["difference"]["value"] is not None]
    ink = Style(colour=INK, marker="o", glyph=GLYPHS[0], variable="--ink")
    drawn = [
        Row(
            name=f"{wording.short_model(pair['a'])} minus {wording.short_model(pair['b'])}",
            number=pair["difference"],
            style=ink,
            remark=f"p {wording.p(pair['p_holm'])}",
            hollow=not pair["significant"],
        )
        for pair in pairs
    ]
    finding = "; ".join(f"{_pair(pair)} {tested(pair)}" for pair in pairs) + "."
    caption = Caption(name="plot-differences", title="Differences between models", finding=finding)
    return forest(drawn, caption, "difference in balanced accuracy, points")


def tested(pair: Json) -> str:
    """Return a difference with its interval and corrected p: ``+2.0 points (95 % interval ..., corrected p = ...)``."""
    number = pair["difference"]
    interval = f"95\u00a0% interval {wording.interval(number, of_points=True)}, corrected p {wording.p(pair['p_holm'])}"
    return f"{wording.points(number['value'])} ({interval if number['estimable'] else 'interval not estimable'})"
