"""What is true of the synthetic sample, as data: brands, shares of each answer, shifts, the planted change, words.

Invented throughout. `write.py` says in words what these tables mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Brand(NamedTuple):
    """A brand: customers who ever joined, answers of a mean month, true shares of detractors and promoters."""

    customers: int
    answers: int
    detractors: float
    promoters: float


class Planted(NamedTuple):
    """A change of the true score of one brand from one month on, in points."""

    brand: str
    month: str
    before: float
    after: float


class Item(NamedTuple):
    """How an item is answered.

    Attributes:
        answers: From the least to the most favourable; recorded as they stand here.
        shares: True weighted share of each answer.
        mood: Correlation of the answer with the customer's mood, which lasts.
        felt: Correlation with how this contact felt; the rest is the item's own.
        asked: Whom: "all", "human" (an employee was there) or "module" (every third questionnaire).
        blank: Share of those asked who left it blank.
    """

    answers: tuple[int | str, ...]
    shares: tuple[float, ...]
    mood: float
    felt: float
    asked: str = "all"
    blank: float = 0.04


class Swap(NamedTuple):
    """In one month a share of all customers of a brand moves to another plan; scores inside the plans stay."""

    brand: str
    month: str
    source: str
    target: str
    share: float


class Drift(NamedTuple):
    """The true score of one brand moves by this many points a month, first in the month that is named."""

    brand: str
    month: str
    step: float


class Slip(NamedTuple):
    """The share of one employee's contacts in which the customer felt cared for, before and from one month on."""

    employee: str
    month: str
    before: float
    after: float


BRANDS = {
    "Alderbrück & Söhne": Brand(9000, 620, 0.16, 0.58),
    "Brimvale": Brand(8200, 560, 0.20, 0.50),
    "Corvanto": Brand(6500, 450, 0.26, 0.44),
    "Dunmerle": Brand(5500, 380, 0.12, 0.64),
    "Eskavon": Brand(4400, 300, 0.34, 0.33),
    "Fennimoor": Brand(2800, 190, 0.24, 0.49),
    "Gildamar": Brand(200, 0, 0.20, 0.50),
    "Hollistra": Brand(200, 0, 0.20, 0.50),
}
SMALL = "Gildamar"  # 7 answers in the last month and none before; Hollistra has none at all
MONTHS = tuple(str(month) for month in np.arange("2024-11", "2026-11", dtype="datetime64[M]"))
TRUE_NPS = {name: round(100 * (brand.promoters - brand.detractors), 1) for name, brand in BRANDS.items()}
PLANTED = Planted("Brimvale", "2026-10", before=TRUE_NPS["Brimvale"], after=8.0)
AFTER = (0.32, 0.40)  # detractors and promoters of the planted brand: 8 points
SWAP = Swap("Corvanto", "2026-10", source="plus", target="basic", share=0.30)
SWAP_NPS = {"basic": 1.5, "plus": 41.5, "premium": 18.0}  # of its plans, always; together 18 before and 6 after
DRIFT = Drift("Dunmerle", "2025-11", step=-1.0)
SLIP = Slip("E07", "2026-06", before=0.62, after=0.40)
FEW = ("E31", 6, 0.12)  # an employee with six answers, and what customers feel more often to be cared for there
PRICE_COMPLAINTS = (0.12, 0.30)  # their share elsewhere and always, and with the planted change

# Of satisfaction, in standard deviations of what makes the answer: 8 points more where the channel used is the
# preferred one; where the first reply took more than an hour 15 points less, with what slow contacts have in common.
CSAT_MATCHED, CSAT_LATE, LATE = 0.24, -0.24, 60.0
# What of each rating is its own also moves the answer to NPS: what the drivers are, by their weight there.
DRIVERS = {"problem_solved": 0.40, "friendliness": 0.29, "knowledge": 0.17, "waiting": 0.11, "website": 0.0}
# The manager says what the customer said in this share of cases and else anything: chance-corrected agreement. The
# employee says yes in this share of all tickets more often.
MANAGER_AGREES, EMPLOYEE_OVERRATES = 0.40, 0.15

# How a class of NPS answers splits into its codes: 0-6, 7-8, 9-10.
CODES = ((0.06, 0.04, 0.07, 0.09, 0.10, 0.26, 0.38), (0.42, 0.58), (0.44, 0.56))

