"""Whole days of charging in virtual time, with real sessions, house loads and delays.

Each day is given to the real controller, to simpler ones, to an ideal without delays, and to
somebody who knew the whole day beforehand. A busy day takes a minute for each policy of the real
controller, and seconds for the others; all five sites take some ten minutes on two cores.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from .site_days.chart import chart, scarcest
from .site_days.errors import InputError
from .site_days.options import Request, parse
from .site_days.runner import DayResult, run_days
from .site_days.table import LEGEND, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 2 where that cannot be done."""
    try:
        request = parse(sys.argv[1:] if arguments is None else arguments, __doc__ or "")
        results = run_days(request.days, request.policies, request.conditions, request.jobs)
        _draw(request, results)
    except InputError as error:
        print(f"site_day: {error}", file=sys.stderr)
        return 2
    rows = [row for result in results for row in result.rows]
    if request.as_json:
        print(json.dumps({"rows": [asdict(row) for row in rows]}))
    else:
        print(f"{table(rows)}\n\n{LEGEND}")
    return 0


def _draw(request: Request, results: Sequence[DayResult]) -> None:
    if request.chart is None:
        return
    drawn = scarcest(results)
    if drawn is None:
        raise InputError("--chart needs a policy of the real controller")
    try:
        request.chart.write_text(chart(drawn), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{request.chart}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
