"""Business hours: how much of the time between two moments somebody was there, worked out where the data are."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import ibis

from cxkit.input.databases import Column

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY, WEEK = 1440, 7 * 1440
MONDAY = date(1970, 1, 5)  # from which minutes are counted
_SINCE = (MONDAY - date(1970, 1, 1)).days * DAY
_HOURS = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))? (\d\d):(\d\d)-(\d\d):(\d\d)")

Stretch = tuple[int, int]  # minutes of a week, from Monday on: from, to


def stretches(hours: list[str]) -> list[Stretch]:
    """The stretches of a week in which somebody is there, in their order.

    Raises:
        ValueError: What is not written as `Mon-Fri 09:00-17:00`, ends before it begins, or lies twice in a day.

    >>> stretches(["Mon-Tue 09:00-17:00", "Sat 10:00-14:00"])
    [(540, 1020), (1980, 2460), (7800, 8040)]
    """
    found = list[Stretch]()
    for text in hours:
        if not (told := _HOURS.fullmatch(text)):
            raise ValueError(f"expected hours such as Mon-Fri 09:00-17:00 or Sat 10:00-14:00, found {text!r}")
        first, last = (DAYS.index(day) for day in (told[1], told[2] or told[1]))
        begin, end = (60 * int(told[i]) + int(told[i + 1]) for i in (3, 5))
        if first > last or not begin < end <= DAY or int(told[4]) > 59 or int(told[6]) > 59:
            raise ValueError(f"expected the earlier day and the earlier time first, 24:00 at most; found {text!r}")
        found += [(day * DAY + begin, day * DAY + end) for day in range(first, last + 1)]
    found.sort()
    if twice := [DAYS[other[0] // DAY] for one, other in pairwise(found) if other[0] < one[1]]:
        raise ValueError(f"{twice[0]} has hours that lie in one another")
    return found


def worked(local: Column, week: list[Stretch], holidays: list[date]) -> Column:
    """Minutes of business until a local time, since a Monday long ago; of two times the difference counts.

    Args:
        local: Local times without a zone.
        week: From `stretches`.
        holidays: Days on which nobody is there.
    """
    minutes = local.epoch_seconds() / 60.0 - _SINCE
    number = (minutes / WEEK).floor()
    open_ = number * float(sum(end - begin for begin, end in week)) + _passed(minutes - number * WEEK, week)
    closed = [((day - MONDAY).days * DAY - day.weekday() * DAY, day.weekday()) for day in holidays]
    shut = [(monday + begin, monday + end) for monday, day in closed for begin, end in week if begin // DAY == day]
    return open_ - _passed(minutes, shut)


def _passed(minutes: Column, some: list[Stretch]) -> Column:
    """How much of some stretches has passed."""
    each = (ibis.least(ibis.greatest(minutes - begin, 0.0), float(end - begin)) for begin, end in some)
    return sum(each, ibis.literal(0.0))  # `clip` would spell out the minutes three times
