"""What journalists answer to a note about an embargo, behind the link in it (D3; ADR 36).

Opening the link agrees to nothing: scanners open links. The button does, and shows the text at
once; nobody else is shown a word of it before the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailer.clock import to_datetime
from mailer.distribution import embargo, forms, preferences, releases, variants
from mailer.distribution.context import Newsroom
from mailer.distribution.releases import StoredRelease, template_source
from mailer.distribution.tongues import Words, words_for
from mailer.errors import MailerError
from mailer.message.render import online_html, style_hashes
from mailer.message.tokens import AGREE, Token, read
from mailer.message.view import embargo_in
from mailer.release.embargoed import by_zone, held_until
from mailer.release.model import Release
from mailer.store import agreements, notices
from mailer.store import releases as stored_releases
from mailer.store.agreements import Offer
from mailer.store.base import Tx
from mailer.store.distributions import DELIVERY_SHIFT
from mailer.store.variants import outlets


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody finds behind his link. `state` is open, agreed, declined, revoked, over,
    withdrawn or held; `words` are those of his language; `until` says the end in the newsroom's
    zone and his, `utc` in UTC; `agreed` is when he did."""

    state: str
    slug: str
    terms: str
    until: str
    utc: str
    agreed: str | None
    name: str
    words: Words


def read_token(room: Newsroom, text: str) -> Token | None:
    """What a link of a note stands for; None for any other link, or one that is not ours."""
    token = read(room.keys, text)
    return token if token is not None and token.purpose == AGREE else None


def asked(room: Newsroom, token: Token, accepted: str = "") -> Asked | None:
    """What a link shows now; None where nobody was asked by it, or he was erased since. Changes
    nothing. `accepted` is his browser's Accept-Language, for whoever no language is known of."""
    with room.store.read() as tx:
        return _asked(room, tx, token, accepted)


def agree(room: Newsroom, token: Token, accepted: str = "") -> Asked | None:
    """The button: he agrees, once for all; how it stands after that. Once the embargo is over, the
    release is withdrawn or an officer took it back, it changes nothing and says so."""
    with room.store.write() as tx:
        found = _offer(tx, token)
        if found is None:
            return None
        notices.lock(tx, found.release)
        shown = _asked(room, tx, token, accepted)
        assert shown is not None
        if shown.state not in ("open", "declined"):
            return shown
        agreements.answer(tx, found.release, found.journalist, "agreed", _JOURNALIST)
        agreements.agree(
            tx,
            found.release,
            found.journalist,
            how="agreed",
            terms=found.terms,
            reason="by the button behind his link",
            by_mail=room.config.embargo.by_mail,
            actor=_JOURNALIST,
        )
        return _asked(room, tx, token, accepted)


def decline(room: Newsroom, token: Token, accepted: str = "") -> Asked | None:
    """The other button: he is not asked again for this release, and gets it at the end."""
    with room.store.write() as tx:
        found, shown = _offer(tx, token), _asked(room, tx, token)
        if found is not None and shown is not None and shown.state == "open":
            agreements.answer(tx, found.release, found.journalist, "declined", _JOURNALIST)
        return _asked(room, tx, token, accepted)


def text(room: Newsroom, token: Token) -> forms.Form | None:
    """The text for who agreed, the latest in his language, as a page; that it was shown is kept.
    None for anybody who may not have it now."""
    with room.store.read() as tx:
        found, shown = _offer(tx, token), _asked(room, tx, token)
        if found is None or shown is None or shown.state != "agreed":
            return None
        revision, until = shows = _shows(room, tx, found)
    stored = releases.revision(room, found.release, revision)
    assert stored.revision is not None
    # Its pictures have public addresses, which nobody may have yet.
    release = replace(_until(room, stored.release, until, found.zone), media=())
    edition = forms.edition(room, stored.release.slug, stored.revision, embargo_until=until,
                            listed=False)  # fmt: skip
    page = online_html(release, room.sender, template_source(room), edition, layout="embargo-text")
    with room.store.write() as tx:
        # After or before whoever gives a word about it: nobody opens what was just corrected.
        notices.lock(tx, found.release)
        still = _asked(room, tx, token)
        if still is None or still.state != "agreed":
            return None
        unchanged = _shows(room, tx, found) == shows
        if unchanged:
            agreements.opened(tx, found.release, found.journalist, stored.revision)
    if not unchanged:
        return text(room, token)
    styles = tuple(style_hashes(page))
    return forms.Form(page.encode("utf-8"), "text/html; charset=utf-8", release.language, styles)


