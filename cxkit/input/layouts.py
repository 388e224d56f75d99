"""The layouts of exports: which rows are headers, which are no answers, and which columns are nobody's business.

A layout is a function that looks at the first rows of a file and returns its `Head`, or None where the file is not of
that vendor, unless it is forced; `LAYOUTS` holds them in the order in which they are tried. A new layout is one
function and one entry.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from zoneinfo import available_timezones

from cxkit.errors import CxError, nearest
from cxkit.input.values import NO_ANSWER_WORDS

Rows: TypeAlias = Sequence[Sequence[str]]

PEEK = 12  # rows that are looked at
_PERSON = r"(recipient|requester|submitter|respondent|contact|customer|your|user)?"
_PERSONAL = re.compile(
    rf"{_PERSON}(e?mail(address)?|(first|last|full|sur|given|family|middle)?name|phone(number)?|telephone|mobile(number)?"
    r"|ip(address)?|(location)?(latitude|longitude)|(street|postal|home)?address[12]?|dateofbirth|birthdate)"
    r"|contactperson|employee(name)?|agent(name)?|iban"
    r"|(vor|nach|familien|kunden|ansprechpartner)?name|(tele|mobil)?(fon|telefon)(nummer|nr)?|mobil(nummer|nr)?"
    r"|(kunden|post)?(anschrift|adresse)|strasse|geburts(datum|tag)|ansprechpartner(in)?|(mail|emailadresse)"
)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the answers of an export, and what is known of its rows.

    Attributes:
        layout: Key of `LAYOUTS`.
        names: Name of each column, in order.
        rows: Rows above the first answer.
        questions: Column -> wording of its question, where that is not the name.
        leave: Reason -> (column, values): rows that are no answers.
        personal: Columns that say who someone is, beside those that any export's names give away.
        times: Columns of times.
        zone: Time zone of these, where the file names it.
        month_first: Whether the vendor documents times with the month first, for files that do not decide it.
        missing: Column -> code -> what it means, where the file declares codes for no answer.
        labels: Column -> code -> label, where the file has them.
        sheets: Of a workbook with several, the one that was read and the others, with their rows.
        notes: What a reader of the audit should know.
    """

    layout: str
    names: list[str]
    rows: int = 1
    questions: Mapping[str, str] = field(default_factory=dict)
    leave: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    zone: str | None = None
    month_first: bool = False
    missing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sheets: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def recognise(
    rows: Rows, forced: str | None = None, name: str = "the file", header_row: Sequence[int] | None = None
) -> Head:
    """The head of an export, of the first layout that fits its first rows.

    Args:
        rows: The first rows, as text; at least the headers.
        forced: A key of `LAYOUTS`: this layout, whether its marks are there or not.
        name: What error messages call the export.
        header_row: The row of the names, counted from 1, or several that make a name together; found if None.

    Raises:
        CxError: An unknown layout, or a row of headers that is not there.

    >>> recognise([["#", "How likely?", "Submit Date (UTC)", "Network ID"], ["a", "9", "2026-10-01", "f"]]).layout
    'typeform'
    >>> recognise([["Survey of 2026", "", ""], ["Date", "Score", "Shop"], ["2026-10-01", "9", "A"]]).names
    ['Date', 'Score', 'Shop']
    """
    if forced is not None and forced not in LAYOUTS:
        raise CxError(f"{name}: layout: {forced!r} is unknown; {nearest(forced, LAYOUTS)}")
    if header_row and len(rows) < header_row[-1]:
        raise CxError(f"{name}: header_row: expected one of its rows, found {header_row[-1]}")
    above = header_row[0] - 1 if header_row else 0
    keys = [forced] if forced else [key for key in LAYOUTS if key != "plain"]
    if header_row and len(header_row) > 1 and not forced:
        return _below(Head("plain", headers(_options(_tiers(rows[above : header_row[-1]]))), len(header_row)), above)
    for key in keys:
        try:
            head = LAYOUTS[key](rows[above:], forced is not None)
        except CxError as error:
            raise CxError(f"{name}: {error}") from None
        if head is not None:
            return _below(head, above)
    if forced:
        raise CxError(f"{name}: is not laid out as {forced} exports are; its first row is {', '.join(rows[0][:6])}")
    if header_row is None and (titles := _titles(rows)):
        notes = (f"{titles} row{'s' * (titles > 1)} above the headers left out; `header_row` overrules",)
        head = recognise(rows[titles:], None, name, [1]) if not _merged(rows[titles:]) else _two(rows[titles:])
        return _below(replace(head, notes=(*notes, *head.notes)), titles)
    if header_row is None and _asked(rows):
        asked = {name: clean(text) for name, text in zip(headers(rows[0]), rows[1], strict=False)}
        return replace(
            plain(rows),
            rows=2,
            questions=asked,
            notes=("the second row was read as the questions; `header_row` overrules",),
        )
    return _two(rows) if header_row is None and _merged(rows) else _below(plain(rows[above:]), above)


