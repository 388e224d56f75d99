"""Tables of another shape than an answer a cell: several answers in one, counts, a row for each question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from cxkit.input import values
from cxkit.input.answers import CHOSEN, NOT_CHOSEN
from cxkit.input.databases import collect, count
from cxkit.input.mapping import Long
from cxkit.input.shapes import NUMBER, wide
from cxkit.input.sources import LEFT_OUT
from cxkit.input.values import NO_ANSWER_WORDS, THOUSANDS
from cxkit.inspection.columns import HEAD, LISTED, Column, Export, look
from cxkit.inspection.lines import ask, column, entry, free_key, inline, note, quote
from cxkit.inspection.times import together
from cxkit.inspection.words import folded, groups, no_answer, side, worded

MARKS = {";": True, "|": True, ", ": False, ",": False, "/": False}  # between answers; whether it stands in no sentence
FEW, MANY = 0.1, 0.9  # of the cells hold several answers; of the answers are frequent ones
RARE = 0.01  # of the cells, up to which an answer is somebody's own
MOST = 40  # options
COUNTED = re.compile(rf"\d+(\.0+)?|{THOUSANDS}|" + "|".join(map(re.escape, NO_ANSWER_WORDS)), re.I)
COUNT = (
    r"n|freq(uency|uencies)?|((number|no|num|total)( of)? )?(counts?|responses|respondents|answers|surveys)|anzahl"
    r"|(anzahl )?antworten|haufigkeit|nombre|effectif|cantidad|frecuencia|quantidade|frequencia|numero|frequenza"
)
QUESTION = r"(question|item|statement|metric|pergunta|pregunta|frage|domanda)s?( ?(id|name|code|text|key|no|nr))?|q"
ANSWER = (
    r"(answer|response|value|score|rating|resposta|respuesta|antwort|reponse|risposta)s?( ?(value|text|score|code))?"
)


def long(export: Export) -> tuple[Export, list[str]]:
    """A table with a row for each question as one with a column for each, and the lines that say so."""
    named = [one for one in export.columns if one.filled == one.rows and len(one.values) > 1]
    asked = next((one for one in named if re.fullmatch(QUESTION, folded(one.name)) and not one.numbers), None)
    said = next((one for one in export.columns if re.fullmatch(ANSWER, folded(one.name))), None)
    if not (asked and said) or said is asked:
        return export, []
    others = [one for one in export.columns if one not in (asked, said)]
    ids = [one for one in others if one.filled == one.rows >= 1.5 * one.distinct and one.distinct > 1]
    apart = zip(ids, together(export.table, asked, ids), strict=True)
    per = max((one for one, pairs in apart if pairs == asked.rows), key=lambda one: one.distinct, default=None)
    if not per:
        return export, []
    held = zip(others, together(export.table, per, others), strict=True)
    shape = Long(question=asked.name, answer=said.name, per=per.name)
    kept = {one.name for one, pairs in held if pairs == per.distinct} - {per.name}
    table = wide(export.table, shape, dict.fromkeys(asked.values), kept, None)
    table = table.filter(table[LEFT_OUT].isnull()).drop(NUMBER, LEFT_OUT)
    told = f"{asked.rows:,} rows of {per.distinct:,} responses, {asked.distinct} questions"
    lines = ["", f"long: {inline({key: quote(name) for key, name in shape})}  # {told}"]
    return export._replace(table=table, columns=look(table)), lines


# Counts ---------------------------------------------------------------------------------------------------------------


def counted(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The item of which a column for each answer says how often it was given; the columns are taken."""
    bare = {
        re.sub(r"^\d+[ .-]+(?=\D)| ?\(.*\)$|[ _](sum|count|n|responses)$", "", one.name, flags=re.I): one.name
        for one in found
        if one.filled and 2 * sum(n for v, n in one.seen.items() if COUNTED.fullmatch(v)) >= sum(one.seen.values())
    }
    codes = groups([name for name in bare if groups([name, "Promoter", "Detractor"])])
    if codes:
        return ["  nps:", *_counts({bare[name]: code for name, code in codes.items()}, found, taken)]
    words = worded([name for name in bare if side(name)])
    if words and words.sure and words.points == 5 and words.family in ("satisfied", "likely", "good"):
        given = {bare[name]: code for name, code in words.codes.items()}
        if words.family == "satisfied":
            return ["  csat:", *_counts(given, found, taken)]
        unsure = {bare[name]: 0 for name in bare if no_answer(name) and re.search("know", name, re.I)}
        own = ["    measure: share", f"    scale: [{0 if unsure else 1}, 5]", "    top: [4, 5]"]
        return ["  fft:", *_counts(given | unsure, found, taken), *own, '    label: "Positive (FFT)"']
    for item, low, high in (("nps", 0, 10), ("csat", 1, 5)):
        names = [str(code) for code in range(low, high + 1)]
        if set(names) <= set(bare):
            asked = f"do these columns say how often each answer was given? Then write {inline({n: n for n in names})}"
            return [f"  {item}:", f"    counts: {ask(asked)}"]
    return []


