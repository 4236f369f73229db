"""Laws of matching: it does not matter which side is which, nor in which order records come."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.matching import normal
from reverse_sf.matching.table import DOUBTFUL, Item, Outcome, match

RULES = ("email", "phone")
_keys = st.tuples(*(st.frozensets(st.sampled_from("abc"), max_size=2).map(tuple) for _ in RULES))


@st.composite
def populations(draw):
    """Two small populations over few keys, some linked, some carrying ids of the other side."""
    sizes = draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    ids = [[f"{name}{at}" for at in range(size)] for name, size in zip("sp", sizes, strict=True)]
    linked = draw(st.integers(0, min(sizes)))
    sides = []
    for own, other in (ids, ids[::-1]):
        items = []
        for at, record_id in enumerate(own):
            partner = other[at] if at < linked else None
            named = st.sampled_from([None, None, *other, "gone"])
            items.append(
                Item(record_id, record_id, draw(_keys), draw(named), partner),
            )
        sides.append(items)
    return sides


def results(found):
    return found.salesforce, found.spotio


@given(populations())
def test_swapping_the_sides_gives_the_mirrored_result(sides):
    one, other = sides
    assert results(match(one, other, RULES)) == results(match(other, one, RULES))[::-1]


@given(populations(), st.randoms())
def test_the_order_of_records_and_keys_does_not_matter(sides, random):
    expected = results(match(*sides, RULES))
    for items in sides:
        random.shuffle(items)
        for item in items:
            item.keys = tuple(tuple(random.sample(keys, len(keys))) for keys in item.keys)
    assert results(match(*sides, RULES)) == expected


@given(populations())
def test_matching_is_one_to_one_and_both_sides_say_so(sides):
    found = match(*sides, RULES)
    pairs = found.pairs
    assert {other for _, other, _ in pairs} == {
        one for one, finding in found.spotio.items() if finding.outcome is Outcome.MATCHED
    }
    assert all(number == 1 for number in Counter(other for _, other, _ in pairs).values())
    for own, other, rule in pairs:
        assert found.spotio[other].candidates == (own,)
        assert found.spotio[other].rule == rule


@given(populations())
def test_whoever_shares_a_key_with_anybody_is_never_free_to_be_created(sides):
    found = match(*sides, RULES)
    for own, other, findings in (
        (*sides, found.salesforce),
        (*sides[::-1], found.spotio),
    ):
        keys = {
            (at, key) for one in other for at, of_rule in enumerate(one.keys) for key in of_rule
        }
        carried = {one.names for one in other}
        there = {one.id for one in other}
        for one in own:
            shares = any((at, key) in keys for at, rule in enumerate(one.keys) for key in rule)
            gone = one.names is not None and one.names not in there and one.id not in carried
            if shares and not gone:
                assert findings[one.id].outcome is not Outcome.UNMATCHED


@given(populations())
def test_a_second_matching_after_the_links_were_written_finds_nothing_new(sides):
    first = match(*sides, RULES)
    pairs = {own: other for own, other, _ in first.pairs}
    back = {other: own for own, other in pairs.items()}
    for items, partners in zip(sides, (pairs, back), strict=True):
        for item in items:
            item.partner = partners.get(item.id, item.partner)
    second = match(*sides, RULES)
    assert second.pairs == []
    for before, after in ((first.salesforce, second.salesforce), (first.spotio, second.spotio)):
        for record_id, finding in before.items():
            if finding.outcome in DOUBTFUL:
                assert after[record_id].outcome in DOUBTFUL


@given(st.text(max_size=60))
def test_every_text_has_a_form_or_none_and_its_form_is_stable(text):
    for form in (normal.text, normal.email):
        once = form(text)
        assert once is None or form(once) == once
    phone = normal.phone(text, "US")
    assert phone is None or normal.phone(phone.replace(";ext=", " x"), "US") == phone


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("house_number", "street", "city", "state", "zip"), st.none() | st.text(max_size=40)
        ),
    )
)
def test_every_address_has_forms_or_none(components):
    assert all(isinstance(one, str) for one in normal.address(components))
