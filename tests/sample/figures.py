"""Figures of the sample by plain pandas, without the kit: what its analyses have to arrive at.

    python tests/sample/figures.py [SEED]

Shares are unweighted; blanks, refusals (99) and codes outside the scales are left out.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pandas as pd

from cxkit.sample.write import EXPORTED, SEED, TIMEZONE, sample

MINUTE = pd.Timedelta(minutes=1)


def figures(seed: int = SEED) -> dict[str, float]:
    """Every figure by its name; shares in percent."""
    frames = sample(seed)
    responses, tickets, customers = frames["responses"], frames["tickets"], frames["customers"]
    for item, low, high in (("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)):
        responses[item] = responses[item].where(responses[item].between(low, high))
    responses["satisfied"] = (responses["csat"] >= 4).where(responses["csat"].notna()).astype(float)
    return {
        "responses": len(responses),
        **_journey(responses),
        **_elements(responses),
        **_tickets(responses, tickets),
        **_customers(responses, customers),
    }


def _percent(values: pd.Series) -> float:
    return 100 * float(values.dropna().astype(float).mean())


def _journey(rows: pd.DataFrame) -> dict[str, float]:
    found = {f"moment {level}": int(n) for level, n in rows["moment"].value_counts().items()}
    found |= {f"stage {level}": int(n) for level, n in rows["stage"].value_counts().items()}
    known = rows[rows["channel"].notna() & rows["channel_preferred"].notna()]
    matched = known["channel"] == known["channel_preferred"]
    found |= {"channel matched": _percent(matched), "satisfied, matched": _percent(known.loc[matched, "satisfied"])}
    found["satisfied, not matched"] = _percent(known.loc[~matched, "satisfied"])
    return found | {f"satisfied, {who}": _percent(part["satisfied"]) for who, part in rows.groupby("human_or_bot")}


def _elements(rows: pd.DataFrame) -> dict[str, float]:
    gap = (rows["perceived"] - rows["expectation"]).dropna().astype(float)
    both = rows[["nps", "competitor_rating"]].dropna().astype(float)
    reasons = rows["failure_reasons"].dropna().str.split(";").explode().value_counts()
    loyalty = rows["loyalty"].dropna()
    planted = (rows["brand"] == "Brimvale") & (rows["time"] >= pd.Timestamp("2026-10-01", tz=TIMEZONE))
    complains = rows["price_complaint"].eq("yes").where(rows["price_complaint"].notna())
    pieces = rows.filter(like="piece_")
    return {
        "expectation gap": float(gap.mean()), "expectation gap, answers": len(gap),
        "better than the competitor": float((both["nps"] - both["competitor_rating"]).mean()),
        "with a reason": int(rows["failure_reasons"].notna().sum()),
        **{f"reason {reason}": int(n) for reason, n in reasons.items()},
        "net helped": _percent(loyalty == "helped") - _percent(loyalty == "hurt"),
        "price complaints": _percent(complains), "price complaints, planted": _percent(complains[planted]),
        "all ten pieces": int(pieces.notna().all(axis=1).sum()), "lowest piece": float(pieces.mean().min()),
        "detractors": int((rows["nps"] <= 6).sum()), "promoters": int((rows["nps"] >= 9).sum()),
    }  # fmt: skip


def _tickets(rows: pd.DataFrame, tickets: pd.DataFrame) -> dict[str, float]:
    minutes = {
        name: (tickets[name] - tickets["opened"]) / MINUTE for name in ("first_reply", "first_resolution", "solved")
    }
    reply = minutes["first_reply"].where(minutes["first_reply"] >= 0)
    answered = tickets["ticket"].isin(rows["ticket"])
    month = tickets["opened"].dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m")
    august = month == "2026-08"
    week = (minutes["first_resolution"] <= 7 * 24 * 60) & tickets["reopened"].eq("no")
    joined = rows.dropna(subset=["ticket"]).merge(tickets.assign(reply=reply)[["ticket", "reply"]], on="ticket")
    edges = (0, 1, 5, 15, 60, np.inf)
    bands = {
        f"satisfied, reply in {low:g} to {high:g} min": _percent(
            joined.loc[(joined["reply"] >= low) & (joined["reply"] < high), "satisfied"]
        )
        for low, high in pairwise(edges)
    }
    return {
        "tickets": len(tickets), "negative first replies": int((minutes["first_reply"] < 0).sum()),
        "without an end": int(tickets["solved"].isna().sum()),
        "first reply, median": float(reply.median()), "first reply, p90": float(reply.quantile(0.9)),
        "August": int(august.sum()), "August, ever solved": _percent(tickets.loc[august, "solved"].notna()),
        "August, in 7 days and not reopened": _percent(week[august]),
        "tickets answered": _percent(answered), "responses with a ticket": _percent(rows["ticket"].notna()),
        "reply, answered": float(reply[answered].median()), "reply, silent": float(reply[~answered].median()),
        **bands,
    }  # fmt: skip


def _customers(rows: pd.DataFrame, customers: pd.DataFrame) -> dict[str, float]:
    start, end = pd.Timestamp("2026-09-01"), pd.Timestamp("2026-10-01")
    joined, left = pd.to_datetime(customers["joined"]), pd.to_datetime(customers["churned_on"])
    risk = (joined < start) & ~(left < start)
    lost = risk & (left < end)
    latest = rows.dropna(subset=["nps", "respondent"]).groupby("respondent")["nps"].last()
    churned = latest.index.map(customers.set_index("respondent")["churned"].eq("yes"))
    label = np.select([latest <= 6, latest <= 8], ["detractors", "passives"], "promoters")
    assert left.max() < EXPORTED.tz_localize(None)
    return {
        "at risk in September": int(risk.sum()),
        "lost in September": int(lost.sum()),
        "churned": _percent(left.notna()),
        **{f"churned, {name}": _percent(pd.Series(churned[label == name])) for name in np.unique(label)},
    }


if __name__ == "__main__":
    for name, value in figures(*map(int, sys.argv[1:])).items():
        print(f"{name:36} {value:g}" if isinstance(value, int) else f"{name:36} {value:.3f}")
