"""Users from Salesforce to SPOTIO, from the tap to the target: each row of the table of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.merge.identity import link_id_of
from reverse_sf.simulator.local import running
from tests.system.sync import TO_SALESFORCE, TO_SPOTIO, Marks, Sync
from tests.system.test_plan import carried_out, planned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers
    from tests.system.warm.runner import Ended

pytestmark = [pytest.mark.slow]

PROFILES = """\
  roles:
    - {spotio_role: Manager, only_when: {Profile.Name: [Sales Manager]}}
    - {spotio_role: Sales, only_when: {Profile.Name: [Sales User]}}
"""
OBJECTS = """\
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: false}
    fields:
      - {spotio: Company, salesforce: Company, rule: two_way}
"""
LEADS = OBJECTS.replace("enabled: false", "enabled: true").replace(
    "    fields:\n",
    "    owner: {spotio_default: ops@example.com}\n"
    "    fields:\n"
    "      - {spotio: Last Name, salesforce: LastName, rule: two_way}\n",
)
TWO_WAY = LEADS.replace(
    "    owner: {spotio_default: ops@example.com}\n",
    "    to_salesforce: {enabled: true}\n"
    "    salesforce_external_id: SPOTIO_Id__c\n"
    "    match: [external_id]\n"
    "    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com,"
    " rule: two_way, keep_on_update: false}\n",
)
KEPT = TWO_WAY.replace("keep_on_update: false", "keep_on_update: true")
REP_TWO_ALONE = "  roles:\n    - {spotio_role: Sales, usernames: [rep.two@example.com]}\n"
REP_ONE, REP_TWO = "005000000000000AAA", "005000000000001AAA"
REP_FOUR, REP_ELEVEN = "005000000000003AAA", "00500000000000CAAQ"
ADMIN, OPS = "00500000000000AAAQ", "00500000000000BAAQ"


class World:
    """The two systems, and a project that syncs their users."""

    def __init__(self, sync: Sync) -> None:
        self.sync = sync
        self.salesforce, self.spotio = sync.servers.salesforce, sync.servers.spotio
        self.define()

    def define(self, roles: str = PROFILES, *, objects: str = OBJECTS, **said: str) -> None:
        options = {"create": "true", "suspend_when_removed": "true", **said}
        lines = "".join(f"  {name}: {value}\n" for name, value in options.items())
        self.sync.sync_file.write_text(f"version: 1\nusers:\n{lines}{roles}{objects}")

    def run(self, **how: Any) -> list[str]:
        """One run to its good end; the calls that it wrote with."""
        marks = Marks.now(self.sync.servers)
        ended = self.sync.run(TO_SPOTIO, **how)
        assert ended.ended_well, str(ended)
        return marks.writes(self.sync.servers)

    def fail(self, **how: Any) -> Ended:
        ended = self.sync.run(TO_SPOTIO, **how)
        assert not ended.ended_well
        return ended

    def call(self, method: str, path: str, **body: Any) -> Any:
        login = {"clientId": "demo-client", "secret": "demo-secret"}
        url = self.sync.servers.spotio_url
        token = httpx.post(f"{url}/api/users/apitoken", json=login).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, url + path, json=body or None, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def members(self) -> list[dict[str, Any]]:
        """All users of SPOTIO, suspended ones too."""
        shown = {one["id"]: one for one in self.call("GET", "/api/users")}
        out = self.call("GET", "/api/v2/users/list?statuses=suspended&pageSize=100")["items"]
        return list({**shown, **{one["id"]: one for one in out}}.values())

    def member(self, email: str) -> dict[str, Any]:
        (found,) = [one for one in self.members() if one["email"] == email]
        return found

    def edit_user(self, user_id: str, **values: Any) -> None:
        self.salesforce.edit(object="User", id=user_id, set=values)

    def record(self, record_id: str) -> dict[str, Any]:
        return next(one for one in self.spotio.rows("Leads") if one["id"] == record_id)

    def lead(self, record_id: str) -> dict[str, Any]:
        return next(one for one in self.salesforce.rows("Lead") if one["Id"] == record_id)

    def awaited(self) -> list[str]:
        """Salesforce's users whose records nobody in SPOTIO can be given."""
        with Ledger.open(self.sync.ledger_uri) as ledger:
            return [one.user_id for one in ledger.awaited_owners(Direction.TO_SPOTIO)]

    def withheld(self) -> dict[str, str]:
        """What is parked: Salesforce Id of the user to reason."""
        with Ledger.open(self.sync.ledger_uri) as ledger:
            rows = ledger.parked_rows(Direction.TO_SPOTIO, USERS_PAIR)
            links = ledger.snapshots([one.link_id for one in rows])
        return {str(links[one.link_id].link.salesforce_id): one.reason for one in rows}


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalServers]:
    with running(records=20) as both:
        yield both


