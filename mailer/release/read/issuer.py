"""Who publishes a release: seldom stated, mostly to be inferred."""

from __future__ import annotations

import re
from collections import Counter

from mailer.release.model import Block, Issuer
from mailer.release.read import contacts, furniture, marks
from mailer.release.read import sections as parts
from mailer.release.read import top as tops
from mailer.release.read.frontmatter import FrontMatter
from mailer.release.text import UPPER, fold, sentences, words

_DECLINING = frozenset(["pl", "cs", "sk", "uk", "ru", "sr", "hr", "lt", "lv", "et", "fi", "hu"])


def find(
    front: FrontMatter,
    lifted: furniture.Lifted,
    sections: parts.Sections,
    lead: Block | None,
    body: tuple[Block, ...],
    top: tops.Top,
    language: str,
) -> Issuer | None:
    """Who publishes: as declared, else inferred from footer, boilerplate, text and addresses."""
    declared = front.get("issuer")
    if declared:
        return Issuer(declared)
    text = "\n".join(block.text for block in ([lead] if lead else []) + list(body))
    if sections.boilerplate:
        name = marks.about_name(sections.boilerplate.heading)
        if name:
            about = "\n".join(block.text for block in sections.boilerplate.blocks)
            return Issuer(_nominative(name, text, about, language), inferred=True)
    labels = [office.label for office in (*lifted.offices, *sections.offices)]
    labels += [lifted.wordmark or "", top.wordmark or "", sections.wordmark or ""]
    named = [label for label in labels if label and label in text]
    if named:
        return Issuer(max(named, key=text.count), inferred=True)
    groups = top.contact_groups + sections.contact_groups
    lines = [line for group in groups for _, line in group]
    domains = {email.split("@")[1].lower() for email in contacts.EMAIL.findall("\n".join(lines))}
    found = _named_by_domain(text, domains)
    return Issuer(found, inferred=True) if found else None


def _nominative(name: str, text: str, about: str, language: str) -> str:
    """The form in which the text itself has a name that a heading declines ("O Fundacji …").

    A heading of one word is often only the beginning; `about`, the boilerplate, has the whole.
    """
    if language.split("-")[0] not in _DECLINING:
        return name
    stems = [re.escape(part[: max(3, len(part) - 3)]) + r"\w{0,5}" for part in words(name)]
    pattern = r"\W{1,3}".join(stems) + r"(?!\w)[»”\"]?"
    if len(stems) == 1:
        whole = re.match(rf"{pattern}(?:\s+[{UPPER}][\w-]+)+", about, re.IGNORECASE)
        capital = re.match(rf"\S+(?:\s+[{UPPER}][\w-]+)+", about)
        if whole and capital:
            return capital.group()
    # A name that opens a sentence is most often its subject.
    opening = [re.match(pattern, text[start:end], re.I) for start, end in sentences(text)]
    forms = Counter(match.group() for match in opening if match)
    return forms.most_common(1)[0][0] if forms else name


def _named_by_domain(text: str, domains: set[str]) -> str | None:
    """A name in the text that a contact's domain abbreviates ("odfoundation")."""
    word = rf"[{UPPER}][\w&'’-]*"
    names = Counter(
        re.findall(rf"\b{word}(?:\s+(?:(?:of|for|and|de|für|the|la|des)\s+)?{word}){{0,5}}", text)
    )
    labels = {fold(part) for domain in domains for part in domain.split(".")[:-1] if len(part) > 2}
    best: tuple[int, int, str] | None = None
    for name, count in names.items():
        split = [fold(part) for part in re.sub(r"^The\s+", "", name).split()]
        split = [part for part in split if part]
        forms = {"".join(split), "".join(part[0] for part in split)}
        forms |= {
            "".join(part[0] for part in split[:cut]) + "".join(split[cut:])
            for cut in range(1, len(split))
        }
        if len(split) > 1 and labels & {form for form in forms if len(form) > 2}:
            rank = (count, len(name), re.sub(r"^The\s+", "", name))
            best = max(best, rank) if best else rank
    return best[2] if best else None