# Age group -> share of the customers, how often they answer against the mean, shift of their mood.
AGES = {"18-29": (0.22, 0.6, -0.2), "30-44": (0.28, 0.8, -0.05), "45-59": (0.28, 1.1, 0.05), "60+": (0.22, 1.5, 0.2)}
REGIONS = {"N": 0.20, "E": 0.20, "S": 0.25, "W": 0.35}
PLANS = {"basic": 0.50, "plus": 0.35, "premium": 0.15}
LOCATIONS = {
    "N": ("Kiel", "Rostock"), "E": ("Cottbus", "Görlitz"), "S": ("Passau", "Konstanz"), "W": ("Bonn", "Trier"),
}  # fmt: skip
CHANNELS = ("phone", "chat", "e-mail", "social", "messaging", "store", "web")
SHIFTS: dict[str, dict[str, float]] = {  # of how the contact felt, in standard deviations
    "channel": {
        "phone": -0.25,
        "chat": 0.05,
        "e-mail": -0.3,
        "social": -0.15,
        "messaging": 0.1,
        "store": 0.3,
        "web": 0,
    },
    "region": {"N": 0.1, "E": -0.15, "S": 0.05, "W": 0.0},
    "human_or_bot": {"human": 0.1, "bot": -0.45, "self-service": 0.0},
}  # fmt: skip


class Touchpoint(NamedTuple):
    """A kind of contact: its share, journey moment, stage, department, and weights of the channels in their order."""

    share: float
    moment: str
    stage: str
    department: str
    channels: tuple[float, ...]


TOUCHPOINTS = {
    "browsing": Touchpoint(0.10, "research", "before", "Digital", (0, 1, 0, 2, 0, 1, 6)),
    "store visit": Touchpoint(0.11, "pick", "before", "Stores", (0, 0, 0, 0, 0, 1, 0)),
    "sales talk": Touchpoint(0.09, "pick", "before", "Sales", (3, 1, 1, 0, 1, 4, 0)),
    "order online": Touchpoint(0.17, "pay", "during", "Digital", (0, 1, 1, 0, 1, 0, 7)),
    "invoice": Touchpoint(0.07, "pay", "during", "Billing", (2, 0, 5, 0, 0, 0, 3)),
    "shipment": Touchpoint(0.14, "use", "after", "Logistics", (2, 1, 4, 0, 2, 0, 1)),
    "chat": Touchpoint(0.10, "use", "after", "Service", (0, 7, 0, 1, 2, 0, 0)),
    "support call": Touchpoint(0.14, "maintain", "after", "Service", (1, 0, 0, 0, 0, 0, 0)),
    "renewal": Touchpoint(0.08, "maintain", "after", "Sales", (3, 0, 3, 0, 1, 1, 2)),
}
REPLY = {"phone": 2.0, "chat": 1.0, "social": 45.0, "messaging": 8.0}  # median minutes to the first reply
WITH_TICKET = ("chat", "support call")
REOPENED = (-2.75, -0.8)  # log odds that a ticket is opened again, and what a standard deviation of `felt` adds to them
# Minutes to the first reply -> how many times as often customers are silent from there on; and where opened again.
SILENT, SILENT_REOPENED = {0: 0.6, 1: 1.0, 5: 1.6, 15: 2.0, 60: 2.2}, 2.5
EMPLOYEES = 9  # per department; every three of them have a manager