@pytest.fixture
def world(servers: LocalServers, tmp_path: Path) -> World:
    servers.reset()
    servers.spotio.clear_faults()
    servers.salesforce.clear_faults()
    sync = Sync(
        tmp_path,
        servers,
        tmp_path / "sync.yml",
        settings={"tap-salesforce": {"user_details": True}},
        select=("User", "Lead"),
    )
    return World(sync)


def test_selected_users_are_created_read_only_or_linked_and_the_next_run_writes_nothing(
    world: World,
) -> None:
    before = len(world.members())
    writes = world.run()
    assert sorted(writes) == [
        "POST /api/Users",
        "POST /api/Users",
        "PUT /api/users/534604",
        "PUT /api/users/534607",
    ]
    made = world.member("rep.eleven@example.com")
    assert {
        key: made[key] for key in ("role", "isReadonly", "status", "firstName", "lastName")
    } == {
        "role": "Sales",
        "isReadonly": True,
        "status": "readonly",
        "firstName": "Rep",
        "lastName": "Eleven",
    }
    assert made["externalSystemUserId"] == REP_ELEVEN
    linked = world.member("rep.four@example.com")
    assert (linked["externalSystemUserId"], linked["isReadonly"]) == (REP_FOUR, False)
    assert (linked["firstName"], linked["visible"]) == ("Rep", True), "a PUT takes nothing away"
    assert len(world.members()) == before + 2
    assert world.withheld() == {}
    assert world.run() == []
    assert world.run() == []


def test_nobody_is_touched_whom_the_sync_did_not_select(world: World) -> None:
    known = {one["id"]: one for one in world.members()}
    world.define("  roles:\n    - {spotio_role: Sales, usernames: [rep.eleven@example.com]}\n")
    assert world.run() == ["POST /api/Users"]
    after = {one["id"]: one for one in world.members()}
    assert {key: after[key] for key in known} == known
    assert world.run() == []


def test_a_user_is_suspended_when_deselected_frozen_or_deactivated_and_restored_when_back(
    world: World,
) -> None:
    world.run()
    manager = next(
        one["Id"] for one in world.salesforce.rows("Profile") if one["Name"] == "API Only"
    )
    seller = world.salesforce.rows("User")[0]["ProfileId"]
    ways = [
        (
            lambda: world.edit_user(REP_ONE, ProfileId=manager),
            lambda: world.edit_user(REP_ONE, ProfileId=seller),
        ),
        (
            lambda: world.salesforce.freeze(REP_ONE),
            lambda: world.salesforce.freeze(REP_ONE, frozen=False),
        ),
        (
            lambda: world.edit_user(REP_ONE, IsActive=False),
            lambda: world.edit_user(REP_ONE, IsActive=True),
        ),
    ]
    for leaves, comes_back in ways:
        leaves()
        assert world.run() == ["POST /api/users/534601/block"]
        assert world.member("rep.one@example.com")["suspended"] is True
        assert world.run() == []
        comes_back()
        assert world.run() == ["PUT /api/users/534601"]
        assert world.member("rep.one@example.com")["suspended"] is False
        assert world.run() == []


def test_only_a_group_that_changed_selects_and_deselects(world: World) -> None:
    world.define(
        "  roles:\n    - {spotio_role: Sales, only_when: {Group: [Crew North, Field Force]}}\n"
    )
    world.run()
    (field,) = (one["Id"] for one in world.salesforce.rows("Group") if one["Name"] == "Field Force")
    (member,) = (
        one["Id"]
        for one in world.salesforce.rows("GroupMember")
        if (one["GroupId"], one["UserOrGroupId"]) == (field, REP_ONE)
    )
    world.salesforce.delete("GroupMember", member)
    assert world.run() == ["POST /api/users/534601/block"]
    assert world.run() == []