def _shows(room: Newsroom, tx: Tx, found: Offer) -> tuple[int | None, int]:
    """Which revision he reads now, and when its embargo ends (UTC microseconds)."""
    lead = releases.stored_in(tx, found.release)
    language = choice_of(room, tx, found.release, lead).of(found.language, found.outlet)[0]
    texts = stored_releases.family(tx, found.release).texts
    numbers = {each.language: each.number for each in texts if each.state == "ready"}
    return numbers.get(language) if language else lead.revision, embargo.running(tx, lead)


def bring_forward(room: Newsroom, token: Token) -> None:
    """Who agreed and is queued for the end gets the release by mail too, where that is set. What
    goes wrong with it does not take the text from him: the next grant tries again."""
    with room.store.read() as tx:
        found = _offer(tx, token)
    if found is not None and room.config.embargo.by_mail:
        try:
            embargo.bring_forward(room, found.release, _JOURNALIST)
        except MailerError:
            return


_JOURNALIST = "journalist:page"


def _offer(tx: Tx, token: Token) -> Offer | None:
    place = token.delivery >> DELIVERY_SHIFT, token.delivery
    found = agreements.of_delivery(tx, *place, token.journalist)
    return None if found is None or found.state == "erased" else found


def _asked(room: Newsroom, tx: Tx, token: Token, accepted: str = "") -> Asked | None:
    found = _offer(tx, token)
    if found is None:
        return None
    stored = releases.stored_in(tx, found.release)
    end = embargo.end_of(tx, stored)
    stands = notices.standing(notices.ls(tx, found.release))
    if stands is not None:
        state = "withdrawn" if stands.kind == "kill" else "held"
    elif end is None or end <= tx.now():
        state = "over"
    elif found.granted:
        state = "agreed"
    elif found.answer == "agreed":
        state = "revoked"
    else:
        state = found.answer or "open"
    own = preferences.language(tx, found.journalist)
    words = words_for(own, accepted, room.config.newsroom.default_language)
    said = _until(room, replace(stored.release, language=words.language), end or 0, found.zone)
    return Asked(
        state=state,
        slug=found.slug,
        terms=found.text,
        until=embargo_in(said),
        utc=embargo_in(said, "UTC"),
        agreed=_instant(words, found.answered_at) if found.answer == "agreed" else None,
        name=room.sender.name,
        words=words,
    )


def _instant(words: Words, instant: int | None) -> str | None:
    when = None if instant is None else to_datetime(instant)
    return None if when is None else f"{words.day(when.date().isoformat())}, {when:%H:%M} UTC"


def _until(room: Newsroom, release: Release, until: int, zone: str) -> Release:
    """A release as somebody in a zone reads it before the end."""
    home = release.embargo.zone if release.embargo else room.config.newsroom.timezone
    return held_until(release, until, home, by_zone([zone], until, home)[zone])


def choice_of(room: Newsroom, tx: Tx, release: int, stored: StoredRelease) -> variants.Choice:
    """Who reads which text of a release."""
    family = stored_releases.family(tx, release)
    ready = [each.language for each in family.texts if each.state == "ready"]
    return variants.Choice(
        family.lead or stored.release.language,
        ready or [stored.release.language],
        (),
        room.config.newsroom.default_language,
        outlets(tx) if len(ready) > 1 else {},
    )
