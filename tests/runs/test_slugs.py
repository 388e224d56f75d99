"""File names that no value can break out of."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from cxkit.runs.jobs import RESERVED, slugs

HOSTILE = ["../../etc/passwd", "a/b", "a\\b", "{brand}", "..", ".", "", " ", "🦊", "日本", "中国", "CON", "nul"]
HOSTILE += ["index", '<script>alert(1)</script> & Söhne "AG"', "x" * 300, "x" * 301, "-rf", "a\x00b", "%2e%2e", "~root"]


def test_hostile_names_become_harmless_files():
    names = slugs(HOSTILE)
    assert len(set(names)) == len(HOSTILE)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name) for name in names)
    assert not {"con", "nul", *RESERVED} & set(names)


def test_names_are_readable():
    names = slugs(["Alderbrück & Söhne", "Æther Øl", "CON", "Index", "<script>alert(1)</script>"])
    assert names == ["alderbruck-sohne", "aether-ol", "con-value", "index-2", "script-alert-1-script"]


def test_two_values_with_one_slug_are_both_kept():
    assert slugs(["Acme!", "ACME", "acme-2", "Acme"]) == ["acme", "acme-2", "acme-2-2", "acme-3"]


def test_a_name_without_letters_does_not_depend_on_the_others():
    assert slugs(["日本"])[0] == slugs(["中国", "日本"])[1]


@given(st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_any_values_have_unique_safe_names(titles):
    names = slugs(titles)
    assert len({name.casefold() for name in names}) == len(titles)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) for name in names)
    assert names == slugs(titles)
