"""Lines of a commented mapping: text in quotes, questions to a person, evidence beside a key."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping

from cxkit.errors import UNSEEN, printable
from cxkit.input.mapping import TODO
from cxkit.inspection.columns import Column
from cxkit.inspection.words import folded

WIDTH = 120
LONGEST = 30  # letters of the name of a dimension
YAML_WORDS = ("yes", "no", "on", "off", "y", "n", "true", "false", "null")
FILLERS = """a an and any are as at by did do does for from had has have how i in is it many much of on or our such
that the their them they this to was we were what when where which who with you your""".split()  # noqa: SIM905
_UNPRINTABLE = re.compile(r"[\t\n\ufffe\uffff]")  # in YAML an error, or a new line, beside what no terminal shows


def quote(text: str) -> str:
    r"""Text in YAML: in quotes, so that nothing in it can mean something else.

    >>> print(quote('10 "best"\x7f'))
    "10 \"best\"\u007f"
    """
    return printable(_UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)))


def ask(question: str) -> str:
    """A question that has to be answered before the mapping is accepted."""
    return quote(f"{TODO}: {question}")


def note(text: str, most: int | None = None) -> str:
    r"""Text in a comment: on one line, cut after so many letters.

    >>> note("a\n b: c", 4)
    'a b:...'
    """
    line = UNSEEN.sub("", " ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[:most]}..."


def entry(key: str, text: str, comment: str, indent: str = "    ") -> list[str]:
    """A key with its value and the evidence; a long one has the evidence above it and is folded.

    In quotes YAML reads a new line and its indent as one blank, so that the value stays as it is.
    """
    comment, value = note(comment), quote(text)
    line = f"{indent}{key}: {value}  # {comment}"
    if len(line) <= WIDTH:
        return [line]
    rows = [f"{indent}{key}:"]
    for word in re.split(r"(?<=\S) (?=\S)", value):
        if len(rows[-1]) + len(word) >= WIDTH and rows[-1].strip():
            rows.append(f"{indent} ")
        rows[-1] += f" {word}"
    return [f"{indent}# {comment}", *rows]


def column(one: Column) -> list[str]:
    """The column of an item."""
    about = f": {note(one.question, 80)}" if one.question != one.name else ""
    return entry("column", one.name, f"{one}{about}")


def inline(labels: Mapping[str, object]) -> str:
    """Values and what they mean, on one line."""
    return f"{{{', '.join(f'{quote(value)}: {meaning}' for value, meaning in labels.items())}}}"


def free_key(name: str, taken: set[str]) -> str:
    """A name for a dimension: small letters that nothing else is called, of a long question its telling words.

    >>> free_key("Does your company have a policy in these areas? [Use of open source in products]", set())
    'use_of_open_source_in_products'
    """
    option = re.search(r" \[(.+)\]$", name) if len(name) > LONGEST else None
    words = re.findall(r"[a-z0-9]+", folded((option[1] if option else name).casefold()))
    if len("_".join(words)) > LONGEST:
        words = [word for word in words if word not in FILLERS] or words
    ends = itertools.accumulate(len(word) + 1 for word in words)
    fitting = sum(end - 1 <= LONGEST for end in ends)
    base = "_".join(words[:fitting]) or "_".join(words)[:LONGEST]
    base = base if re.match(r"[a-z]", base) and base not in YAML_WORDS else f"by_{base or 'column'}"
    free = next(one for i in itertools.count(1) if (one := base if i == 1 else f"{base}_{i}") not in taken)
    taken.add(free)
    return free
