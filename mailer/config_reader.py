"""Reading config.toml and the environment into `mailer.config.Config`, and explaining faults.

`mailer.config.load` is the way in. What stands here turns each fault that TOML, the models or
the file system find into one sentence with file, line and column.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NoReturn, get_args

from pydantic import BaseModel, ValidationError

from mailer import config_values as values
from mailer.config import (
    DEFAULT_ROUTE_URL,
    Config,
    ConfigFile,
    DkimConfig,
    DkimKey,
    DkimSection,
    NewsroomConfig,
    RouteConfig,
    RouteSection,
    ServiceMailConfig,
    ServiceMailSection,
    SmtpSection,
    SmtpTimeouts,
    StoreConfig,
)
from mailer.config_keys import read_signing_key
from mailer.config_values import BadValue
from mailer.errors import ConfigError

# Room in the 64 octets of a VERP local part for "+b", a delivery, "-" and its tag (RFC 5321
# section 4.5.3.1.1).
_BOUNCE_LOCAL_MAX = 32


class Reader:
    """One reading of one file: knows where each value came from, to say it in errors."""

    def __init__(
        self, path: Path, environ: Mapping[str, str], *, signing_keys: bool = True
    ) -> None:
        self.path = path
        self.signing_keys = signing_keys
        self.environ = environ
        self.positions: dict[tuple[str, ...], tuple[int, int]] = {}
        self.from_environment: dict[tuple[str, ...], str] = {}
        self.warnings: list[str] = []
        self._timeouts = SmtpTimeouts()

    def config(self) -> Config:
        source = self._source()
        try:
            data = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise self._syntax_error(str(error), source) from None
        self.positions = values.key_positions(source)
        self._override(data)
        try:
            parsed = ConfigFile.model_validate(data)
        except ValidationError as error:
            self._explain(error)
        self._refuse_unbuilt(parsed)
        self._timeouts = parsed.smtp.timeouts
        home = self.path.absolute().parent
        routes = self._routes(parsed, "url" in data.get("smtp", {}), home)
        newsroom = self._newsroom(parsed)
        if parsed.smtp.live and not newsroom.postal_address:
            self._fail(
                ("smtp", "live"),
                "`live = true` needs the newsroom's postal address, which every message prints",
                "Fill in postal_address under [newsroom], or set live = false.",
            )
        if not values.is_loopback(parsed.web.desk.host):
            self._fail(
                ("web", "desk"),
                "`desk` may only listen on this machine, because this version knows no sign-in",
                'Write "127.0.0.1:8026".',
            )
        if parsed.web.desk.port and parsed.web.desk.port == parsed.web.public.port:
            self._fail(
                ("web", "desk"),
                "`desk` and `public` cannot listen on one port",
                "Give one of them another.",
            )
        return Config(
            path=self.path.absolute(),
            home=home,
            newsroom=newsroom,
            store=self._store(parsed.store, home),
            routes=routes,
            destinations=tuple(parsed.destinations),
            live=parsed.smtp.live,
            sending=parsed.sending,
            web=parsed.web,
            retention=parsed.retention,
            media=parsed.media,
            service_mail=self._service_mail(parsed.service_mail, home),
            rules=parsed.rules,
            dkim=None if parsed.dkim is None else self._dkim(parsed.dkim, home),
            warnings=tuple(self.warnings),
        )

    def _source(self) -> str:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise ConfigError(
                "There is no configuration here.",
                where=str(self.path),
                hint="Lay out a newsroom with `mailer init DIR`, or name its file with --config "
                "or MAILER_CONFIG.",
            ) from None
        except IsADirectoryError:
            raise ConfigError(
                "This is a folder, not a file.",
                where=str(self.path),
                hint="Name the config.toml inside it.",
            ) from None
        except OSError as error:
            raise ConfigError(
                f"The configuration cannot be read: {(error.strerror or 'error').lower()}.",
                where=str(self.path),
                hint="Let the user who runs mailer read it.",
            ) from None
        try:
            return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ConfigError(
                "The file is not written in UTF-8.",
                where=f"{self.path}, line {line}",
                hint="Save it as UTF-8.",
            ) from None

    def _syntax_error(self, reason: str, source: str) -> ConfigError:
        found = re.search(r"^(.*?) \(at (?:line (\d+), column (\d+)|(end of document))\)$", reason)
        if not found:
            return ConfigError(f"This is not TOML: {reason}.", where=str(self.path))
        what, line, column = found[1], found[2], found[3]
        if found[4]:
            line, column = str(source.count("\n") + 1), str(len(source.rsplit("\n")[-1]) + 1)
        return ConfigError(
            f"This is not TOML: {_in_plain_words(what)}.",
            where=f"{self.path}, line {line}, column {column}",
            hint="Compare the line with the sample configuration.",
        )

    def _override(self, data: dict[str, Any]) -> None:
        """Put MAILER_SECTION__KEY variables over what the file says."""
        for variable in sorted(self.environ):
            section, separator, key = variable.removeprefix("MAILER_").lower().partition("__")
            if not variable.startswith("MAILER_") or not separator:
                continue
            raw = self.environ[variable]
            where = f"environment variable {variable}"
            fields = _fields_of(section)
            if section in _LISTS:
                raise ConfigError(
                    f"[[{section}]] cannot be set in the environment.",
                    where=where,
                    hint="Unset it.",
                )
            if section not in ConfigFile.model_fields or (fields is not None and key not in fields):
                known = [
                    f"MAILER_{s}__{k}".upper()
                    for s in ConfigFile.model_fields
                    for k in _fields_of(s) or ()
                ]
                near = get_close_matches(variable, known, 1)
                raise ConfigError(
                    "No key of the configuration has this name.",
                    where=where,
                    hint=f"Did you mean {near[0]}?" if near else "Unset it.",
                )
            table = data.setdefault(section, {})
            if isinstance(table, dict):
                value = _toml_value(raw)
                wants_text = fields is not None and fields[key].annotation is str
                table[key] = raw if wants_text and not isinstance(value, str) else value
                self.from_environment[section, key] = where

    def _where(self, location: tuple[str | int, ...]) -> str:
        keys = tuple(map(str, location))
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.from_environment:
                return self.from_environment[keys[:length]]
            if position := self.positions.get(keys[:length]):
                return f"{self.path}, line {position[0]}, column {position[1]}"
        below = [key for key in self.from_environment if keys and key[0] == keys[0]]
        return self.from_environment[below[0]] if below else str(self.path)

    def _fail(self, location: tuple[str | int, ...], message: str, hint: str) -> NoReturn:
        raise ConfigError(f"{message}.", where=self._where(location), hint=hint) from None

    def _explain(self, error: ValidationError) -> NoReturn:
        """Raise the first fault, in the order of the file, as one sentence."""
        faults = error.errors(include_url=False, include_input=True)
        faults.sort(key=lambda fault: (fault["type"] == "missing", self._order(fault["loc"])))
        fault = faults[0]
        location, kind, context = fault["loc"], fault["type"], fault.get("ctx", {})
        key = str([part for part in location if isinstance(part, str)][-1])
        bad = context.get("error")
        if isinstance(bad, BadValue):
            self._fail(location, f"`{key}` {bad.message}", bad.hint)
        if kind == "extra_forbidden":
            self._unknown_key(location, key)
        if kind == "missing":
            self._missing_key(location, key)
        if kind == "literal_error":
            given = fault["input"]
            shown = values.quoted(given) if isinstance(given, str) else values.kind_of(given)
            expected = context["expected"].replace("'", '"').replace(' or "second"', "")
            self._fail(location, f"`{key}` cannot be {shown}", f"Write {expected}.")
        if kind in ("greater_than_equal", "less_than_equal", "less_than"):
            bound = context.get("ge", context.get("le", context.get("lt")))
            word = "small" if "ge" in context else "large"
            limit = "at least" if "ge" in context else "at most" if "le" in context else "less than"
            self._fail(
                location, f"`{key}` is too {word}: {fault['input']}", f"Write {limit} {bound}."
            )
        wanted, hint = _WANTED.get(kind, ("something else", "See the sample configuration."))
        shown = values.kind_of(fault["input"])
        self._fail(location, f"`{key}` must be {wanted}, not {shown}", hint)

    def _order(self, location: tuple[str | int, ...]) -> tuple[int, int]:
        keys = tuple(map(str, location))
        for length in range(len(keys), 0, -1):
            if position := self.positions.get(keys[:length]):
                return position
        return (0, 0)

    def _unknown_key(self, location: tuple[str | int, ...], key: str) -> NoReturn:
        if len(location) == 1:
            sections = list(ConfigFile.model_fields)
            near = get_close_matches(key, sections, 1)
            homes = [section for section in sections if key in (_fields_of(section) or ())]
            hint = f"The sections are {', '.join(f'[{name}]' for name in sections)}."
            if homes:
                hint = f"It belongs under [{homes[0]}]."
            elif near:
                hint = f"Did you mean [{near[0]}]?"
            what = "key" if homes else "section"
            self._fail(
                location,
                f"There is no {what} `{key}` at the top of the file"
                if homes
                else f"There is no section [{key}]",
                hint,
            )
        section = str(location[0])
        own = list(_fields_of(section) or ())
        homes = [name for name in ConfigFile.model_fields if key in (_fields_of(name) or ())]
        near = get_close_matches(key, own, 1)
        if homes:
            hint = f"It belongs under [{homes[0]}]."
        elif near:
            hint = f"Did you mean `{near[0]}`?"
        else:
            hint = f"The keys are {', '.join(own)}."
        inner = [str(part) for part in location[1:-1] if isinstance(part, str)]
        place = ".".join([section, *inner])
        if inner:
            hint = "See the sample configuration."
        self._fail(location, f"There is no key `{key}` in [{place}]", hint)

    def _missing_key(self, location: tuple[str | int, ...], key: str) -> NoReturn:
        if len(location) == 1:
            self._fail(
                location,
                f"The section [{key}] is missing",
                "It needs at least name and sender; see the sample configuration.",
            )
        place = ".".join(str(part) for part in location[:-1] if isinstance(part, str))
        example = _EXAMPLES.get((place, key)) or _EXAMPLES["newsroom", key]
        self._fail(
            location[:-1], f"`{key}` is missing in [{place}]", f"Add a line like {key} = {example}."
        )

    def _refuse_unbuilt(self, parsed: ConfigFile) -> None:
        if parsed.sending.approval == "second":
            self._fail(
                ("sending", "approval"),
                "This version cannot ask a second officer for approval",
                'Write approval = "none".',
            )

    def _newsroom(self, parsed: ConfigFile) -> NewsroomConfig:
        newsroom = parsed.newsroom
        for key in ("name", "sender"):
            if not getattr(newsroom, key):
                self._fail(("newsroom", key), f"`{key}` is empty", "Fill it in.")
        own = values.mailbox_address(newsroom.sender)
        bounce = newsroom.bounce_address or own
        if len(bounce.rpartition("@")[0]) > _BOUNCE_LOCAL_MAX:
            self._fail(
                ("newsroom", "bounce_address"),
                f"The part of the bounce address before the @ is longer than {_BOUNCE_LOCAL_MAX} "
                "characters, and each message adds its own mark to it",
                'Choose a short one, such as "bounces@example.org".',
            )
        web = parsed.web.public
        host = f"[{web.host}]" if ":" in web.host else web.host
        return newsroom.model_copy(
            update={
                "reply_to": newsroom.reply_to or own,
                "bounce_address": bounce,
                "public_url": newsroom.public_url or f"http://{host}:{web.port}",
            }
        )

    def _store(self, section: StoreConfig, home: Path) -> StoreConfig:
        if not section.url.startswith("sqlite:///"):
            if re.match(r"postgresql://[^/@]*:[^/@]+@", section.url) and (
                ("store", "url") not in self.from_environment
            ):
                self.warnings.append(
                    f"{self._where(('store', 'url'))}: `url` holds a password. Move it to "
                    "MAILER_STORE__URL or to a .pgpass file."
                )
            return section
        path = Path(section.url.removeprefix("sqlite:///")).expanduser()
        absolute = os.path.normpath(home / path)
        return StoreConfig(url=f"sqlite:///{absolute}")

    def _routes(self, parsed: ConfigFile, own: bool, home: Path) -> tuple[RouteConfig, ...]:
        """[smtp] and [[routes]]. Beside others, [smtp] is a route only if it names a server:
        what it is without one is the sandbox, where no release of theirs should end."""
        routes = [self._route(parsed.smtp, "default", ("smtp",), home)]
        if parsed.routes and not own:
            routes = []
        for number, section in enumerate(parsed.routes):
            place = ("routes", number)
            if section.name in {route.name for route in routes} | {"default"}:
                self._fail(
                    (*place, "name"),
                    f'Two routes have the name "{section.name}"',
                    "The history tells them apart by name; give one another.",
                )
            routes.append(self._route(section, section.name, place, home))
        return tuple(routes)

    def _route(
        self,
        section: SmtpSection | RouteSection,
        name: str,
        place: tuple[str | int, ...],
        home: Path,
    ) -> RouteConfig:
        try:
            url = values.smtp_url(section.url)
        except BadValue as error:
            self._fail((*place, "url"), f"`url` {error.message}", error.hint)
        more: dict[str, Any] = {}
        if isinstance(section, RouteSection):
            more = {"domains": section.domains, "order": section.order}
        return RouteConfig(
            name=name,
            host=url.host,
            port=url.port,
            user=url.user,
            tls=url.tls,  # type: ignore[arg-type]
            password=self._password(section, url.user, place, home),
            connections=section.connections,
            rate=section.rate,
            warm_up=section.warm_up,
            timeouts=self._timeouts,
            is_default_address=section.url.rstrip("/") == DEFAULT_ROUTE_URL,
            **more,
        )

    def _service_mail(
        self, section: ServiceMailSection | None, home: Path
    ) -> ServiceMailConfig | None:
        if section is None:
            return None
        if section.route is None:
            return ServiceMailConfig(sender=section.sender)
        route = self._route(section.route, section.route.name, ("service_mail",), home)
        return ServiceMailConfig(sender=section.sender, route=route)

    def _dkim(self, section: DkimSection, home: Path) -> DkimConfig:
        for key in ("selector", "key_file"):
            if not getattr(section, key):
                self._fail(("dkim", key), f"`{key}` is empty", "Fill it in.")
        for key, other in (("selector", "key_file"), ("key_file", "selector")):
            if getattr(section, f"ed25519_{key}") and not getattr(section, f"ed25519_{other}"):
                self._fail(
                    ("dkim", f"ed25519_{key}"),
                    f"`ed25519_{key}` is set, but `ed25519_{other}` is not",
                    "A second signature needs both, or neither.",
                )
        if section.ed25519_selector == section.selector:
            self._fail(
                ("dkim", "ed25519_selector"),
                "Both keys have the same selector, and a selector names one key in the DNS",
                "Give the second one a name of its own.",
            )
        keys = [self._dkim_key("rsa", section.selector, section.key_file, home)]
        if section.ed25519_selector:
            named = (section.ed25519_selector, section.ed25519_key_file)
            keys.append(self._dkim_key("ed25519", *named, home))
        return DkimConfig(domain=section.domain, keys=tuple(keys))

    def _dkim_key(
        self, kind: Literal["rsa", "ed25519"], selector: str, file: str, home: Path
    ) -> DkimKey:
        location = ("dkim", "key_file" if kind == "rsa" else "ed25519_key_file")
        path = home / Path(file).expanduser()
        if not self.signing_keys:
            return DkimKey(selector=selector, path=path, key=None, fingerprint="")
        try:
            found = read_signing_key(path, kind, file)
        except BadValue as error:
            self._fail(location, f"`{location[1]}` {error.message}", error.hint)
        for doubt in found.doubts:
            self.warnings.append(f"{self._where(location)}: {doubt}")
        return DkimKey(selector=selector, path=path, key=found.key, fingerprint=found.fingerprint)

    def _password(
        self,
        section: SmtpSection | RouteSection,
        user: str,
        place: tuple[str | int, ...],
        home: Path,
    ) -> str:
        location = (*place, "password_file")
        given = self.environ.get("MAILER_SMTP_PASSWORD", "") if place == ("smtp",) else ""
        if not section.password_file:
            return given if user else ""
        if not user:
            self._fail(
                location,
                "`password_file` is set, but `url` names no user",
                'Write the user into it: "smtps://user@mail.example.org".',
            )
        if given:
            return given
        path = home / Path(section.password_file).expanduser()
        try:
            mode = path.stat().st_mode
            content = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            self._fail(
                location,
                f"The password file {section.password_file} cannot be read: {reason.lower()}",
                "Put the password into it on one line, with mode 600.",
            )
        if mode & stat.S_IRWXO:
            self._fail(
                location,
                f"Everybody on this machine can read the password file {path}",
                f"Run: chmod 600 {path}",
            )
        if mode & stat.S_IRWXG:
            self.warnings.append(
                f"{self._where(location)}: the password file {path} can be read by its group. "
                f"Run: chmod 600 {path}"
            )
        password = content.rstrip("\r\n")
        if not password or "\n" in password or "\x00" in password:
            self._fail(
                location,
                f"The password file {section.password_file} does not hold one line",
                "Put the password into it on one line, with mode 600.",
            )
        return password


_LISTS = ("routes", "destinations")
"""Sections that may stand several times, as [[section]]."""

_WANTED = {
    "bool_type": ("true or false", "Write true or false, without quotes."),
    "int_type": ("a whole number", "Write digits without quotes."),
    "dict_type": ("a section", "Write it as a [section]."),
    "model_type": ("a section", "Write it as a [section]."),
    "list_type": ("a list", "Write it as a [[section]]."),
}


_EXAMPLES = {
    ("newsroom", "name"): '"Open Dialog Foundation"',
    ("newsroom", "sender"): '"Open Dialog Press <press@example.org>"',
    ("dkim", "domain"): '"example.org"',
    ("dkim", "selector"): '"mailer"',
    ("dkim", "key_file"): '"keys/mailer.pem"',
    ("routes", "name"): '"agencies"',
    ("routes", "url"): '"smtps://press@mail.example.org"',
    ("destinations", "name"): '"gmail"',
    ("smtp.warm_up", "since"): "2026-12-01",
    ("smtp.warm_up", "first"): "200",
    ("routes.warm_up", "since"): "2026-12-01",
    ("routes.warm_up", "first"): "200",
}


_SYNTAX = (
    ("Illegal character '\\n'", "a text in quotes ends with its line, but its quote is missing"),
    ("Unterminated string", "a text is not closed with a quote"),
    ("Invalid value", "the value is neither text in quotes, a number, true, false nor a list"),
    ("Cannot overwrite a value", "this key stands twice"),
    ("Cannot declare", "this section stands twice"),
    ("Expected ']' at the end of a table", "the name of a section is not closed with a ]"),
    ("Expected '=' after a key", "an = is missing after the key"),
    ("Unclosed array", "a list is not closed with a ]"),
    ("Expected newline or end of document", "something follows the value"),
)


def _in_plain_words(reason: str) -> str:
    for beginning, words in _SYNTAX:
        if reason.startswith(beginning):
            return words
    return reason[:1].lower() + reason[1:]


def _fields_of(section: str) -> dict[str, Any] | None:
    """The fields of a section, or None for one whose keys this version does not know."""
    field = ConfigFile.model_fields.get(section)
    kind: Any = field.annotation if field else None
    if section in _LISTS:
        (kind,) = get_args(kind)
    if isinstance(kind, UnionType):  # a section that may be left out
        kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return dict(kind.model_fields)
    return None


def _toml_value(raw: str) -> Any:
    """A variable's value as TOML, else as it stands."""
    try:
        parsed = tomllib.loads(f"value = {raw}")
    except tomllib.TOMLDecodeError:
        return raw
    return parsed["value"] if len(parsed) == 1 else raw
