"""The layouts of exports: which rows are headers, which are no answers, and which columns are nobody's business.

A layout is a function that looks at the first rows of a file and returns its `Head`, or None where the file is not of
that vendor; `LAYOUTS` holds them in the order in which they are tried. A new layout is one function and one entry.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from zoneinfo import available_timezones

from cxkit.errors import CxError, nearest

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
    notes: tuple[str, ...] = ()


def recognise(rows: Rows, forced: str | None = None, name: str = "the file") -> Head:
    """The head of an export, of the first layout that fits its first rows.

    Args:
        rows: The first rows, as text; at least the headers.
        forced: A key of `LAYOUTS`: this layout or an error.
        name: What error messages call the export.

    Raises:
        CxError: An unknown layout, or a forced one that does not fit.

    >>> recognise([["#", "How likely?", "Submit Date (UTC)", "Network ID"], ["a", "9", "2026-10-01", "f"]]).layout
    'typeform'
    """
    if forced is not None and forced not in LAYOUTS:
        raise CxError(f"{name}: layout: {forced!r} is unknown; {nearest(forced, LAYOUTS)}")
    for key in LAYOUTS if forced is None else [forced]:
        try:
            head = LAYOUTS[key](rows)
        except CxError as error:
            raise CxError(f"{name}: {error}") from None
        if head is not None:
            return head
    raise CxError(f"{name}: is not laid out as {forced} exports are; its first row is {', '.join(rows[0][:6])}")


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds who someone is: name, e-mail, address, IP, coordinates.

    >>> [name for name in ("E-mail address", "Brand name", "IPAddress", "Your name") if is_personal(name)]
    ['E-mail address', 'IPAddress', 'Your name']
    """
    return _PERSONAL.fullmatch(re.sub(r"[^a-z0-9]", "", name.casefold())) is not None


# The vendors ----------------------------------------------------------------------------------------------------------


def qualtrics(rows: Rows) -> Head | None:
    """Three header rows: ids, question texts, and JSON that names each column and the time zone."""
    if len(rows) < 3 or not any('"ImportId"' in cell for cell in rows[2]):
        return None
    names, texts = rows[0], rows[1]
    zones = {zone for cell in rows[2] if (zone := _json(cell).get("timeZone"))}
    if len(zones) > 1:
        raise CxError(f"the third row names several time zones ({', '.join(sorted(zones))}); expected one")
    for zone in zones:
        if zone not in available_timezones():
            raise CxError(f"the third row names the time zone {zone!r}, which does not exist")
    return Head(
        "qualtrics",
        headers([clean(name) for name in names]),
        rows=3,
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


def surveymonkey(rows: Rows) -> Head | None:
    """One to three header rows, sometimes below a title: questions, then the option or row that a column is for."""
    start = next((i for i, row in enumerate(rows[:3]) if row and clean(row[0]).casefold() == "respondent id"), None)
    fixed = {clean(cell).casefold() for cell in rows[start]} if start is not None else set()
    if start is None or not fixed & {"start date", "end date", "collector", "collector id", "date created"}:
        return None
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


def google_forms(rows: Rows) -> Head | None:
    """`Timestamp` and the full texts of the questions; times in the sheet's locale and zone, which it does not name."""
    if not rows[0] or clean(rows[0][0]).casefold() not in _TIMESTAMP or len(rows[0]) < 2:
        return None
    stamps = [row[0] for row in rows[1:] if row and row[0].strip()]
    if not all(re.match(r"\s*\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}[ T]", stamp) for stamp in stamps):
        return None
    names = headers([clean(cell) for cell in rows[0]])
    return Head("google_forms", names, personal=("Username", "Email Address"), times=(names[0],))


def typeform(rows: Rows) -> Head | None:
    """`#`, the texts of the questions, start and submit dates in UTC, and the network id of the respondent."""
    names = headers([clean(cell) for cell in rows[0]])
    if names[0] != "#" or not {"Network ID", "Submit Date (UTC)"} <= set(names):
        return None
    times = tuple(name for name in names if name in ("Start Date (UTC)", "Submit Date (UTC)", "Stage Date (UTC)"))
    return Head("typeform", names, times=times, zone="UTC")


def zendesk(rows: Rows) -> Head | None:
    """Tickets: one row each, with the person who asked, clocks in hours and minutes, and a Good or Bad."""
    names = headers([clean(cell) for cell in rows[0]])
    if not {"Id", "Requester", "Status", "Created at"} <= set(names):
        return None
    personal = ("Requester", "Requester email", "Requester external id", "Submitter", "Assignee", "Subject")
    times = tuple(name for name in names if name.endswith(" at") or name == "Due date")
    note = "`Resolution time` is in hours, the other clocks in minutes"
    return Head("zendesk", names, personal=personal, times=times, notes=(note,))


def plain(rows: Rows) -> Head:
    """One row of names, then the answers."""
    return Head("plain", headers(rows[0]))


LAYOUTS: dict[str, Callable[[Rows], Head | None]] = {
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
