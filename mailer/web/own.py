"""The journalist's own page: `/p/{token}`, behind the link in every message, without a login.

It lets him choose, pause, leave and take each of it back, and shows nothing that a forwarded mail
should not tell (F7, design decision 9). Whatever he does is answered by the same page, with what
was done on top and a button that undoes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from mailer.distribution import preferences, subscriptions
from mailer.distribution.log import stamp
from mailer.distribution.preferences import (
    AWAY,
    CAP,
    CAPS,
    LANGUAGE,
    NO_EMBARGOES,
    OFFICE_HOURS,
    PAUSED,
    Choices,
    Offer,
)
from mailer.distribution.spool import Step
from mailer.distribution.subscriptions import ALL, BACK, LEAVE, Token
from mailer.distribution.tongues import Words
from mailer.errors import StoreUnavailable
from mailer.web.acts import Acts
from mailer.web.forms import Fields, one
from mailer.web.fresh import FreshPages
from mailer.web.guard import private
from mailer.web.leaving import Leaving, is_list
from mailer.web.pages import Pages

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom

OFFER_AGE = 3600.0
"""Seconds for which what everybody may choose is kept: reading it walks over all beats."""

_MOST = 100
_TOLD_BEATS = 4


@dataclass(frozen=True, slots=True)
class Told:
    """What an act came to: a sentence on top of the page, and the form fields that undo it."""

    text: str
    undo: Sequence[tuple[str, str]] = ()
    about_beat: bool = False


class OwnPage:
    """Shows the page and does what its buttons say."""

    def __init__(
        self, newsroom: Newsroom, pages: Pages, acts: Acts, leaving: Leaving, fresh: FreshPages
    ) -> None:
        self._newsroom = newsroom
        self._pages = pages
        self._acts = acts
        self._leaving = leaving
        self._fresh = fresh
        self._offer: Offer | None = None

    @asynccontextmanager
    async def preparing(self) -> AsyncIterator[None]:
        """Keep what can be chosen at hand while the block runs, so that no reader waits for it."""
        task = asyncio.create_task(self._prepare_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def show(self, request: Request, token: str) -> Response:
        """GET /p/{token}: how it stands; does nothing."""
        known = subscriptions.read_token(self._newsroom, token)
        if known is None:
            return self._acts.incomplete(request)
        return self._page(request, token, known, await self._choices(known))

    async def act(self, request: Request, token: str) -> Response:
        """POST /p/{token}: does what was chosen and shows how it stands now."""
        posted = await self._leaving.posted(request, token)
        if isinstance(posted, Response):
            return posted
        known, fields = posted
        what = one(fields, "act")
        if what == "link":
            scope = await run_in_threadpool(subscriptions.scope_of, self._newsroom, known)
            return await self._fresh.ask(request, known, scope.language)
        steps = self._steps(what, fields)
        before: Choices | None = None
        try:
            before = await self._choices(known)
            steps = [step for step in steps if _is_offered(step, before)]
            applied = await self._acts.submit(known, steps, "choices") if steps else True
            after = await self._choices(known)
        except StoreUnavailable:
            # Kept all the same: by `submit` above, or now.
            applied = False
            if before is None:
                await self._acts.submit(known, steps, "choices")
        if not applied or before is None:
            words = self._acts.words(request, before.language if before else "")
            return self._noted(token, words)
        words = self._acts.words(request, after.language)
        return self._page(
            request, token, known, after, self._told(words, what, fields, before, after)
        )

    def _steps(self, what: str, fields: Fields) -> list[Step]:
        if what in (LEAVE, BACK):
            return [Step(what, ALL)]
        if what == "pause":
            return [Step(PAUSED, "", "1")]
        if what == "resume":
            return [Step(PAUSED, "")]
        if what == "off":
            return [preferences.off_beat_step(one(fields, "beat"))]
        shown = [code for code in fields.get("shown", []) if is_list(code)][:_MOST]
        keep = set(fields.get("keep", []))
        steps = [Step(BACK if code in keep else LEAVE, code) for code in dict.fromkeys(shown)]
        wanted = set(fields.get("beat", []))
        offered = dict.fromkeys(fields.get("beat_shown", [])[:_MOST])
        steps += [preferences.beat_step(value, value in wanted) for value in offered if value]
        zone = self._newsroom.config.newsroom.timezone
        # A box that is not ticked is not posted, so the form names what it had.
        for name in dict.fromkeys(fields.get("with", [])[:_MOST]):
            step = preferences.wish(name, one(fields, name), zone)
            if step is not None:
                steps.append(step)
        return steps

    def _told(
        self, words: Words, what: str, fields: Fields, before: Choices, after: Choices
    ) -> Told | None:
        if what == LEAVE:
            return Told(words("left_told"), [("act", BACK)])
        if what == BACK:
            return Told(words("back_told"), [("act", LEAVE)] if before.stopped else ())
        if what == "pause":
            return Told(words("paused_told"), [("act", "resume")])
        if what == "resume":
            return Told(words("resumed_told"), [("act", "pause")] if before.wishes.paused else ())
        if what == "off":
            return self._off_told(words, one(fields, "beat"), before, after)
        return Told(words("undone" if what == "undo" else "saved"), _as_before(fields, before))

    def _off_told(self, words: Words, beat: str, before: Choices, after: Choices) -> Told:
        if not before.receives(beat) or after.receives(beat):
            return Told(words("off_noted"), about_beat=True)
        stays = after.stays_on
        rest = words("off_keep")
        if stays:
            named = words.listed(stays[:_TOLD_BEATS])
            rest = words("off_stay", beats=named + (" …" if len(stays) > _TOLD_BEATS else ""))
        undo = [("act", "undo"), ("beat_shown", beat), ("beat", beat)]
        done = words("off_done", beat=before.label(beat))
        return Told(f"{done} {rest}", undo, about_beat=True)

    def _page(
        self,
        request: Request,
        token: str,
        known: Token,
        found: Choices,
        told: Told | None = None,
    ) -> Response:
        words = self._acts.words(request, found.language)
        offered = self._offer or Offer()
        default = self._newsroom.config.newsroom.default_language
        tags = dict.fromkeys([*offered.languages, default])
        languages = preferences.language_names(tags, found.wishes.language)
        today = self._newsroom.clock.now()
        return self._pages.html(
            "choices.html",
            headers=private(),
            words=words,
            token=token,
            told=told,
            found=found,
            wishes=found.wishes,
            source=next((each for each in found.lists if each.id == known.list), None),
            day=words.day(stamp(found.about.at)[:10]) if found.about else "",
            languages=languages if len(languages) > 1 else [],
            caps=sorted({*CAPS, *([found.wishes.weekly_cap] if found.wishes.weekly_cap else [])}),
            first_day=stamp(today)[:10],
            last_day=preferences.latest_day(today).isoformat(),
        )

    def _noted(self, token: str, words: Words) -> Response:
        return self._pages.html(
            "notice.html",
            headers=private(),
            words=words,
            title=words("noted_title"),
            text=words("noted_text"),
            write="",
            back=f"/p/{token}",
            back_label=words("back_to_choices"),
        )

    async def _choices(self, token: Token) -> Choices:
        if self._offer is None:
            await self._prepare()
        zone = self._newsroom.config.newsroom.timezone
        offered = self._offer or Offer()
        return await run_in_threadpool(subscriptions.choices, self._newsroom, token, offered, zone)

    async def _prepare(self) -> None:
        self._offer = await run_in_threadpool(preferences.offer, self._newsroom.store)

    async def _prepare_for_ever(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self._prepare()
            except StoreUnavailable:
                began -= OFFER_AGE - 10
            await asyncio.sleep(max(1.0, OFFER_AGE - (time.monotonic() - began)))


def _is_offered(step: Step, shown: Choices) -> bool:
    """Whether the page had this to choose. Of what it does not show, a label that the office put on
    people above all, nobody learns by trying whether it is there (F7)."""
    if step.act in (preferences.BEAT, preferences.OFF_BEAT):
        return not step.scope or any(beat.value == step.scope for beat in shown.beats)
    return step.act not in (LEAVE, BACK) or step.scope in (ALL, *(e.scope for e in shown.lists))


def _as_before(fields: Fields, before: Choices) -> list[tuple[str, str]]:
    """The fields of the same form as they stood before it was posted."""
    wishes = before.wishes
    values = {
        CAP: str(wishes.weekly_cap or ""),
        LANGUAGE: wishes.language,
        AWAY: before.away.isoformat() if before.away else "",
        OFFICE_HOURS: "1" if wishes.office_hours else "",
        NO_EMBARGOES: "1" if wishes.no_embargoes else "",
    }
    lists = {each.scope: each.receives for each in before.lists}
    beats = {each.value: each.receives for each in before.beats}
    undo = [("act", "undo")]
    for shown, kept, stood in (("shown", "keep", lists), ("beat_shown", "beat", beats)):
        for code in dict.fromkeys(fields.get(shown, [])[:_MOST]):
            if code in stood:
                undo.append((shown, code))
                if stood[code]:
                    undo.append((kept, code))
    for name in dict.fromkeys(fields.get("with", [])[:_MOST]):
        if name in values:
            undo += [("with", name), (name, values[name])]
    return undo
