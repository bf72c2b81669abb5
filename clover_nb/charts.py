"""Charts of a table of customers, one call each: growth, states, expiry of cards, quality.

They need matplotlib, which the extra ``charts`` brings, or ``pip install matplotlib``. Each
is a matplotlib figure, to be changed and saved as any other (``chart.savefig("growth.png")``),
and carries its numbers as a text, which a notebook gives to a screen reader.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import io
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from clover_nb import quality, validation
from clover_nb.errors import ValidationError
from clover_nb.frames import prepare_customers

try:
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Charts need matplotlib: pip install matplotlib.", name=error.name
    ) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Chart", "plot_card_expiry", "plot_growth", "plot_quality", "plot_states"]

_WIDTH, _HEIGHT = 9.0, 3.8  # inches, of 100 pixels in a notebook
_DPI: Final = 150  # drawn finer than shown, for sharp screens
_BACKGROUND: Final = "#F5F5F5"  # between a light and a dark theme
_BLUE, _ORANGE = "#0072B2", "#D55E00"  # which colour-blind people tell apart
_LINES: Final = ((_BLUE, "-", "D"), (_ORANGE, "--", "s"), ("#5A5A5A", ":", "o"))
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MONTHS_AROUND: Final = 6  # before and after today, in the chart of expiry
_LARGEST_STATES: Final = 5  # that the text of the map names

# A tile a state, about where it lies: Canada above, the United States below.
_CANADA: Final = """
.. YT NT NU .. .. .. .. .. .. .. NL
BC AB SK MB .. .. .. ON QC NB NS PE
"""
_UNITED_STATES: Final = """
AK .. .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. .. VT NH
.. WA ID MT ND MN IL WI MI NY RI MA
.. OR NV WY SD IA IN OH PA NJ CT ..
.. CA UT CO NE MO KY WV VA MD DE ..
.. .. AZ NM KS AR TN NC SC DC .. ..
.. .. .. .. OK LA MS AL GA .. .. ..
HI .. .. .. TX .. .. .. .. FL .. PR
"""


class Chart(Figure):
    """A figure with its numbers as a text.

    Attributes:
        alt: What it shows, for those who don't see it.
    """

    alt = ""

    def _repr_html_(self) -> str:
        """The picture as a notebook shows it: JupyterLab gives one of any other kind no text."""
        picture = io.BytesIO()
        # Half of a PNG's size, and the same picture.
        self.savefig(picture, format="webp", dpi=_DPI, pil_kwargs={"lossless": True})
        encoded = base64.b64encode(picture.getvalue()).decode()
        width = round(self.get_figwidth() * 100)
        return (
            f'<img alt="{html.escape(self.alt)}" width="{width}" style="max-width: 100%" '
            f'src="data:image/webp;base64,{encoded}">'
        )


def plot_growth(table: pd.DataFrame) -> Chart:
    """New customers by month, a line a year, of the last three years that have any.

    Args:
        table: Customers, as from ``clover.customers.list()``.

    Returns:
        The chart. A month is one of UTC.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> chart = clover_nb.charts.plot_growth(clover.customers.list())
        >>> chart.alt
        'New customers by month. 2023: 48. 2024: 64. 2025: 88. Most in a month: 12 in Dec 2025.'
    """
    chart, axes = _make_chart("New customers by month")
    created = _read_times(prepare_customers(table, "created")["created"])
    months = created.dt.year * 12 + created.dt.month - 1
    if months.empty:
        return _leave_empty(chart, axes, "No customers.")
    counts = months.value_counts()
    shown = sorted(set(months // 12))[-len(_LINES) :]
    counts = counts.reindex(range(counts.index.min(), counts.index.max() + 1), fill_value=0)
    years = {year: counts[counts.index // 12 == year] for year in shown}
    for year, (color, style, marker) in zip(reversed(shown), _LINES, strict=False):
        counted = years[year]
        places = counted.index % 12
        axes.plot(places, counted, color=color, linestyle=style, marker=marker, label=str(year))
    axes.set_xticks(range(12), _MONTHS)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("New customers")
    axes.legend(frameon=False)
    top = int(counts.idxmax())
    totals = " ".join(f"{year}: {years[year].sum()}." for year in shown)
    chart.alt = (
        f"New customers by month. {totals} "
        f"Most in a month: {counts[top]} in {_MONTHS[top % 12]} {top // 12}."
    )
    return chart


def plot_states(table: pd.DataFrame) -> Chart:
    """How many customers are in each state and province, as a map of tiles.

    Args:
        table: Customers, as from ``clover.customers.list()``. Of those who are in neither the
            United States nor Canada, or whose state isn't known, the number alone is given.

    Returns:
        The chart.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> chart = clover_nb.charts.plot_states(clover.customers.list())
        >>> chart.alt.partition(";")[0]
        'Customers by state and province. Most: TX 19, CA 14, NY 12, ON 7, FL 7'
    """
    chart, axes = _make_chart("Customers by state and province", height=6.8)
    place = ["shipping_country", "shipping_state"]
    counts = prepare_customers(table, *place).value_counts(place).to_dict()
    tiles = [("CA", *tile) for tile in _read_tiles(_CANADA, 0)]
    tiles += [("US", *tile) for tile in _read_tiles(_UNITED_STATES, 2.3)]
    numbers = {tile: counts.get(tile[:2], 0) for tile in tiles}
    most = max(numbers.values()) or 1
    for (_, state, row, column), number in numbers.items():
        # The root: else one large state makes all others alike.
        strength = (number / most) ** 0.5
        color = colormaps["Blues"](0.15 + 0.75 * strength) if number else "#FFFFFF"
        tile = Rectangle((column, row), 0.94, 0.94, facecolor=color, edgecolor="#C8C8C8")
        axes.add_patch(tile)
        ink = "#FFFFFF" if strength > 0.6 else "#1A1A1A"  # noqa: PLR2004  where both can be read
        middle: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        axes.text(column + 0.47, row + 0.34, state, fontsize=8, **middle)
        axes.text(column + 0.47, row + 0.66, str(number or ""), fontsize=11, **middle)
    axes.set(xlim=(-0.05, 12), ylim=(10.7, -0.05), aspect="equal")
    axes.axis("off")
    elsewhere = len(table) - sum(numbers.values())
    rest = f"{elsewhere} elsewhere, or of no known state"
    axes.text(11.94, 10.6, rest, ha="right", fontsize=9, color="#1A1A1A")
    largest = sorted(numbers, key=lambda tile: (-numbers[tile], tile))[:_LARGEST_STATES]
    named = ", ".join(f"{tile[1]} {numbers[tile]}" for tile in largest if numbers[tile])
    chart.alt = f"Customers by state and province. Most: {named or 'none'}; {rest}."
    return chart


def plot_card_expiry(table: pd.DataFrame, today: dt.date | None = None) -> Chart:
    """How many newest cards expire in each month, half a year back and ahead.

    Args:
        table: Customers, as from ``clover.customers.list()``.
        today: The day in the middle; by default today.

    Returns:
        The chart. A card is good until the end of its month.

    Example:
        >>> import datetime as dt
        >>> clover = clover_nb.connect("local", seed=1)
        >>> chart = clover_nb.charts.plot_card_expiry(clover.customers.list(), dt.date(2026, 1, 1))
        >>> chart.alt.partition(":")[0]
        'Newest cards by month of expiry, 2025-07 to 2026-06'
    """
    now = pd.Period(validation.check_day("today", today), "M")
    shown = [str(now + month) for month in range(-_MONTHS_AROUND, _MONTHS_AROUND)]
    expiry = prepare_customers(table, "card_expiry")["card_expiry"]
    counts = expiry.value_counts().reindex(shown, fill_value=0)
    expired = counts[:_MONTHS_AROUND]
    coming = counts[_MONTHS_AROUND:]
    summary = f"{expired.sum()} expired in the last six months, {coming.sum()} will in the next"
    chart, axes = _make_chart(f"Newest cards: {summary}")
    for kind, part, color, hatch in (
        ("expired", expired, _ORANGE, "//"),
        ("will expire", coming, _BLUE, ""),
    ):
        bars = axes.bar(part.index, part, color=color, hatch=hatch, edgecolor="#FFFFFF", label=kind)
        axes.bar_label(bars, [str(number or "") for number in part])
    axes.set_xticks(range(len(shown)), shown, fontsize=8)
    axes.set(xlabel="Month of expiry", ylabel="Cards")
    axes.legend(frameon=False)
    numbers = ", ".join(f"{month} {number}" for month, number in counts.items() if number)
    chart.alt = (
        f"Newest cards by month of expiry, {shown[0]} to {shown[-1]}: {summary}. "
        f"By month: {numbers or 'none'}."
    )
    return chart


def plot_quality(table: pd.DataFrame, today: dt.date | None = None) -> Chart:
    """How many customers each finding of ``quality.report`` has.

    Args:
        table: Customers, as from ``clover.customers.list()``.
        today: The day that cards expire by; by default today.

    Returns:
        The chart.

    Example:
        >>> customers = clover_nb.connect("local", seed=1).customers.list()
        >>> "address: city missing 2" in clover_nb.charts.plot_quality(customers).alt
        True
    """
    found = quality.report(table, today).sort_values("customers", kind="stable")
    chart, axes = _make_chart("Missing and doubtful values", height=1.2 + 0.32 * max(len(found), 3))
    if found.empty:
        return _leave_empty(chart, axes, "Nothing is missing or doubtful.")
    bars = axes.barh(found.index, found["customers"], color=_BLUE)
    labels = [f"{row.customers}  ({row.share:.1%})" for row in found.itertuples()]
    axes.bar_label(bars, labels, padding=4)
    axes.set_xlabel("Customers")
    axes.margins(x=0.15)
    numbers = ", ".join(f"{kind} {number}" for kind, number in found["customers"][::-1].items())
    chart.alt = f"Missing and doubtful values, by customers: {numbers}."
    return chart


def _read_times(column: pd.Series[Any]) -> pd.Series[Any]:
    """The times of a column in UTC: of another time zone, or the texts that a file has."""
    if pd.api.types.is_numeric_dtype(column):  # of which no unit is known
        column = column.astype(str)
    try:
        return pd.to_datetime(column, utc=True, format="ISO8601").dropna()
    except (ValueError, TypeError):
        raise ValidationError(
            f"The column {column.name} has something else than times.",
            hint="Give the table as from clover.customers.list().",
            field="table",
        ) from None


def _make_chart(title: str, height: float = _HEIGHT) -> tuple[Chart, Axes]:
    chart = Chart(figsize=(_WIDTH, height), facecolor=_BACKGROUND, layout="constrained")
    axes = chart.add_subplot(facecolor=_BACKGROUND)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    return chart, axes


def _leave_empty(chart: Chart, axes: Axes, alt: str) -> Chart:
    axes.axis("off")
    axes.text(0.5, 0.5, alt, ha="center")
    chart.alt = alt
    return chart


def _read_tiles(layout: str, top: float) -> list[tuple[str, float, int]]:
    """The state, the row and the column of each tile."""
    return [
        (state, top + row, column)
        for row, line in enumerate(layout.split("\n")[1:-1])
        for column, state in enumerate(line.split())
        if state != ".."
    ]