_FIVE = (1, 2, 3, 4, 5)
_ELEVEN = tuple(range(11))
_NO_YES = ("no", "yes")
ITEMS = {
    "tnps": Item(_ELEVEN, (0.03, 0.02, 0.02, 0.03, 0.03, 0.05, 0.06, 0.12, 0.17, 0.2, 0.27), 0.4, 0.6),
    "csat": Item(_FIVE, (0.06, 0.08, 0.15, 0.36, 0.35), 0.3, 0.75),
    "ces": Item((1, 2, 3, 4, 5, 6, 7), (0.04, 0.05, 0.09, 0.13, 0.2, 0.27, 0.22), 0.2, 0.7),
    "cared": Item(("no", "unsure", "yes"), (0.18, 0.2, 0.62), 0.2, 0.65, "human"),
    "loyalty": Item(("hurt", "no change", "helped"), (0.15, 0.48, 0.37), 0.4, 0.5),
    "recommended": Item(_NO_YES, (0.58, 0.42), 0.6, 0.1),
    "exceeded": Item(_NO_YES, (0.76, 0.24), 0.3, 0.6),
    "would_switch": Item(("yes", "no"), (0.21, 0.79), 0.6, 0.2),
    "expectation": Item(_FIVE, (0.03, 0.07, 0.22, 0.4, 0.28), 0.3, 0.0, "module"),
    "perceived": Item(_FIVE, (0.06, 0.1, 0.24, 0.36, 0.24), 0.3, 0.6, "module"),
    "competitor_rating": Item(
        _ELEVEN, (0.05, 0.03, 0.04, 0.05, 0.06, 0.13, 0.13, 0.2, 0.15, 0.1, 0.06), 0.2, 0.0, "module"
    ),
    "emotion": Item(("angry", "annoyed", "neutral", "content", "delighted"), (0.06, 0.13, 0.29, 0.37, 0.15), 0.3, 0.7),
    "problem_solved": Item(_FIVE, (0.05, 0.08, 0.16, 0.36, 0.35), 0.1, 0.3),
    "knowledge": Item(_FIVE, (0.04, 0.07, 0.17, 0.37, 0.35), 0.1, 0.3, "human"),
    "friendliness": Item(_FIVE, (0.03, 0.05, 0.13, 0.34, 0.45), 0.1, 0.3, "human"),
    "waiting": Item(_FIVE, (0.06, 0.11, 0.24, 0.35, 0.24), 0.1, 0.1),
    "website": Item(_FIVE, (0.04, 0.09, 0.25, 0.38, 0.24), 0.0, 0.0),
    **{
        f"piece_{piece}": Item(_FIVE, shares, 0.5, 0.2, "module", 0.12)
        for piece, shares in {
            "satisfaction": (0.05, 0.09, 0.2, 0.4, 0.26), "retention": (0.06, 0.1, 0.24, 0.35, 0.25),
            "product_solutions": (0.04, 0.08, 0.22, 0.41, 0.25), "quality": (0.04, 0.07, 0.18, 0.41, 0.3),
            "service": (0.06, 0.1, 0.2, 0.38, 0.26), "implementation": (0.08, 0.13, 0.27, 0.33, 0.19),
            "innovation": (0.07, 0.14, 0.3, 0.32, 0.17), "lifecycle": (0.08, 0.13, 0.31, 0.32, 0.16),
            "sales": (0.05, 0.1, 0.25, 0.37, 0.23), "price_value": (0.1, 0.16, 0.28, 0.3, 0.16),
        }.items()
    },
}  # fmt: skip

# Reason for a failure -> share among those who were satisfied and among those who were not.
REASONS = {
    "delivery": (0.05, 0.3), "quality": (0.03, 0.22), "service": (0.02, 0.28), "waiting": (0.06, 0.35),
    "website": (0.04, 0.15), "billing": (0.02, 0.12), "returns": (0.02, 0.1),
}  # fmt: skip

_SUBJECTS = ("My last order", "The visit to the shop", "Your hotline", "The delivery", "The contract change", "The app")
COMMENTS = {
    label: tuple(f"{subject} {rest}" for subject in _SUBJECTS for rest in endings)
    for label, endings in {
        "detractor": (
            "took three attempts.", "was a mess & nobody called back.", "cost me a whole morning.",
            'was "resolved" twice <and is still broken>.',
        ),
        "passive": ("was fine, nothing special.", "worked in the end.", "could be quicker.", "was all right."),
        "promoter": (
            "was sorted out in minutes.", "was a pleasure, thank you!", "went exactly as promised.",
            "was better than expected.",
        ),
    }.items()
}  # fmt: skip
PRICE_COMMENTS = (
    "The price went up and nothing got better.",
    "I feel nickel-and-dimed: a fee for everything.",
    "12 % more from one month to the next?",
)

NUMBERS = ("nps", *(name for name, item in ITEMS.items() if isinstance(item.answers[0], int)))
COLUMNS = (
    "response", "respondent", "time", "weight", "brand", "region", "location", "moment", "stage", "touchpoint",
    "channel", "channel_preferred", "human_or_bot", "department", "employee", "manager", "age_group", "plan",
    "nps", *ITEMS, "wait_time", "price_complaint", "failure_reasons", "comment", "contact_permission", "ticket",
)  # fmt: skip


def classes(brand: str, plan: str, month: str) -> tuple[float, float]:
    """True shares of detractors and promoters of a brand in a month; of its plan, where one is named.

    >>> detractors, promoters = classes("Dunmerle", "", "2026-10")
    >>> round(100 * (promoters - detractors))
    40
    """
    if brand == PLANTED.brand and month >= PLANTED.month:
        return AFTER
    detractors, promoters = BRANDS[brand].detractors, BRANDS[brand].promoters
    moved = 0.0
    if brand == SWAP.brand and plan:
        moved = SWAP_NPS[plan] - TRUE_NPS[brand]
    elif brand == DRIFT.brand and month >= DRIFT.month:
        moved = DRIFT.step * (MONTHS.index(month) - MONTHS.index(DRIFT.month) + 1)
    return detractors - moved / 200, promoters + moved / 200