def _below(head: Head, above: int) -> Head:
    """A head that has further rows above it."""
    return replace(head, rows=head.rows + above)


def _two(rows: Rows) -> Head:
    note = "two header rows were read as one, `question [column]`; `header_row` overrules"
    return Head("plain", headers(_options(_tiers(rows[:2]))), rows=2, notes=(note,))


def _tiers(rows: Rows) -> list[list[str]]:
    return [[clean(cell) for cell in row] for row in rows]


def _titles(rows: Rows) -> int:
    """How many rows above the headers hold a title: a cell or two, above a row that names nearly all columns."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    wide = max(filled, default=0)
    start = next((i for i, n in enumerate(filled) if n >= max(3, 0.6 * wide)), 0)
    start -= start > 1 and filled[start - 1] > 1 and _merged(rows[start - 1 :])
    named = start > 0 and not _numbers(rows[start])
    return start if named and max(filled[:start]) <= max(1, wide // 3) else 0


def _asked(rows: Rows) -> bool:
    """Whether the second row holds texts of questions: words where all rows below hold numbers, or times."""
    texts, *below = [[cell.strip() for cell in row] for row in rows[1:]] or [[]]
    filled = [[row[i] for row in below if i < len(row) and row[i]] for i in range(len(texts))]
    counted = [i for i, cells in enumerate(filled) if len(cells) > 1 and all(map(_NUMBER.match, cells))]
    asked = [i for i in counted if " " in texts[i] and texts[i].casefold() not in NO_ANSWER_WORDS]
    return len(asked) > 1 and len(below) > 2 and not _numbers(texts)


def _merged(rows: Rows) -> bool:
    """Whether the second row names what the first leaves blank, as below merged cells; nothing of it occurs again."""
    if len(rows) < 4:
        return False
    upper, lower, *below = rows
    gaps = [i for i, cell in enumerate(upper) if not cell.strip() and i < len(lower) and lower[i].strip()]
    texts = [cell.strip() for cell in lower if cell.strip()]
    again = any(i < len(row) and row[i] == lower[i] for row in below for i in gaps)
    names = len(set(texts)) >= 0.8 * len(texts) and not _numbers(lower) and not _numbers(upper)
    return len(gaps) > 1 and bool(upper[0].strip()) and names and not again


def _numbers(row: Sequence[str]) -> bool:
    return any(_NUMBER.match(cell.strip()) for cell in row)


_NUMBER = re.compile(r"[-+]?\d+([.,:/-]\d+)*( |T|$)")


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds who someone is: name, e-mail, address, IP, coordinates.

    >>> [name for name in ("E-mail address", "Brand name", "IPAddress", "Your name") if is_personal(name)]
    ['E-mail address', 'IPAddress', 'Your name']
    """
    return _PERSONAL.fullmatch(re.sub(r"[^a-z0-9]", "", name.casefold())) is not None


# The vendors ----------------------------------------------------------------------------------------------------------


def qualtrics(rows: Rows, forced: bool = False) -> Head | None:
    """Three header rows: ids, question texts, and JSON that names each column and the time zone; of old ones two."""
    three = len(rows) > 2 and any('"ImportId"' in cell for cell in rows[2])
    two = len(rows) > 1 and {"StartDate", "EndDate", "Finished"} <= {*rows[0], *rows[1]} and not _numbers(rows[1])
    if not three and not two and (not forced or len(rows) < 2):
        return None
    names, texts = rows[0], rows[1]
    if not three:  # V1, V2 stand above the names of what is no question
        names = [text if re.fullmatch(r"V\d+", name) else name for name, text in zip(names, texts, strict=False)]
    zones = {zone for cell in (rows[2] if three else ()) if (zone := _json(cell).get("timeZone"))}
    if len(zones) > 1:
        raise CxError(f"the third row names several time zones ({', '.join(sorted(zones))}); expected one")
    for zone in zones:
        if zone not in available_timezones():
            raise CxError(f"the third row names the time zone {zone!r}, which does not exist")
    return Head(
        "qualtrics",
        headers([clean(name) for name in names]),
        rows=2 + three,
        questions={clean(n): clean(t) for n, t in zip(names, texts, strict=False) if clean(t) != clean(n)},
        leave={
            "preview": ("Status", ("Survey Preview", "1", "9", "17", "Spam Preview", "Possible Spam Survey Preview")),
            "test": ("Status", ("Survey Test", "2")),
        },
        personal=("IPAddress", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "LocationLatitude",
                  "LocationLongitude"),
        times=("StartDate", "EndDate", "RecordedDate"),
        zone=next(iter(zones), None),
    )  # fmt: skip