@pytest.mark.parametrize(
    ("switches", "calls", "back"),
    [
        ({"user_restore": "block"}, ["PUT", "POST"], True),
        ({"user_restore": "never"}, ["PUT", "POST"], False),
        ({"suspended_users": "hidden", "user_put": "keys"}, ["PUT"], True),
    ],
    ids=str,
)
def test_a_restore_is_right_whatever_is_true_of_the_api(
    world: World, switches: dict[str, Any], calls: list[str], *, back: bool
) -> None:
    world.spotio.switches(**switches)
    world.run()
    world.salesforce.freeze(REP_ONE)
    world.run()
    world.salesforce.freeze(REP_ONE, frozen=False)
    assert [one.partition(" ")[0] for one in world.run()] == calls
    assert world.member("rep.one@example.com")["suspended"] is not back
    assert world.withheld() == ({} if back else {REP_ONE: "user_not_written"})
    assert world.run() == []
    assert world.member("rep.one@example.com")["suspended"] is not back


def test_a_user_whom_a_person_suspended_is_not_restored(world: World) -> None:
    world.run()
    world.call("POST", "/api/users/534601/block")
    world.edit_user(REP_ONE, Email="rep.1@example.com")
    assert world.run() == [], "the target sees it before it writes"
    assert world.run() == []
    assert world.member("rep.one@example.com")["suspended"] is True


def test_role_and_email_follow_salesforce_and_the_email_may_be_the_username(world: World) -> None:
    world.run()
    world.edit_user(REP_ONE, Email="first.rep@example.com")
    world.edit_user(
        REP_TWO,
        ProfileId=next(
            one["Id"] for one in world.salesforce.rows("Profile") if one["Name"] == "Sales Manager"
        ),
    )
    assert sorted(world.run()) == ["PUT /api/users/534601", "PUT /api/users/534602"]
    assert world.member("first.rep@example.com")["id"] == "534601"
    assert world.member("rep.two@example.com")["role"] == "Manager"
    world.define(
        "  roles:\n    - {spotio_role: Sales, usernames: [first.rep@example.com]}\n",
        email_field="Username",
        suspend_when_removed="false",
    )
    assert world.run() == ["PUT /api/users/534601"]
    assert world.member("rep.one@example.com.demo")["id"] == "534601"
    assert world.run() == []


def test_bad_users_are_withheld_each_with_its_reason_and_the_others_go_on(world: World) -> None:
    world.edit_user(REP_ELEVEN, Email="rep.twelve@example.com")
    world.define(
        "  roles:\n"
        "    - {spotio_role: Captain, usernames: [integration.user@example.com]}\n"
        "    - {spotio_role: Sales, only_when: {Profile.Name: [Sales User]}}\n"
    )
    writes = world.run()
    assert sorted(writes) == [
        "POST /api/Users",
        "PUT /api/users/534604",
        "PUT /api/users/534607",
    ], "an unknown role is asked for once, and the others are linked"
    withheld = world.withheld()
    assert withheld == {
        REP_ELEVEN: "user_shares_email",
        "00500000000000DAAQ": "user_shares_email",
        "00500000000000EAAQ": "rejected",
    }
    assert world.run() == [], "what is withheld waits for a change"
    world.edit_user(REP_ELEVEN, Email="rep.eleven@example.com")
    assert sorted(world.run()) == ["POST /api/Users"] * 2
    assert world.withheld() == {"00500000000000EAAQ": "rejected"}


def test_the_user_of_the_api_key_and_the_last_admin_are_never_written(world: World) -> None:
    world.define("  roles:\n    - {spotio_role: Sales, usernames: [admin.user@example.com]}\n")
    assert world.run() == []
    assert world.withheld() == {ADMIN: "user_owns_api_key"}
    assert world.member("admin.user@example.com")["role"] == "Admin"
    assert world.run() == []


