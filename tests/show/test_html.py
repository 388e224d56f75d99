from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from present_made import ENDLESS, HOSTILE, OVERRIDE, SCRIPT, Reader

from cxkit.show.html import Html, clean, full, full_names, join, name, plain, shorten, slug, tag

texts = st.text(st.characters(codec=None), max_size=40)  # lone surrogates included
isolates = st.text(st.sampled_from("ab\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), max_size=20)


def test_only_html_enters_unescaped():
    assert str(tag("p", "<b>", Html("<i>x</i>"), None)) == "<p>&lt;b&gt;<i>x</i></p>"
    assert str(join(["<", Html("<br>")])) == "&lt;<br>"
    # formatting makes a plain string of Html, and a plain string is escaped: the safe way round
    assert str(tag("p", f"{Html('<br>')}")) == "<p>&lt;br&gt;</p>"


@given(texts)
def test_any_text_reads_back_as_text(text):
    for markup in (tag("td", clean(text)), name(text), full(text)):
        read = Reader(markup)
        assert set(read.tags) <= {"td", "bdi"}
        assert read.text == clean(text)


@given(texts)
def test_any_text_stays_inside_its_attribute(text):
    read = Reader(tag("td", "x", data_label=clean(text)))
    assert read.attributes == [("data-label", clean(text))]
    assert read.text == "x"


@given(texts)
def test_clean_text_can_be_written_and_stays_clean(text):
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert "\n" not in cleaned
    assert clean(cleaned) == cleaned


@given(isolates, st.integers(1, 20))
def test_no_bidirectional_control_reaches_beyond_its_text(text, limit):
    open_isolates = embeddings = 0
    for char in plain(text, limit):
        open_isolates += char in "\u2066\u2067\u2068"
        embeddings += char in "\u202a\u202b\u202d\u202e"
        open_isolates -= char == "\u2069"
        embeddings -= char == "\u202c"
        assert open_isolates >= 0
    assert open_isolates == 0


def test_an_override_is_isolated_and_cannot_end_the_isolation():
    assert str(name(OVERRIDE)) == "<bdi>\u202egnihton\u202c  tail</bdi>"
    assert plain("\u202eevil").startswith("\u2068")
    assert plain("\u202eevil").endswith("\u202c\u2069")


def test_a_very_long_name_is_cut_where_it_is_read_and_whole_where_it_opens():
    assert len(Reader(name(ENDLESS)).text) <= 160
    assert Reader(name(ENDLESS[:150])).text == ENDLESS[:150]
    assert clean(ENDLESS) in Reader(full(ENDLESS)).text
    assert clean(ENDLESS) in Reader(full_names(["short", ENDLESS]) or "").text
    assert full_names(["short"]) is None


@pytest.mark.parametrize(
    ("limit", "middle", "expected"), [(7, False, "segmen…"), (11, True, "segmen…r 12"), (40, True, "segment number 12")]
)
def test_shorten(limit, middle, expected):
    assert shorten("segment number 12", limit, middle) == expected


@given(texts, st.integers(1, 50), st.booleans())
def test_shortened_text_fits(text, limit, middle):
    assert len(shorten(text, limit, middle)) <= limit


def test_slugs_are_ids_and_tell_texts_apart():
    slugs = [slug("changes", text) for text in [*HOSTILE, "a b", "a-b", "A-B"]]
    assert len(set(slugs)) == len(slugs)
    assert all(part.replace("-", "").isalnum() and part.isascii() for part in slugs)


def test_html_shows_itself_in_a_notebook_and_is_short_in_text():
    made = tag("p", SCRIPT)
    assert made._repr_html_() == str(made)
    assert repr(made) == f"<Html, {len(made)} characters>"
