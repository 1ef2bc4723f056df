"""The one table of checks on a release's text: code, severity, function, in the order shown.

Codes are what scripts rely on and never change. A row without a function is found while the file
is read (`mailer/release/read`) or on the finished message (`mailer/message/checks.py`,
`mailer/distribution/preflight.py`). Errors are only those of the contract; a check may be a
warning in the table and still a weighty one: its author decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailer.release.model import Severity
from mailer.release.preflight import dates, events, links, media, parts, quotes, wording
from mailer.release.preflight.look import Hit, Look

Function = Callable[[Look], Iterator[Hit]]
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `severity` is that of what `function` finds; who finds it elsewhere says his own."""

    code: str
    severity: Severity
    function: Function | None = None


CHECKS: tuple[Check, ...] = (
    Check("no_headline", ERROR, parts.no_headline),
    Check("no_body", ERROR, parts.no_body),
    Check("no_contact", ERROR, parts.no_contact),
    Check("embargo_without_zone", ERROR),
    Check("embargo_in_gap", ERROR),
    Check("embargo_in_fold", ERROR),
    Check("embargo_weekday_mismatch", ERROR),
    Check("event_without_start", ERROR),
    Check("event_without_zone", ERROR),
    Check("event_in_gap", ERROR),
    Check("event_in_fold", ERROR),
    Check("event_weekday_mismatch", ERROR),
    Check("event_zone_season", ERROR),
    Check("event_ends_before_start", ERROR, events.ends_before_start),
    Check("leftover_mark", ERROR, wording.template_mark),
    Check("template", ERROR),
    Check("headline_all_caps", WARNING, parts.headline_all_caps),
    Check("headline_longer_than_subject", WARNING, parts.headline_longer_than_subject),
    Check("subject_all_caps", WARNING, parts.subject_all_caps),
    Check("subject_says_only_press_release", WARNING, parts.subject_says_only_press_release),
    Check("subject_false_reply", WARNING, parts.subject_false_reply),
    Check("duplicate_dateline", WARNING),
    Check("datelines_differ", WARNING),
    Check("weekday_mismatch", WARNING, dates.weekday_mismatch),
    Check("no_date", WARNING, parts.no_date),
    Check("placeholder_link", WARNING),
    Check("broken_link", WARNING, links.broken_link),
    Check("insecure_link", WARNING, links.insecure_link),
    Check("dead_link", WARNING),
    Check("picture_without_alt", WARNING, media.without_alt),
    Check("picture_without_credit", WARNING, media.without_credit),
    Check("media_without_licence", WARNING, media.without_licence),
    Check("picture_small", WARNING, media.small),
    Check("media_heavy", WARNING, media.heavy),
    Check("picture_moves_long", WARNING, media.moving),
    Check("pictures_not_shown", WARNING),
    Check("pdf_in_doubt", WARNING),
    Check("file_is_of_another_format", WARNING),
    Check("attached_mail_read", WARNING),
    Check("page_is_a_picture", WARNING),
    Check("tracked_changes_accepted", WARNING),
    Check("hidden_text_left_out", WARNING),
    Check("comments_left_out", WARNING),
    Check("forwarder_left_out", WARNING),
    Check("sender_not_in_text", WARNING),
    Check("page_around_left_out", WARNING),
    Check("page_margin_left_out", WARNING),
    Check("columns_read", WARNING),
    Check("words_joined", WARNING),
    Check("relative_link", WARNING),
    Check("active_content_removed", WARNING),
    Check("footnotes_as_notes", WARNING),
    Check("embedded_left_out", WARNING),
    Check("picture_left_out", WARNING),
    Check("large_picture", WARNING),
    Check("attachments_left_out", WARNING),
    Check("page_furniture_removed", WARNING),
    Check("sentence_joined", WARNING),
    Check("word_broken_at_line_end", WARNING),
    Check("html_as_text", WARNING, wording.html_as_text),
    Check("footnote_mark", WARNING, wording.footnote_mark),
    Check("unmarked_quote", WARNING),
    Check("editor_insertion_in_quote", WARNING),
    Check("quote_without_speaker", WARNING, quotes.quote_without_speaker),
    Check("contact_address_name_mismatch", WARNING),
    Check("contact_not_reachable", WARNING, parts.contact_not_reachable),
    Check("contact_outside_domain", WARNING, parts.contact_outside_domain),
    Check("contact_without_hours", WARNING, parts.contact_without_hours),
    Check("contact_off_at_lift", WARNING, parts.contact_off_at_lift),
    Check("doubled_word", WARNING, wording.doubled_word),
    Check("repeated_paragraph", WARNING, wording.repeated_paragraph),
    Check("leftover_mark", WARNING, wording.placeholder),
    Check("other_language", WARNING, wording.other_language),
    Check("words_not_placed", WARNING),
    Check("unknown_front_matter_key", WARNING),
    Check("no_issuer", WARNING, parts.no_issuer),
    Check("no_boilerplate", WARNING, parts.no_boilerplate),
    Check("embargo_zone_season", WARNING),
    Check("embargo_in_the_past", WARNING, dates.embargo_in_the_past),
    Check("event_not_read", WARNING, events.not_read),
    Check("event_in_the_past", WARNING, events.in_the_past),
    Check("event_without_place", WARNING, events.without_place),
    Check("event_deadline", WARNING, events.deadline),
    Check("contact_off_at_event", WARNING, events.contact_off),
    Check("advisory_under_embargo", WARNING, events.embargoed),
    Check("event_recognised", NOTE),
    Check("date_in_the_past", WARNING, dates.date_in_the_past),
    Check("low_contrast", WARNING),
    Check("html_near_limit", WARNING),
    Check("spam_score", WARNING),
)
"""Findings are shown errors first, then in this order, those of one code by line."""

ORDER = tuple(dict.fromkeys(check.code for check in CHECKS))