@pytest.mark.parametrize(
    ("command", "kind", "when", "nth"),
    [
        ("spotio-mapper", "commit", "after", 3),
        ("target-spotio", "write", "after", 2),
        ("target-spotio", "write", "after", 4),
        ("target-spotio", "commit", "after", 3),
    ],
)
def test_a_crash_between_two_effects_makes_no_user_twice(
    world: World, command: str, kind: str, when: str, nth: int
) -> None:
    before = len(world.members())
    step = {"kind": kind, "when": when, "nth": nth, "do": "kill"}
    assert world.sync.run(TO_SPOTIO, plan={command: (step,)}).killed
    world.run()
    emails = [one["email"] for one in world.members()]
    assert len(emails) == len(set(emails)) == before + 2
    assert world.member("rep.four@example.com")["externalSystemUserId"] == REP_FOUR
    assert world.withheld() == {}
    assert world.run() == []


def test_a_suspension_whose_answer_was_lost_is_still_the_syncs_own(world: World) -> None:
    world.run()
    world.salesforce.freeze(REP_ONE)
    step = {"kind": "write", "when": "after", "nth": 1, "do": "kill"}
    assert world.sync.run(TO_SPOTIO, plan={"target-spotio": (step,)}).killed
    assert world.run() == []
    world.salesforce.freeze(REP_ONE, frozen=False)
    assert world.run() == ["PUT /api/users/534601"]
    assert world.member("rep.one@example.com")["suspended"] is False


def test_a_suspension_whose_outcome_was_lost_is_still_the_syncs_own(world: World) -> None:
    world.run()
    world.salesforce.freeze(REP_TWO)
    world.run(trace=True)
    trace = (world.sync.folder / "target-spotio.trace").read_text().splitlines()
    commits = sum(line.startswith("commit after") for line in trace)
    world.salesforce.freeze(REP_ONE)
    # The end: all users, the outcomes, the run.
    step = {"kind": "commit", "when": "after", "nth": commits - 2, "do": "kill"}
    assert world.sync.run(TO_SPOTIO, plan={"target-spotio": (step,)}).killed
    with Ledger.open(world.sync.ledger_uri) as ledger:
        assert not ledger.users(Side.SPOTIO)["534601"].active
        link_id = link_id_of(USERS_PAIR, REP_ONE)
        assert ledger.snapshots([link_id])[link_id].open_operation is not None
    assert world.run() == []
    world.salesforce.freeze(REP_ONE, frozen=False)
    assert world.run() == ["PUT /api/users/534601"]
    assert world.run() == []


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_write_without_an_answer_is_looked_for_and_never_doubled(world: World, drop: str) -> None:
    before = len(world.members())
    world.spotio.fault({"method": "POST", "path": "/api/Users$", "nth": 1}, {"drop": drop})
    first = world.sync.run(TO_SPOTIO)
    assert first.ended_well is (drop == "after")
    world.spotio.clear_faults()
    world.run()
    assert len(world.members()) == before + 2
    world.salesforce.freeze(REP_ONE)
    world.spotio.fault({"method": "POST", "path": "/block$", "nth": 1}, {"drop": drop})
    assert world.sync.run(TO_SPOTIO).ended_well is (drop == "after")
    world.spotio.clear_faults()
    world.run()
    assert world.member("rep.one@example.com")["suspended"] is True
    assert world.run() == []
    world.salesforce.freeze(REP_ONE, frozen=False)
    assert world.run() == ["PUT /api/users/534601"]


def test_records_of_a_user_whom_this_run_creates_are_theirs_at_once(world: World) -> None:
    lead = next(one for one in world.salesforce.rows("Lead") if not one["IsDeleted"])
    world.salesforce.edit(object="Lead", id=lead["Id"], set={"OwnerId": REP_ELEVEN})
    world.define(objects=LEADS)
    world.run()
    (made,) = [
        one
        for one in world.spotio.rows("Leads")
        if one["externalDataObjectId"] == lead["Id"] and not one.get("deleted")
    ]
    assert made["owner"] == "rep.eleven@example.com"
    world.run()
    assert world.run() == []


