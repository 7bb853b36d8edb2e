"""Counts a minute as stacked bars: paths of an SVG that needs no script."""

from collections.abc import Mapping, Sequence

from attrs import frozen

HEIGHT = 100.0
_STEP, _BAR = 10, 8
"""Units of one minute, and of the bar in it."""
_NICE = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
"""Tenths of a power of ten that a person reads at a glance."""


@frozen
class Series:
    """One color of a chart: its CSS class, its name, the sum of its counts, and the path of its bars."""

    style: str
    name: str
    total: int
    path: str


@frozen
class Chart:
    """A chart of counts a minute: its width in units, the value at its top, and its series from the bottom up."""

    width: int
    top: int
    series: tuple[Series, ...]

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return sum(series.total for series in self.series)

    @property
    def words(self) -> str:
        """What the chart shows, for people who do not see it."""
        parts = [f"{series.total:,} {series.name}" for series in self.series if series.total]
        return ", ".join(parts) or "no events"


def draw(minutes: Sequence[Mapping[str, int]], names: Sequence[str], styles: Sequence[str]) -> Chart:
    """Draw counts by name of each minute; `styles` are the CSS classes of the names."""
    top = _nice_top(max((sum(counts.get(name, 0) for name in names) for counts in minutes), default=0))
    paths: list[list[str]] = [[] for _ in names]
    for index, counts in enumerate(minutes):
        base = HEIGHT
        for path, name in zip(paths, names, strict=True):
            height = counts.get(name, 0) / top * HEIGHT
            if height:
                base -= height
                path.append(f"M{index * _STEP + 1} {base:.2f}h{_BAR}v{height:.2f}h-{_BAR}z")
    return Chart(
        len(minutes) * _STEP,
        top,
        tuple(
            Series(style, name, sum(counts.get(name, 0) for counts in minutes), "".join(path))
            for style, name, path in zip(styles, names, paths, strict=True)
        ),
    )


def _nice_top(most: int) -> int:
    """Return a round number at or above the largest count, for the top of the axis."""
    if most <= _NICE[0]:
        return max(2, most + most % 2)
    unit = 1
    while most > unit * _NICE[-1]:
        unit *= 10
    return next(unit * nice for nice in _NICE if unit * nice >= most)
