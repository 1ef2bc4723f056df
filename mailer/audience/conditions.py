"""The condition tree: what a segment asks of a journalist, in whichever form it was written.

A leaf is `Has`: of one field at least one of some values. Around leaves stand `All`, `Some` and
`Non` (none of them), nested up to `DEEPEST` levels. A tree is made by `all_of`, `any_of` and
`none_of`, which give equal trees for what only looks different (brackets in brackets, a
negation of a negation), so that every printed form reads back as the same tree.

`matches` says for one journalist what the store's SQL and its bitmaps say for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from mailer.audience.journalist import Journalist
from mailer.audience.kinds import outlet_type_of
from mailer.audience.places import country_code, language_tag, zone_name
from mailer.audience.text import fold

FACETS = ("beat", "country", "language", "outlet", "outlet_type", "zone", "tag")
"""Fields whose values stand in the store as facets."""

DAYS = ("joined", "accepted")
"""Fields of days in UTC: when he first came onto a list that he is on now; on which days our mail
was accepted for him. Their values are `>=DAY` and `<DAY`, DAY as YYYY-MM-DD."""

EVER = ("complained", "replied", "bounced")
"""Fields that know one value, `ever`: whether it happened with any of our mail."""

FIELDS = ("list", *FACETS, *DAYS, "got", *EVER)
"""What a condition can ask for; `got` is the short name of a release that was accepted for him."""

SINGLE = ("country", "language", "outlet", "outlet_type", "zone", "joined")
"""Fields of which nobody has two values."""

DEEPEST = 50
"""Most levels of nesting, so that every database and every reader can follow."""

MOST_CONDITIONS = 500
"""Most leaves of one tree; alternatives of one field are one leaf."""

MOST_VALUES = 20_000
"""Most values in all leaves of one tree."""

Facets = Mapping[str, frozenset[str]]
"""What is known of one journalist by field, as `facet_value` gives it; days as YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class Has:
    """At least one of these values of a field; values as `facet_value` gives them."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every part; none at all means everybody."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Non:
    """None of the parts."""

    parts: tuple[Node, ...]


Node = Has | All | Some | Non

Resolver = Callable[[str], Node]
"""Gives the tree of the segment of a name, for `segment:NAME` within another."""


class Contrary(ValueError):
    """Of what a tree may not be; the message is a sentence for the officer."""


def all_of(parts: Iterable[Node]) -> Node:
    """Every part, in one form: leaves and negations before alternatives would do as well, but the
    order of leaves is kept, since deliveries are attributed to the list named first."""
    plain: list[Node] = []
    some: list[Node] = []
    non: list[Node] = []
    for part in parts:
        inner = part.parts if isinstance(part, All) else (part,)
        for each in inner:
            if isinstance(each, Non):
                non.extend(each.parts)
            else:
                (some if isinstance(each, Some) else plain).append(each)
    found = list(dict.fromkeys([*plain, *some]))
    if non:
        found.append(Non(tuple(dict.fromkeys(non))))
    return found[0] if len(found) == 1 else All(tuple(found))


def any_of(parts: Iterable[Node]) -> Node:
    """At least one part, in one form."""
    found: list[Node] = []
    for part in parts:
        found.extend(part.parts if isinstance(part, Some) else (part,))
    found = list(dict.fromkeys(found))
    return found[0] if len(found) == 1 else Some(tuple(found))


def none_of(parts: Iterable[Node]) -> Node:
    """None of the parts, in one form: what is negated twice stands without negation."""
    plain: list[Node] = []
    back: list[Node] = []
    for part in parts:
        if isinstance(part, Non):
            back.append(any_of(part.parts))
        elif isinstance(part, Some):
            # "None of these alternatives" and "none of each": one of them may be a negation.
            for each in part.parts:
                if isinstance(each, Non):
                    back.append(any_of(each.parts))
                else:
                    plain.append(each)
        else:
            plain.append(part)
    if not back:
        return Non(tuple(dict.fromkeys(plain)))
    return all_of([*back, *([Non(tuple(plain))] if plain else [])])


def matches(node: Node, facets: Facets) -> bool:
    """Does a journalist with these facets, who is on at least one list, fulfil it?"""
    if isinstance(node, Has):
        mine = facets.get(node.field, _NOTHING)
        if node.field in DAYS:
            return any(_holds(value, day) for value in node.values for day in mine)
        return not mine.isdisjoint(node.values)
    if isinstance(node, All):
        return all(matches(part, facets) for part in node.parts)
    hit = any(matches(part, facets) for part in node.parts)
    return hit if isinstance(node, Some) else not hit


def leaves(node: Node, *, asked: bool = True) -> Iterator[tuple[Has, bool]]:
    """Every leaf in the order written, with whether it is asked for (else it excludes)."""
    if isinstance(node, Has):
        yield node, asked
    else:
        for part in node.parts:
            yield from leaves(part, asked=asked != isinstance(node, Non))


def depth(node: Node) -> int:
    """Levels of nesting; a leaf has none."""
    return 0 if isinstance(node, Has) else 1 + max(map(depth, node.parts), default=0)


def check_size(node: Node) -> None:
    """Raises Contrary for a tree that is too deep or too large for a database."""
    if depth(node) > DEEPEST:
        raise Contrary(f"conditions are nested more than {DEEPEST} levels deep")
    count = values = 0
    for leaf, _ in leaves(node):
        count, values = count + 1, values + len(leaf.values)
    if count > MOST_CONDITIONS:
        raise Contrary(f"there are {count:,} conditions, and {MOST_CONDITIONS} can be asked for")
    if values > MOST_VALUES:
        raise Contrary(f"there are {values:,} values, and {MOST_VALUES:,} can be asked for")


def facet_value(field: str, text: str) -> str:
    """What is compared for one value of a field: one form, case-folded; "" for nothing.

    Days and `ever` are judged by `leaf`, which says what is wrong with them.
    """
    folded = fold(text)
    if not folded:
        return ""
    if field == "country":
        folded = country_code(text) or folded
    elif field == "language":
        folded = language_tag(text)[0] or folded
    elif field == "zone":
        folded = zone_name(text)[0] or folded
    elif field == "outlet_type":
        folded = outlet_type_of(text)
    return fold(folded)


def leaf(field: str, texts: Iterable[str]) -> Node:
    """The condition that a field has one of these values as somebody wrote them.

    Raises Contrary for a day or a word that the field does not know.
    """
    if field in EVER:
        words = {fold(text) for text in texts}
        if unknown := sorted(words - {*_EVER, *_NEVER}):
            raise Contrary(f'"{unknown[0]}" is no value of {field}; write ever or never')
        if words & set(_EVER) and words & set(_NEVER):
            raise Contrary(f"{field} cannot be asked for as ever and never in one condition")
        has = Has(field, ("ever",))
        return has if words & set(_EVER) else none_of([has])
    if field in DAYS:
        values = [_day_value(field, text) for text in texts]
    else:
        values = [facet_value(field, text) for text in texts]
    return Has(field, tuple(dict.fromkeys(values)))


def day_of(value: str) -> tuple[str, date]:
    """The operator (`>=` or `<`) and the day of a value of one of `DAYS`."""
    operator = ">=" if value.startswith(">=") else "<"
    return operator, date.fromisoformat(value[len(operator) :])


def facets_of(journalist: Journalist) -> set[tuple[str, str]]:
    """(field, value) of everything a segment can ask of a journalist, lists and tags aside."""
    found = {("beat", fold(beat)) for beat in journalist.beats}
    found.update(
        (field, fold(value))
        for field, value in (
            ("country", journalist.country),
            ("language", journalist.language),
            ("outlet", journalist.outlet),
            ("outlet_type", journalist.outlet_type),
            ("zone", journalist.timezone),
        )
        if value
    )
    return {(field, value) for field, value in found if value}


def nobody(node: Node) -> str:
    """Why nobody can match, whatever the lists hold; "" when somebody may.

    All ways to fulfil the tree are looked at one by one. Where there are more of them than can be
    looked at, it says "": a warning that is missing does no harm.
    """
    ways = _ways(node, True)
    if ways is None:
        return ""
    reasons = [_contradiction(way) for way in ways]
    return "" if "" in reasons else (reasons or ["it has no condition that could hold"])[0]


_NOTHING: frozenset[str] = frozenset()
_EVER = ("ever", "yes", "true")
_NEVER = ("never", "no", "false")
_MOST_WAYS = 2000

_Way = tuple[tuple[Has, bool], ...]


def _holds(value: str, day: str) -> bool:
    return day >= value[2:] if value.startswith(">=") else day < value[1:]


def _day_value(field: str, text: str) -> str:
    """`>2025-01-01` means later than that day, `<=` up to its end; kept as `>=` and `<`."""
    bare = fold(text).replace("≥", ">=").replace("≤", "<=").replace(" ", "")
    for operator in (">=", "<=", ">", "<"):
        if bare.startswith(operator):
            break
    else:
        raise Contrary(
            f'"{text}" is no time for {field}; write {field}:>=2025-01-31 or {field}:<2025-01-31'
        )
    try:
        day = date.fromisoformat(bare[len(operator) :])
        if operator in (">", "<="):
            day += timedelta(days=1)
    except (ValueError, OverflowError):
        raise Contrary(f'"{text}" has no day in it; write it as 2025-01-31') from None
    return f"{'>=' if '>' in operator else '<'}{day.isoformat()}"


def _ways(node: Node, wanted: bool) -> list[_Way] | None:
    """Each way to fulfil a tree (or, not wanted, to fail it): leaves that must hold or must not.
    None when there are too many."""
    if isinstance(node, Has):
        return [((node, wanted),)]
    if isinstance(node, Non):
        return _ways(Some(node.parts), not wanted)
    found: list[_Way] = [()] if isinstance(node, All) == wanted else []
    for part in node.parts:
        more = _ways(part, wanted)
        if more is None:
            return None
        if isinstance(node, All) == wanted:
            if len(found) * len(more) > _MOST_WAYS:
                return None
            found = [one + other for one in found for other in more]
        elif len(found) + len(more) > _MOST_WAYS:
            return None
        else:
            found += more
    return found


def _contradiction(way: _Way) -> str:
    """Why these leaves cannot hold together for one person; "" when they can."""
    by_field: dict[str, tuple[list[Has], set[str]]] = {}
    for has, wanted in way:
        asked, excluded = by_field.setdefault(has.field, ([], set()))
        if wanted:
            asked.append(has)
        else:
            excluded.update(has.values)
    for field, (asked, excluded) in by_field.items():
        reason = (_days if field in DAYS else _values)(field, asked, excluded)
        if reason:
            return reason
    return ""


def _values(field: str, asked: list[Has], excluded: set[str]) -> str:
    left: frozenset[str] | None = None
    for has in asked:
        own = frozenset(has.values) - excluded
        if not own:
            return f"{field} {_words(has.values)} is both asked for and excluded"
        if field in SINGLE:
            before, left = left, own if left is None else left & own
            if not left:
                return (
                    f"nobody has {field} {_words(sorted(before or ()))} and {_words(sorted(own))}"
                )
    return ""


def _days(field: str, asked: list[Has], excluded: set[str]) -> str:
    """A day that is not at or after D is before it, for who joined once; of days on which
    something was accepted there may be many, and then only equal bounds exclude each other."""
    needs = [[day_of(value) for value in has.values] for has in asked]
    if field == "joined":
        needs += [
            [("<" if operator == ">=" else ">=", day)] for operator, day in map(day_of, excluded)
        ]
        # Of alternatives the widest counts: what contradicts it contradicts them all.
        floors = [min(d for _, d in own) for own in needs if all(o == ">=" for o, _ in own)]
        tops = [max(d for _, d in own) for own in needs if all(o == "<" for o, _ in own)]
        if floors and tops and max(floors) >= min(tops):
            return f"nobody joined at or after {max(floors)} and before {min(tops)}"
        return ""
    for own in needs:
        if all(any(_within(need, day_of(gone)) for gone in excluded) for need in own):
            return f"{field} {_words([o + d.isoformat() for o, d in own])} is excluded as well"
    return ""


def _within(need: tuple[str, date], gone: tuple[str, date]) -> bool:
    if need[0] != gone[0]:
        return False
    return need[1] >= gone[1] if need[0] == ">=" else need[1] <= gone[1]


def _words(values: Iterable[str]) -> str:
    shown = [f'"{value}"' for value in values]
    more = f" or {len(shown) - 3:,} more" if len(shown) > 4 else ""
    return " or ".join(shown if not more else shown[:3]) + more