def _counts(codes: Mapping[str, int], found: Sequence[Column], taken: set[str]) -> list[str]:
    taken |= set(codes)
    shares = sum(one.mean or 0 for one in found if one.name in codes)
    if 99 <= shares <= 101 or any("%" in name for name in codes):  # of the rows, each adds up to a hundred
        asked = "are these percentages? Then nothing says of how many, and the item goes; of counts write"
        return [f"    counts: {ask(f'{asked} {inline(codes)}')}"]
    return [f"    counts: {inline(codes)}  # how often each was given"]


def stands_for(export: Export, taken: set[str]) -> list[str]:
    """The role of a column of how often: each row is another mixture of all others, of which none alone is an id."""
    for one in export.columns:
        whole = one.filled == one.rows and all(re.fullmatch(rf"\d+|{THOUSANDS}", value) for value in one.seen)
        whole = whole and (one.high or 2) > 1
        others = [other for other in export.columns if other is not one]
        ids = any(other.distinct == other.rows > LISTED for other in others)
        if whole and others and not ids and re.fullmatch(COUNT, folded(one.name)):
            taken.add(one.name)
            mixtures = count(export.table.select(*(other.name for other in others)).distinct())
            if mixtures == one.rows and all(other.distinct < other.rows for other in others):
                return entry("count", one.name, f"{one}: how many answers a row stands for", "  ")
            asked = "is it how many answers a row stands for? Then write its name, else take this line away"
            return [f"  count: {ask(f'{one.name} ({one}): {asked}')}"]
    return []


# Several answers to one question --------------------------------------------------------------------------------------


def several(export: Export, taken: set[str], keys: set[str]) -> list[str]:
    """Questions with several answers: lists in a cell, or ticks in columns; their columns are taken."""
    free = [one for one in export.columns if one.name not in taken and one.typed == "text" and one.filled > one.numbers]
    lines = _ticks(free, taken, keys)
    free = [one for one in free if one.name not in taken and one.distinct > 2 and not one.dated]
    if not free:
        return lines
    head = collect(export.table.select(*(one.name for one in free)).head(HEAD))
    for one in free:
        cells = head[one.name].dropna().tolist()
        mark = next((mark for mark in MARKS if _mixed(cells, mark)), None)
        if mark is None:
            continue
        text = values.text(export.table[one.name])
        parts = export.table.select(part=text.split(mark).unnest().strip())
        counts = collect(parts.group_by("part").agg(n=parts.count()))
        known = {str(p): int(n) for p, n in zip(counts["part"], counts["n"], strict=True) if str(p) and p == p}
        options = sorted((p for p, n in known.items() if n > max(1, RARE * one.filled)), key=lambda p: (-known[p], p))
        taken.add(one.name)
        asked = f"{one.name}: are these several answers to one question? Then write {mark.strip()!r}, the mark between"
        said = quote(mark.strip()) if MARKS[mark] else ask(f"{asked} them; else the item goes")
        rare = f"  # {len(known) - len(options):,} more are rare: cells with one are refused and counted"
        lines += [f"  {free_key(one.name, keys)}:", *column(one), f"    several: {said}"]
        lines.append(f"    options: [{', '.join(map(quote, options))}]{rare * (len(options) < len(known))}")
    return lines


def _mixed(cells: Collection[str], mark: str) -> bool:
    """Whether cells are lists: of frequent answers, nearly each of which comes alone or with others than once."""
    if sum(mark in cell for cell in cells) < FEW * len(cells):
        return False
    lists = [list(dict.fromkeys(part for raw in cell.split(mark) if (part := raw.strip()))) for cell in cells]
    each = Counter(part for parts in lists for part in parts)
    common = {part for part, n in each.items() if n > max(1, RARE * len(lists))}
    places = Counter(part for parts in {tuple(parts) for parts in lists} for part in parts)
    return (
        (1 if MARKS[mark] else 2) < len(common) <= MOST
        and sum(each[part] for part in common) >= MANY * sum(each.values())
        and sum(places[part] > 1 for part in common) >= MANY * len(common)
        and not any(re.search(r"\d$", part) and part.replace(".", "").isdigit() for part in common)
    )


def _ticks(free: Sequence[Column], taken: set[str], keys: set[str]) -> list[str]:
    """Questions with a column for each option, that holds the option or nothing."""
    asked: dict[str, dict[str, Column]] = {}
    twice = set()
    for one in free:
        stem = re.fullmatch(r"(.+?)(?: \[.+\]|[ _.]+\d+)", one.name)
        chosen = [value for value in one.answers if value.casefold() not in NOT_CHOSEN]
        own = "[" in one.name or chosen != [one.name]  # Windows 7 and Windows 10 are no question called Windows
        if stem and own and len(chosen) == 1 and len(one.answers) < 3 and chosen[0].casefold() not in CHOSEN:
            twice |= {stem[1]} if chosen[0] in asked.setdefault(stem[1], {}) else set()
            asked[stem[1]][chosen[0]] = one
    lines = []
    for question, options in asked.items():
        if len(options) > 1 and question not in twice:
            taken |= {one.name for one in options.values()}
            lines += [f"  {free_key(question, keys)}:  # {note(question, 80)}", "    several:"]
            lines += [f"      {quote(option)}: {quote(one.name)}" for option, one in options.items()]
    return lines
