"""The leakage premium: what a split that shares speakers adds; in the same form, what having heard an accent adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes

from reports.page.drawing.marks import WIDTH_PX, published_mark, spread, styles, symbols
from reports.page.drawing.svg import GRID, INK, MUTED, Caption, canvas, inline
from reports.page.table import Columns, Table, with_interval
from reports.terms import MAJORITY, RANDOM, Json
from reports.text import wording

ANCHOR, TITLE = "premium", "Leakage premium"


def section(summary: Json) -> Json | None:
    """Return the picture and the tables; None where recordings were split at random in the first place."""
    if summary["protocol"]["name"] == RANDOM:
        return None
    return {
        "picture": picture(summary),
        "table": table(summary["leakage_premium"], summary),
        "never_heard": table(summary["accent_never_heard"], summary),
    }


def table(premiums: Json, summary: Json) -> Table | None:
    """Return the scores under two protocols and their difference; None where not measured."""
    if not premiums:
        return None
    first = next(iter(premiums.values()))
    main, other = (wording.capital(wording.protocol(first[key])) for key in ("main_protocol", "protocol"))
    names = sorted(premiums, key=summary["model_order"].index)
    columns: Columns = [
        ("Model", wording.model),
        (main, lambda name: with_interval(premiums[name]["main_score"])),
        (other, lambda name: with_interval(premiums[name]["score"])),
        ("Difference (points)", lambda name: wording.points(premiums[name]["value"], False)),
        ("95\u00a0% interval", lambda name: wording.interval(premiums[name], of_points=True)),
        ("p", lambda name: wording.probability(premiums[name]["p"])),
        ("Speakers", lambda name: wording.count(premiums[name]["n_speakers"])),
    ]
    caption = "Balanced accuracy (%) under both protocols, same speakers, with 95\u00a0% intervals"
    return Table.of(names, columns, caption=caption, models=names)


def picture(summary: Json) -> Markup:
    """Draw a line per model from its score with speakers held out to its score with recordings at random."""
    premiums = {n: p for n, p in summary["leakage_premium"].items() if p["value"] is not None and n != MAJORITY}
    if not premiums:
        return Markup()
    look = styles(summary)
    with canvas(WIDTH_PX, 360, (240, 40, 410, 20)) as (figure, axes):
        axes.set_xlim(-0.04, 1.04)
        for name, premium in premiums.items():
            ends = [premium["main_score"]["value"], premium["score"]["value"]]
            sns.lineplot(x=[0, 1], y=ends, color=look[name].colour, linewidth=2.5, ax=axes, legend=False)
            symbols(axes, ([0, 1], ends), look[name], size=90)
        others = summary["published"]["random"]
        for other in others:
            published_mark(axes, 1, other["accuracy"])
        axes.margins(y=0.12)
        _slope_labels(axes, premiums, others)
        for place, text in enumerate(("speakers held out", "recordings at random")):
            axes.axvline(place, color=GRID, linewidth=1, zorder=0)
            axes.text(place, 1.05, text, ha="center", transform=axes.get_xaxis_transform(), color=MUTED)
        axes.set(xticks=[], yticks=[], ylabel="")
        sns.despine(ax=axes, left=True, bottom=True)
        told = [f"{wording.model(name)} {_told(premium)}" for name, premium in premiums.items()]
        finding = f"Recordings at random against speakers held out: {', '.join(told)}."
        return inline(figure, Caption(name="plot-premium", title="Leakage premium per model", finding=finding))


def _told(premium: Json) -> str:
    interval = f" ({wording.interval(premium, of_points=True)})" if premium["estimable"] else ""
    return f"{wording.points(premium['value'])}{interval}"


def _slope_labels(axes: Axes, premiums: Json, others: Sequence[Json]) -> None:
    """Write names and values beside both ends of the slopes, moved apart where they would touch."""
    gap = 19 / 300 * float(np.ptp(axes.get_ylim()))
    starts = {name: premium["main_score"]["value"] for name, premium in premiums.items()}
    for (name, start), y in zip(starts.items(), spread(list(starts.values()), gap), strict=True):
        text = f"{wording.short_model(name)}  {wording.percent(start)}"
        axes.annotate(text, (0, y), (-13, 0), textcoords="offset points", ha="right", va="center")
    ends = [(p["score"]["value"], f"{wording.short_model(name)}, {_told(p)}", INK) for name, p in premiums.items()] + [
        (other["accuracy"], f"{other['name']} (published)", MUTED) for other in others
    ]
    for (end, text, colour), y in zip(ends, spread([end for end, _, _ in ends], gap), strict=True):
        told = f"{wording.percent(end)}  {text}"
        axes.annotate(told, (1, y), (13, 0), textcoords="offset points", ha="left", va="center", color=colour)