def test_owners_travel_by_the_links_of_users_both_ways_and_else_by_default(world: World) -> None:
    """The e-mails differ, and SPOTIO has lost the external id: only the link joins the two."""
    world.define(objects=TWO_WAY, suspend_when_removed="false")
    for mapping in (TO_SPOTIO, TO_SALESFORCE) * 2:
        assert world.sync.run(mapping).ended_well
    world.edit_user(REP_ONE, Email="other@example.com")
    world.call(
        "PUT",
        "/api/users/534601",
        **{**world.member("rep.one@example.com"), "externalSystemUserId": None},
    )
    world.define(REP_TWO_ALONE, objects=TWO_WAY, suspend_when_removed="false")
    lead, *_ = [one for one in world.salesforce.rows("Lead") if one["SPOTIO_Id__c"]]
    world.salesforce.edit(object="Lead", id=lead["Id"], set={"OwnerId": REP_ONE})
    world.run()
    assert world.record(lead["SPOTIO_Id__c"])["owner"] == "rep.one@example.com"
    world.spotio.edit(object="Leads", id=lead["SPOTIO_Id__c"], set={"Owner": "rep.two@example.com"})
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.lead(lead["Id"])["OwnerId"] == REP_TWO
    world.spotio.edit(object="Leads", id=lead["SPOTIO_Id__c"], set={"Owner": "rep.one@example.com"})
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.lead(lead["Id"])["OwnerId"] == REP_ONE
    world.spotio.edit(
        object="Leads", id=lead["SPOTIO_Id__c"], set={"Owner": "paul.spotio@example.com"}
    )
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.lead(lead["Id"])["OwnerId"] == OPS, "nobody is joined with him"


def test_a_record_follows_its_owner_once_the_sync_of_users_has_made_them(world: World) -> None:
    world.define(REP_TWO_ALONE, objects=KEPT, suspend_when_removed="false")
    for mapping in (TO_SPOTIO, TO_SALESFORCE) * 2:
        assert world.sync.run(mapping).ended_well
    lead, *_ = [one for one in world.salesforce.rows("Lead") if one["SPOTIO_Id__c"]]
    before = world.record(lead["SPOTIO_Id__c"])["owner"]
    world.salesforce.edit(object="Lead", id=lead["Id"], set={"OwnerId": REP_ELEVEN})
    world.run()
    assert world.record(lead["SPOTIO_Id__c"])["owner"] == before
    assert world.withheld() == {}, "it means nothing, so it is no work to be done"
    assert world.awaited() == [REP_ELEVEN]
    assert world.run() == []
    world.define(objects=KEPT, suspend_when_removed="false")
    world.run()
    assert world.member("rep.eleven@example.com")
    world.run()
    assert world.record(lead["SPOTIO_Id__c"])["owner"] == "rep.eleven@example.com"
    assert world.awaited() == []
    assert world.run() == []


def test_a_suspension_taken_back_and_made_again_by_people_is_theirs(world: World) -> None:
    """The other direction's tap tells what happened in SPOTIO meanwhile."""
    world.run()
    world.salesforce.freeze(REP_ONE)
    world.run()
    member = world.member("rep.one@example.com")
    world.call("PUT", "/api/users/534601", **{**member, "suspended": False})
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.run() == ["POST /api/users/534601/block"], "still frozen: the sync suspends anew"
    world.call("PUT", "/api/users/534601", **{**member, "suspended": False})
    world.salesforce.freeze(REP_ONE, frozen=False)
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.run() == [], "as it should be"
    world.call("POST", "/api/users/534601/block")
    assert world.sync.run(TO_SALESFORCE).ended_well
    assert world.run() == [], "a person did this"


def test_a_plan_names_users_and_its_application_writes_just_them(world: World) -> None:
    world.run()
    world.salesforce.freeze(REP_ONE)
    marks = Marks.now(world.sync.servers)
    plan = planned(world.sync, Direction.TO_SPOTIO)
    (write,) = plan.of(Direction.TO_SPOTIO).writes
    assert (write.stream, write.action.value, write.spotio_id) == ("users", "suspend", "534601")
    assert marks.writes(world.sync.servers) == []
    world.salesforce.freeze(REP_TWO)
    carried_out(world.sync, plan, Direction.TO_SPOTIO)
    assert marks.writes(world.sync.servers) == ["POST /api/users/534601/block"]
    assert world.run() == ["POST /api/users/534602/block"], "who was not planned is next"


def test_without_the_details_the_error_names_what_to_select(world: World) -> None:
    world.sync.settings = {}
    ended = world.fail()
    assert "User.Profile.Name" in str(ended)
    assert "user_details" in str(ended)