def surveymonkey(rows: Rows, forced: bool = False) -> Head | None:
    """One to three header rows, sometimes below a title: questions, then the option or row that a column is for.

    Without its ids an export is known by the words that stand below the questions, or forced.
    """
    start = next((i for i, row in enumerate(rows[:3]) if row and clean(row[0]).casefold() == "respondent id"), None)
    fixed = {clean(cell).casefold() for cell in rows[start]} if start is not None else set()
    if start is None or not fixed & {"start date", "end date", "collector", "collector id", "date created"}:
        words = {clean(cell).casefold() for row in rows[1:2] for cell in row}
        second = bool(words & {"response", "open-ended response"})
        if not second and not forced:
            return None
        tiers = _tiers(rows[: 1 + (second or not all(cell.strip() for cell in rows[0]))])
        return Head("surveymonkey", headers(_options(tiers)), rows=len(tiers), month_first=True)
    end = next((i for i, row in enumerate(rows) if i > start and row and clean(row[0]).isdigit()), len(rows))
    tiers = [[clean(cell) for cell in row] for row in rows[start:end]]
    names = headers(_options(tiers))
    return Head(
        "surveymonkey",
        names,
        rows=end,
        personal=tuple(n for n in names if n.casefold() in ("custom data 1", "ip address", "email address")),
        times=tuple(name for name in names if name in ("Start Date", "End Date", "Date Created", "Date Modified")),
        month_first=True,
    )


def _options(tiers: list[list[str]]) -> list[str]:
    """Names of columns: the question, and in brackets what the column is for where a question has several."""
    names, question = [], ""
    for column in range(max(map(len, tiers))):
        texts = [tier[column] if column < len(tier) else "" for tier in tiers]
        question = texts[0] or (question if any(texts) else "")
        options = [t for t in texts[1:] if t and t not in (question, "Response", "Open-Ended Response")]
        names.append(f"{question} [{', '.join(options)}]" if options else question)
    return names


_TIMESTAMP = ("timestamp", "zeitstempel", "horodateur", "marca temporal", "informazioni cronologiche", "tijdstempel",
              "carimbo de data/hora", "sygnatura czasowa", "tidsstämpel")  # fmt: skip


def google_forms(rows: Rows, forced: bool = False) -> Head | None:
    """`Timestamp` and the full texts of the questions; times in the sheet's locale and zone, which it does not name."""
    if not rows[0] or (not forced and (clean(rows[0][0]).casefold() not in _TIMESTAMP or len(rows[0]) < 2)):
        return None
    stamps = [row[0] for row in rows[1:] if row and row[0].strip()]
    if not forced and not all(re.match(r"\s*\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}[ T]", stamp) for stamp in stamps):
        return None
    names = headers([clean(cell) for cell in rows[0]])
    return Head("google_forms", names, personal=("Username", "Email Address"), times=(names[0],))


def typeform(rows: Rows, forced: bool = False) -> Head | None:
    """`#`, the texts of the questions, start and submit dates in UTC, and the network id of the respondent."""
    names = headers([clean(cell) for cell in rows[0]])
    if not forced and (names[0] != "#" or not {"Network ID", "Submit Date (UTC)"} <= set(names)):
        return None
    times = tuple(name for name in names if name in ("Start Date (UTC)", "Submit Date (UTC)", "Stage Date (UTC)"))
    return Head("typeform", names, times=times, zone="UTC")


def zendesk(rows: Rows, forced: bool = False) -> Head | None:
    """Tickets: one row each, with the person who asked, clocks in hours and minutes, and a Good or Bad."""
    names = headers([clean(cell) for cell in rows[0]])
    if not forced and not {"Id", "Requester", "Status", "Created at"} <= set(names):
        return None
    personal = ("Requester", "Requester email", "Requester external id", "Submitter", "Assignee", "Subject")
    times = tuple(name for name in names if name.endswith(" at") or name == "Due date")
    note = "`Resolution time` is in hours, the other clocks in minutes"
    return Head("zendesk", names, personal=personal, times=times, notes=(note,))


def plain(rows: Rows, forced: bool = False) -> Head:
    """One row of names, then the answers."""
    return Head("plain", headers(rows[0]))


LAYOUTS: dict[str, Callable[[Rows, bool], Head | None]] = {
    "qualtrics": qualtrics,
    "surveymonkey": surveymonkey,
    "google_forms": google_forms,
    "typeform": typeform,
    "zendesk": zendesk,
    "plain": plain,
}


def clean(text: str) -> str:
    r"""Text on one line, without doubled or unusual blanks.

    >>> clean(" Initiating\u00a0or\n releasing ")
    'Initiating or releasing'
    """
    return " ".join(text.split())


def headers(names: Sequence[str]) -> list[str]:
    """Names without surrounding blanks; one that occurs twice, or is blank, gets its position.

    Otherwise the first of two would be read without a word. Databases do not tell `NPS` from `nps`.

    >>> headers([" nps ", "", "Other", "other"])
    ['nps', 'column 2', 'Other (column 3)', 'other (column 4)']
    """
    stripped = [str(name).strip() for name in names]
    folded = Counter(name.casefold() for name in stripped)
    return [
        f"{name} (column {i})" if name and folded[name.casefold()] > 1 else name or f"column {i}"
        for i, name in enumerate(stripped, 1)
    ]


def _json(cell: str) -> dict[str, str]:
    try:
        data = json.loads(cell)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
