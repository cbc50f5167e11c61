"""A chart of one site-day, as hand-made SVG that suits light and dark pages."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from .policies import IDEAL, OPTIMUM
from .rows import ResultRow
from .runner import DayResult
from .trace import BIN_S, Trace

WIDTH = 960
LEFT, RIGHT = 56, 20
DAY_TOP, DAY_BOTTOM = 56, 330
BARS_TOP, BAR_HEIGHT, BAR_STEP, BAR_LENGTH = 412, 13, 19, 280
MOST_PERCENT = 108
HUES = (205, 28, 135, 265, 50, 340, 175, 95)
HOURS_BETWEEN = 3
_STYLE = """\
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .small { font-size: 12px; fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .house { fill: #8c959f; }
  .fuse { fill: none; stroke: #cf222e; stroke-width: 2; }
  .energy { fill: #0969da; }
  .worst { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #8b949e; }
    .grid { stroke: #30363d; }
    .house { fill: #6e7681; }
    .fuse { stroke: #f85149; }
    .energy { fill: #58a6ff; }
    .worst { fill: #3fb950; }
  }"""


def scarcest(results: Iterable[DayResult]) -> DayResult | None:
    """Return the day with the least energy for its cars, of those that have a trace."""
    traced = [result for result in results if result.trace is not None]
    return min(traced, key=_supplied, default=None)


def chart(result: DayResult) -> str:
    """Return the day on one phase, and under it each policy's energy and fairness."""
    trace = result.trace
    assert trace is not None, "only a day with a trace can be drawn"
    title = f"{result.day.layout.name}, day {result.day.day}, {trace.policy}: current on L1"
    rows = [row for row in result.rows if row.policy != OPTIMUM]
    height = BARS_TOP + BAR_STEP * len(rows) + 8
    body = [*_day(result, trace), *_bars(rows)]
    return "\n".join(
        [
            _opening(height, title),
            f"<style>\n{_STYLE}\n</style>",
            _text(LEFT, 24, title, "title"),
            *body,
            "</svg>\n",
        ]
    )


def _opening(height: int, title: str) -> str:
    namespace = "http://www.w3.org/2000/svg"
    box = f"0 0 {WIDTH} {height}"
    return f'<svg xmlns="{namespace}" viewBox="{box}" role="img" aria-label="{escape(title)}">'


def _supplied(result: DayResult) -> float:
    asked_wh = sum(stay.energy_wh for stay in result.day.stays)
    trace = result.trace
    policy = None if trace is None else trace.policy
    given = next((row.energy_kwh for row in result.rows if row.policy == policy), 0.0)
    return given * 1000 / asked_wh if asked_wh else 1.0


def _day(result: DayResult, trace: Trace) -> Iterator[str]:
    bins = len(trace.house_a)
    top_a = max(trace.capacities_a) * 1.1
    step_x = (WIDTH - LEFT - RIGHT) / bins

    def y(current_a: float) -> float:
        return DAY_BOTTOM - (DAY_BOTTOM - DAY_TOP) * current_a / top_a

    yield from _grid(result, y_of=[(a, y(a)) for a in _ticks(top_a)], bins=bins)
    floor = [0.0] * bins
    layers = [("house", "other loads", trace.house_a)] if result.day.metered else []
    layers += [
        (f"fill:hsl({HUES[number % len(HUES)]} 55% {48 + 7 * (number % 3)}%)", "", currents_a)
        for number, currents_a in enumerate(trace.cars_a)
    ]
    for style, name, currents_a in layers:
        used = [number for number in range(bins) if currents_a[number] > 0]
        if not used:
            continue
        ceiling = [low + more for low, more in zip(floor, currents_a, strict=True)]
        span = range(used[0], used[-1] + 1)
        above = [(LEFT + (n + side) * step_x, y(ceiling[n])) for n in span for side in (0, 1)]
        below = [(LEFT + (n + side) * step_x, y(floor[n])) for n in span for side in (0, 1)]
        look = f'class="{style}"' if name else f'style="{style}"'
        yield f'<path {look} d="M{_points([*above, *reversed(below)])}Z"/>'
        floor = ceiling
    fuse = [
        (LEFT + (number + side) * step_x, y(capacity_a))
        for number, capacity_a in enumerate(trace.capacities_a)
        for side in (0, 1)
    ]
    yield f'<path class="fuse" d="M{_points(fuse)}"/>'
    yield _text(
        WIDTH - RIGHT, 44, "red: the limit; grey: the house; each colour: a car", "small", "end"
    )


def _grid(result: DayResult, *, y_of: Sequence[tuple[float, float]], bins: int) -> Iterator[str]:
    for current_a, y in y_of:
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield _text(LEFT - 8, y + 4, f"{current_a:g} A", "small", "end")
    begins_h = result.day.layout.begins_s / 3600
    for hour in range(0, bins * BIN_S // 3600 + 1, HOURS_BETWEEN):
        x = LEFT + (WIDTH - LEFT - RIGHT) * hour * 3600 / (bins * BIN_S)
        yield _text(x, DAY_BOTTOM + 20, f"{(begins_h + hour) % 24:02.0f}:00", "small", "middle")


def _ticks(top_a: float) -> list[float]:
    step_a = next(step for step in (5, 10, 20, 25, 50, 100, 250, 1000) if top_a / step <= 7)
    return [float(number * step_a) for number in range(int(top_a // step_a) + 1)]


def _bars(rows: Sequence[ResultRow]) -> Iterator[str]:
    """Yield two columns of bars; one that is longer than the ideal's ends a little beside it."""
    columns = (
        (LEFT + 90, "energy, % of the ideal", "energy", [row.energy_pct_of_ideal for row in rows]),
        (LEFT + 560, "worst-served car, % of the ideal", "worst", _worst(rows)),
    )
    for x, title, look, values in columns:
        yield _text(x, BARS_TOP - 14, title)
        for number, value in enumerate(values):
            y = BARS_TOP + number * BAR_STEP
            if value is None:
                continue
            width = BAR_LENGTH * min(value, MOST_PERCENT) / 100
            yield (
                f'<rect class="{look}" x="{x}" y="{y}" width="{width:.1f}" '
                f'height="{BAR_HEIGHT}" rx="2"/>'
            )
            remark = _remark(rows[number]) if look == "energy" else ""
            yield _text(x + width + 6, y + 11, f"{value:.0f}{remark}", "small")
    for number, row in enumerate(rows):
        name = "(ideal)" if row.policy == IDEAL else row.policy.replace("_", " ")
        yield _text(LEFT + 82, BARS_TOP + number * BAR_STEP + 11, name, "", "end")


def _remark(row: ResultRow) -> str:
    """Return for how long more flowed than the limit allows, where that is worth a word."""
    minutes = (row.preventable_over_limit_s or 0) / 60
    if minutes < 1:
        return ""
    length = f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"
    return f" (overload for {length})"


def _worst(rows: Sequence[ResultRow]) -> list[float | None]:
    return [
        None if row.worst_served_pct is None else min(row.worst_served_pct, 100.0) for row in rows
    ]


def _points(points: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _text(x: float, y: float, text: str, look: str = "", anchor: str = "start") -> str:
    chosen = f' class="{look}"' if look else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{chosen}>{escape(text)}</text>'
