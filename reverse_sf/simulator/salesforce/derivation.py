"""Stored fields that follow from others: names, opportunity stages; activities' are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce import activities, campaign_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.metadata import SObject
    from reverse_sf.simulator.salesforce.surroundings import Surroundings

Row = dict[str, Any]
_PROBABILITY = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}


def derive(
    one: SObject, old: Mapping[str, Any] | None, new: Row, now: str, around: Surroundings
) -> Row:
    """The derived columns of a row about to be written.

    ``old`` is the row before, None for a new one; ``new`` the row as it will be.

    Raises:
        ApiFault: an activity whose relations or times contradict each other.
    """
    changes: Row = {}
    firm = one.name == "Account" and not new.get("IsPersonAccount")
    if one.has("FirstName") and one.has("LastName") and not firm:
        changes["Name"] = " ".join(p for p in (new.get("FirstName"), new.get("LastName")) if p)
    rule = _RULES.get(one.name)
    if rule is not None:
        changes.update(rule(old, new, now, around))
    if one.custom and not new.get("Name"):
        changes["Name"] = new["Id"]
    return {name: value for name, value in changes.items() if one.has(name)}


def _opportunity(old: Mapping[str, Any] | None, new: Row, now: str, _around: Surroundings) -> Row:
    stage, closing = new.get("StageName"), new.get("CloseDate")
    if stage is None or closing is None:
        # An administrator hid the field.
        return {}
    changed = old is None or old["StageName"] != stage
    changes: Row = {
        "IsClosed": int(stage.startswith("Closed")),
        "IsWon": int(stage == "Closed Won"),
    }
    probability = new.get("Probability")
    if probability is None or (changed and old is not None and old["Probability"] == probability):
        probability = float(_PROBABILITY.get(stage, 50))
        changes["Probability"] = probability
    if changed:
        changes["LastStageChangeDate"] = None if old is None else now
    amount = new.get("Amount")
    changes["ExpectedRevenue"] = None if amount is None else round(amount * probability / 100, 2)
    year, quarter = int(closing[:4]), (int(closing[5:7]) + 2) // 3
    changes.update(FiscalYear=year, FiscalQuarter=quarter, Fiscal=f"{year} {quarter}")
    closed_as = "Closed" if changes["IsWon"] else "Omitted"
    category = closed_as if changes["IsClosed"] else "Pipeline"
    return changes | {"ForecastCategory": category, "ForecastCategoryName": category}


_RULES: Mapping[str, Callable[[Mapping[str, Any] | None, Row, str, Surroundings], Row]] = {
    "Opportunity": _opportunity,
    "Task": activities.task,
    "Event": activities.event,
    "CampaignMember": campaign_members.member,
}
