"""What is remembered of a release, so that what was late does not come out beside it by subtraction.

A private record: of each cell whether it was hidden, a keyed hash of its answers, and, where it was shown, its people.
So the record tells of hidden cells only that they changed. `cxkit.runs.history` compares records.
"""

from __future__ import annotations

import json

import pandas as pd
from pandas.util import hash_pandas_object

from cxkit.analysis.privacy import people
from cxkit.tallies.tallies import Tallies


def record(whole: Tallies, masked: Tallies, key: str) -> pd.DataFrame:
    """What is remembered of a release.

    Args:
        whole: Tallies before anything was hidden, with the total that is shown.
        masked: As they are shown.
        key: 16 characters that only this user's runs know.

    Returns:
        item, period, cut, <dimensions>, hidden, mark, n (-1 where hidden), out: which places the total leaves out.
    """
    keys = ["item", "period", "cut", *whole.by]
    counts = whole.counts.fillna(dict.fromkeys(whole.by, ""))
    texts = counts.astype(dict.fromkeys(keys, "object"))
    marks = counts.assign(mark=hash_pandas_object(texts, index=False, hash_key=key).to_numpy("uint64"))
    cells = people(whole).fillna(dict.fromkeys(whole.by, ""))[[*keys, "n"]]
    cells = cells.merge(marks.groupby(keys, as_index=False)["mark"].sum(), on=keys)
    gone = masked.hidden.fillna(dict.fromkeys(whole.by, ""))[keys].drop_duplicates().assign(hidden=True)
    cells = cells.merge(gone, on=keys, how="left")
    hidden = cells["hidden"].notna()
    left = whole.provenance.get("withheld", [])
    out = {item: json.dumps([one for one in left if one["item"] == item]) for item in cells["item"].unique()}
    return cells.assign(hidden=hidden, n=cells["n"].mask(hidden, -1.0), out=cells["item"].map(out))
