"""How single values of the configuration are read: durations, ages, rates, mailboxes, addresses.

Each function takes what stands in the file and returns what the program works with, or raises
`BadValue` with a sentence that completes "`key` …" and a way out. None of them opens a file.
Here too is `key_positions`, which finds the line and column of each key, because the standard
library's TOML reader forgets them.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from email.headerregistry import Address
from email.headerregistry import HeaderRegistry as _HeaderRegistry
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_AGE = re.compile(r"(\d{1,5})(d|mo|y)")
_DAYS = {"d": 1.0, "mo": 365.25 / 12, "y": 365.25}
_SHORTEST_AGE, _LONGEST_AGE = 30, 3653
_RATE = re.compile(r"\d{1,9}(\.\d{1,6})?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_SLUG = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_DOMAIN = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
TLS_MODES = ("required", "offered", "never")


class BadValue(ValueError):
    """A value that cannot be used: `message` completes "`key` …", `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Listener(NamedTuple):
    """Where a web listener is bound; port 0 lets the system choose."""

    host: str
    port: int


class SmtpUrl(NamedTuple):
    """The parts of an SMTP address in the configuration."""

    host: str
    port: int
    user: str
    tls: str


def text(value: Any) -> str:
    """A line of text, trimmed; characters that could break a mail header are refused."""
    if not isinstance(value, str):
        raise BadValue(f"must be text, not {kind_of(value)}", 'Put it between quotes: "…".')
    if any(ord(sign) < 32 or ord(sign) == 127 or sign in "\x85\u2028\u2029" for sign in value):
        raise BadValue("holds a line break or another control character", "Write it on one line.")
    return value.strip()


def kind_of(value: Any) -> str:
    """What a TOML value is, in words."""
    if isinstance(value, bool):
        return "true or false"
    for kind, words in (
        (str, "text"),
        (int, "a number"),
        (float, "a number with a fraction"),
        (list, "a list"),
    ):
        if isinstance(value, kind):
            return words
    return "a table" if isinstance(value, dict) else "a date"


def duration(value: Any) -> float:
    """A duration such as "5m", "4d", "1h30m" as seconds."""
    hint = 'Write a number with a unit (s, m, h or d), such as "5m", "4d" or "1h30m".'
    if not isinstance(value, str):
        raise BadValue(f"must be a duration, not {kind_of(value)}", hint)
    compact = value.replace(" ", "")
    if not _DURATION.fullmatch(compact):
        raise BadValue(f"is not a duration: {quoted(value)}", hint)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(compact))
    if seconds > 366 * 86_400:
        raise BadValue(f"is longer than a year: {quoted(value)}", "Write a shorter duration.")
    return seconds


def age(value: Any) -> float:
    """How long something is kept, such as "90d", "24mo" or "2y", as seconds. A year has 365.25
    days, a month the twelfth part of it."""
    hint = 'Write a whole number with d, mo or y, such as "90d", "24mo" or "2y".'
    if not isinstance(value, str):
        raise BadValue(f"must be an age, not {kind_of(value)}", hint)
    found = _AGE.fullmatch(value.replace(" ", ""))
    if found is None:
        raise BadValue(f"is not an age: {quoted(value)}", hint)
    days = int(found[1]) * _DAYS[found[2]]
    if not _SHORTEST_AGE <= days <= _LONGEST_AGE:
        raise BadValue(
            f"is not between {_SHORTEST_AGE} days and ten years: {quoted(value)}",
            "Messages may be under way for weeks, and nothing personal is kept for ever.",
        )
    return days * 86_400


def retry_steps(value: Any) -> tuple[float, ...]:
    """The waiting times before second and later attempts, in seconds; the last one repeats."""
    hint = 'Write it like ["5m", "30m", "1h"].'
    if not isinstance(value, list | tuple):
        raise BadValue(f"must be a list of durations, not {kind_of(value)}", hint)
    steps = tuple(duration(step) for step in value)
    if not steps:
        raise BadValue("is an empty list", hint)
    if min(steps) <= 0:
        raise BadValue("holds a waiting time of zero", hint)
    return steps


def rate(value: Any) -> float:
    """Messages a second; 0 means no limit."""
    hint = 'Write messages per second, such as "20" or "0.5"; "0" means no limit.'
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue(f"must be a number, not {kind_of(value)}", hint)
    if not _RATE.fullmatch(str(value).strip()):
        raise BadValue(f"is not a number of messages per second: {quoted(str(value))}", hint)
    return float(value)


def number(value: Any) -> float:
    """A number, with or without a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"must be a number, not {kind_of(value)}", 'Write it like "1.3" unquoted.')
    return float(value)


def day(value: Any) -> date:
    """A day, as TOML writes it or as text."""
    hint = "Write it like 2026-12-01."
    if isinstance(value, datetime):
        raise BadValue("must be a day without a time", hint)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise BadValue(f"must be a day, not {kind_of(value)}", hint)
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise BadValue(f"is not a day: {quoted(value)}", hint) from None


def slug(value: Any) -> str:
    """A short name of lower-case letters, digits, dots and hyphens."""
    name = text(value)
    if not _SLUG.fullmatch(name):
        raise BadValue(
            f"is not a short name: {quoted(name)}",
            'Write lower-case letters, digits, dots and hyphens, such as "agency-relay".',
        )
    return name


def domains(value: Any) -> tuple[str, ...]:
    """Domains as A-labels; ".example.org" means it and all below, "yahoo.*" any ending."""
    hint = 'Write it like ["example.org", ".example.net"].'
    if not isinstance(value, list | tuple):
        raise BadValue(f"must be a list of domains, not {kind_of(value)}", hint)
    found = []
    for each in value:
        name = text(each).rstrip(".").lower()
        try:
            plain = name.removeprefix(".").removesuffix(".*")
            ascii_name = plain if plain.isascii() else plain.encode("idna").decode("ascii")
        except UnicodeError:
            ascii_name = ""
        if not _DOMAIN.fullmatch(ascii_name):
            raise BadValue(f"holds what is no domain: {quoted(text(each))}", hint)
        found.append(name.replace(plain, ascii_name))
    return tuple(found)


def language(value: Any) -> str:
    """A language tag such as "en" or "pt-BR"."""
    tag = text(value)
    if not _LANGUAGE.fullmatch(tag):
        raise BadValue(
            f"is not a language tag: {quoted(tag)}", 'Write a tag such as "en", "de" or "pt-BR".'
        )
    return tag


def accent(value: Any) -> str:
    """A colour as "#rrggbb", lower case."""
    colour = text(value).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise BadValue(
            f"is not a colour: {quoted(colour)}", 'Write it with six digits, such as "#1f4e79".'
        )
    return colour


def plain_address(value: Any) -> str:
    """One mail address without a display name; "" when empty."""
    address = text(value)
    if not address:
        return ""
    parsed = _one_mailbox(address, "press@example.org")
    if parsed.display_name or address != parsed.addr_spec:
        raise BadValue(
            f"must be the bare address: {quoted(address)}", f'Write "{parsed.addr_spec}".'
        )
    return address


def plain_addresses(value: Any) -> tuple[str, ...]:
    """A list of mail addresses without display names."""
    if not isinstance(value, list | tuple):
        raise BadValue(
            f"must be a list of addresses, not {kind_of(value)}", 'Write it like ["a@example.org"].'
        )
    if "" in value:
        raise BadValue("holds an empty address", "Leave the empty entry out.")
    return tuple(plain_address(one) for one in value)


def mailbox(value: Any) -> str:
    """One mailbox, with or without a display name; "" when empty."""
    whole = text(value)
    if whole:
        _one_mailbox(whole, "Open Dialog Press <press@example.org>")
    return whole


def mailbox_address(whole: str) -> str:
    """The bare address of a checked mailbox."""
    return _one_mailbox(whole, "").addr_spec


def public_url(value: Any) -> str:
    """The address journalists' links begin with, without a slash at the end; "" when empty."""
    url = text(value)
    if not url:
        return ""
    hint = 'Write it like "https://press.example.org".'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadValue(f"is not a web address: {quoted(url)}", hint) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadValue(f"is not a web address: {quoted(url)}", hint)
    if not url.isascii() or re.search(r'[\s<>"\\]', url):
        raise BadValue(
            f"holds characters that no link may hold: {quoted(url)}",
            "Write the host in its xn-- form and escape the rest with %.",
        )
    if "@" in parts.netloc:
        raise BadValue("names a user, and it is printed in every message", hint)
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise BadValue(f"must end before any ? or #: {quoted(url)}", hint)
    return url.rstrip("/")


def listener(value: Any) -> Listener:
    """HOST:PORT, an IPv6 address between square brackets."""
    whole = text(value)
    hint = 'Write host and port, such as "127.0.0.1:8025" or "[::1]:8025".'
    host, colon, port = whole.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise BadValue(f"is not a host and a port: {quoted(whole)}", hint)
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise BadValue(f"is not a host and a port: {quoted(whole)}", hint)
    return Listener(host, int(port))


def smtp_url(value: Any) -> SmtpUrl:
    """smtp://[user@]host[:port][?starttls=required|offered|never], or smtps://….

    Ports default to 25, or 587 with a user, and 465 for smtps (RFC 8314 section 3.3).
    """
    url = text(value)
    hint = 'Write it like "smtp://127.0.0.1:1025" or "smtps://user@mail.example.org".'
    wrong = BadValue(f"is not an SMTP address: {quoted(_without_password(url))}", hint)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.password is not None:
        raise BadValue(
            "holds a password",
            "Take it out of the address, put it into a file with mode 600 and name that file "
            "as password_file, or set MAILER_SMTP_PASSWORD.",
        )
    if parts.scheme not in ("smtp", "smtps") or not _is_host(parts.hostname) or port == 0:
        raise wrong
    if parts.path not in ("", "/") or parts.fragment:
        raise wrong
    user = unquote(parts.username or "")
    if any(ord(sign) < 33 for sign in user):
        raise wrong
    implicit = parts.scheme == "smtps"
    tls = _tls_mode(parts.query, implicit, user)
    host = parts.hostname or ""
    if user and tls in ("offered", "never") and not is_loopback(host):
        raise BadValue(
            f"would let the password of {quoted(user)} travel unencrypted",
            "Use smtps://, or ?starttls=required.",
        )
    return SmtpUrl(host, port or (465 if implicit else 587 if user else 25), user, tls)


def store_url(value: Any) -> str:
    """The store's address; what a relative SQLite path is relative to is settled by the loader."""
    url = text(value)
    hint = 'Write "sqlite:///mailer.db" or "postgresql://user@host/database".'
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    if url.startswith("postgresql://"):
        return url
    path = url.removeprefix("sqlite:///")
    if path == url or not path.strip("/"):
        raise BadValue(f"is not a store: {quoted(_without_password(url))}", hint)
    if ":memory:" in path or path.endswith("/") or path.startswith("file:"):
        raise BadValue("must name a file, since several processes share the store", hint)
    return url


def dkim_domain(value: Any) -> str:
    """The domain that signs (d=), lower case, at least two labels."""
    domain = text(value).lower()
    if not domain.isascii():
        raise BadValue(f"is outside ASCII: {quoted(domain)}", "Write the domain in its xn-- form.")
    if not _DOMAIN.fullmatch(domain) or "." not in domain or len(domain) > 253:
        raise BadValue(f"is not a domain: {quoted(domain)}", 'Write it like "example.org".')
    return domain


def dkim_selector(value: Any) -> str:
    """The name of a key in the DNS (s=), below `_domainkey` (RFC 6376 section 3.1)."""
    selector = text(value).lower()
    if selector and (not _DOMAIN.fullmatch(selector) or len(selector) > 63):
        raise BadValue(
            f"is not a selector: {quoted(selector)}",
            'Write letters, digits and hyphens, such as "mailer" or "2026a".',
        )
    return selector


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: an address of the loopback block, or `localhost`."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def quoted(value: str, limit: int = 60) -> str:
    """A value for a message: between quotes, controls escaped, not longer than `limit`."""
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in value)
    return f'"{shown if len(shown) <= limit else shown[: limit - 1] + "…"}"'


def key_positions(source: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """Line and column (from 1) of each table and key in a TOML text that is known to be valid.

    What stands in the second `[[name]]` has the key ("name", "1", …), counted from 0.
    """
    positions: dict[tuple[str, ...], tuple[int, int]] = {}
    table: tuple[str, ...] = ()
    repeated: dict[tuple[str, ...], int] = {}
    index, line, line_start = 0, 1, 0
    while index < len(source):
        sign = source[index]
        if sign == "\n":
            index, line = index + 1, line + 1
            line_start = index
        elif sign in " \t\r":
            index += 1
        elif sign == "#":
            index = _line_end(source, index)
        else:
            column = index - line_start + 1
            if sign == "[":
                end = _line_end(source, index)
                table = _key_parts(source[index:end].split("]")[0].strip("[ \t"))
                if source.startswith("[[", index):
                    count = repeated[table] = repeated.get(table, -1) + 1
                    table = (*table, str(count))
                elif table[:1] in repeated:  # [name.below] of the last [[name]]
                    table = (table[0], str(repeated[table[:1]]), *table[1:])
                positions.setdefault(table, (line, column))
            else:
                equals = _find_equals(source, index)
                key = table + _key_parts(source[index:equals])
                for depth in range(len(table) + 1, len(key) + 1):
                    positions.setdefault(key[:depth], (line, column))
                end = _value_end(source, equals + 1)
                last_break = source.rfind("\n", index, end)
                if last_break >= 0:
                    line += source.count("\n", index, end)
                    line_start = last_break + 1
            index = end
    return positions


def _one_mailbox(whole: str, example: str) -> Address:
    header = _HeaderRegistry()("Reply-To", whole)
    addresses: tuple[Address, ...] = header.addresses  # type: ignore[attr-defined]
    hint = f'Write it like "{example}".'
    if len(addresses) > 1:
        hint = "Write one; a name with a comma goes between quotes inside the text."
        raise BadValue(f"names more than one address: {quoted(whole)}", hint)
    if header.defects or len(addresses) != 1:
        raise BadValue(f"is not a mail address: {quoted(whole)}", hint)
    address = addresses[0]
    if not address.addr_spec.isascii():
        raise BadValue(
            f"is outside ASCII: {quoted(address.addr_spec)}",
            "Write the domain in its xn-- form, and choose a sender address within ASCII.",
        )
    local, domain = address.username, address.domain
    if not local or not _is_host(domain) or len(local) > 64 or domain.endswith("."):
        raise BadValue(f"is not a mail address: {quoted(whole)}", hint)
    return address


def _is_host(host: str | None) -> bool:
    if not host or len(host) > 253:
        return False
    return bool(_HOST.fullmatch(host)) or ":" in host


def _tls_mode(query: str, implicit: bool, user: str) -> str:
    name, _, mode = query.partition("=")
    if not query:
        return "implicit" if implicit else "required" if user else "offered"
    if name != "starttls" or mode not in TLS_MODES:
        raise BadValue(
            f"holds an option that does not exist: {quoted('?' + query)}",
            "The only one is ?starttls=required, ?starttls=offered or ?starttls=never.",
        )
    if implicit:
        raise BadValue(
            "asks for STARTTLS on a connection that smtps:// encrypts from its first byte",
            "Leave ?starttls out, or write smtp://.",
        )
    return mode


def _without_password(url: str) -> str:
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:…@", url)


def _line_end(source: str, index: int) -> int:
    end = source.find("\n", index)
    return len(source) if end < 0 else end


def _find_equals(source: str, index: int) -> int:
    quote = ""
    while index < len(source):
        sign = source[index]
        if quote:
            if sign == "\\" and quote == '"':
                index += 1
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif sign == "=":
            return index
        index += 1
    return len(source)


def _value_end(source: str, index: int) -> int:
    """The index after a value: the end of its line once no bracket or string is open."""
    depth = 0
    while index < len(source):
        sign = source[index]
        if sign in "\"'":
            fence = sign * 3 if source.startswith(sign * 3, index) else sign
            index += len(fence)
            while index < len(source) and not source.startswith(fence, index):
                index += 2 if source[index] == "\\" and sign == '"' else 1
            index += len(fence)
            while len(fence) == 3 and source.startswith(sign, index):
                index += 1
            continue
        if sign == "#":
            index = _line_end(source, index)
            continue
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        elif sign == "\n" and depth == 0:
            return index
        index += 1
    return index


def _key_parts(key: str) -> tuple[str, ...]:
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)', key)
    return tuple(basic or literal or bare for basic, literal, bare in parts)
