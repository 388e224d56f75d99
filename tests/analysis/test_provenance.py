"""What a page says about its origin changes exactly when its own numbers do."""

from __future__ import annotations

import pandas as pd

import cxkit as cx

ROLES = {"wave": "wave", "weight": "w", "stratum": "h", "respondent": "who"}


def tally(frame: pd.DataFrame, **roles: str) -> cx.Tallies:
    mapping = {"kind": "transactional", "columns": roles, "items": {"nps": "nps"}, "dimensions": {"brand": "brand"}}
    return cx.tally(cx.read(frame, mapping), ["nps"], by=["brand"], period="wave")


def survey() -> pd.DataFrame:
    rows = [(wave, brand, i, 1.0 + i % 3, "ab"[i % 2], f"p{i}") for wave in "12" for brand in "AB" for i in range(11)]
    return pd.DataFrame(rows, columns=["wave", "brand", "nps", "w", "h", "who"])


def test_the_design_is_named() -> None:
    told = cx.provenance(tally(survey(), **ROLES))
    assert (told["weights"], told["clusters"], told["strata"]) == ("w", "who", "h")
    assert (told["place"], told["filters"], told["period"]) == ("everybody", "none", "wave, cut in UTC")
    plain = cx.provenance(tally(survey(), wave="wave"), {"brand": "A"})
    assert (plain["weights"], plain["clusters"], plain["place"]) == ("none", "none", {"brand": "A"})
    assert "strata" not in plain


def test_the_hash_of_a_place_changes_with_its_own_answers_only() -> None:
    def hashes(frame: pd.DataFrame) -> list[str]:
        tallies = tally(frame, **ROLES)
        return [cx.provenance(tallies, where)["counts (sha256)"] for where in ({"brand": "A"}, {"brand": "B"}, None)]

    frame = survey()
    a, b, everybody = hashes(frame)
    assert hashes(frame.sample(frac=1, random_state=1)) == [a, b, everybody]
    frame.loc[frame.index[-1], "nps"] = 0  # of brand B
    changed = hashes(frame)
    assert changed[0] == a
    assert changed[1] != b
    assert changed[2] != everybody
    frame = survey()
    frame.loc[0, "w"] = 9.0  # of brand A: the counts stay, the weights do not
    assert hashes(frame)[0] != a
    assert hashes(frame)[1] == b
