"""The configuration: `config.toml` and `MAILER_…` overrides, read once into frozen objects.

`load` reads, checks and completes everything, so the rest of the program never sees a value
that cannot be used. Each fault is a `ConfigError` with file, line and column, one sentence and
what to do. Unknown keys are faults, and so are settings of the contract that this version does
not act on yet: nobody shall rely on a key that does nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mailer import config_values as values
from mailer.config_rules import RulesConfig
from mailer.config_values import BadValue, Listener

DEFAULT_ROUTE_URL = "smtp://127.0.0.1:1025"
"""The sandbox mail server that `serve`, `run` and `demo` start themselves."""

Basis = Literal["legitimate_interest", "public_contact", "opt_in", "existing_relationship"]
BASES: tuple[str, ...] = get_args(Basis)
"""Why a newsroom may write to a journalist (E7)."""


def _zone(value: Any) -> str:
    name = values.text(value)
    hint = 'Write it like "Europe/Brussels".'
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), 1)
        raise BadValue(
            f"is not a time zone: {values.quoted(name)}",
            f'Did you mean "{near[0]}"?' if near else hint,
        ) from None
    return name


Text = Annotated[str, BeforeValidator(values.text)]
Seconds = Annotated[float, BeforeValidator(values.duration)]
Age = Annotated[float, BeforeValidator(values.age)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False)


class NewsroomConfig(_Section):
    """Who sends: what stands in the masthead, the headers and the footer of each message."""

    name: Text
    sender: Annotated[str, BeforeValidator(values.mailbox)]
    reply_to: Annotated[str, BeforeValidator(values.mailbox)] = ""
    bounce_address: Annotated[str, BeforeValidator(values.plain_address)] = ""
    postal_address: Text = ""
    public_url: Annotated[str, BeforeValidator(values.public_url)] = ""
    timezone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    default_language: Annotated[str, BeforeValidator(values.language)] = "en"
    default_basis: Basis = "legitimate_interest"
    test_recipients: Annotated[tuple[str, ...], BeforeValidator(values.plain_addresses)] = ()
    accent: Annotated[str, BeforeValidator(values.accent)] = "#1f4e79"


class StoreConfig(_Section):
    """Where the ledger is kept. After loading, a SQLite path is absolute."""

    url: Annotated[str, BeforeValidator(values.store_url)] = Field(
        default="sqlite:///mailer.db", repr=False
    )


class SmtpTimeouts(_Section):
    """Seconds to wait for the mail server in each phase (RFC 5321 section 4.5.3.2; H10).

    `block` is the longest standstill while content is being written.
    """

    connect: Seconds = 60.0
    banner: Seconds = 300.0
    ehlo: Seconds = 300.0
    starttls: Seconds = 120.0
    auth: Seconds = 120.0
    mail: Seconds = 300.0
    rcpt: Seconds = 300.0
    data: Seconds = 120.0
    block: Seconds = 180.0
    dot: Seconds = 600.0


class WarmUp(_Section):
    """How many messages a new sending address may carry a day, rising evenly (A31).

    On the day `since` it is `first`, on each later day `growth` times as many; from `until` on
    there is no limit. A growth of 2 or more would be the doubling that providers take for spam.
    """

    since: Annotated[date, BeforeValidator(values.day)]
    first: int = Field(ge=1, le=1_000_000)
    growth: Annotated[float, BeforeValidator(values.number)] = Field(default=1.3, ge=1, lt=2)
    until: int = Field(default=100_000, ge=1)

    def limit(self, day: date) -> int | None:
        """Messages allowed on that day; None when the warm-up is over."""
        days = max(0, (day - self.since).days)
        if self.growth > 1 and days > 1000:
            return None
        limit = int(self.first * self.growth**days)
        return None if limit >= self.until else limit


class SmtpSection(_Section):
    """The default route, and whether anybody may be mailed for real."""

    url: Annotated[str, BeforeValidator(values.text)] = DEFAULT_ROUTE_URL
    password_file: Text = ""
    live: bool = False
    connections: int = Field(default=8, ge=1, le=1000)
    rate: Annotated[float, BeforeValidator(values.rate)] = 0.0
    warm_up: WarmUp | None = None
    timeouts: SmtpTimeouts = SmtpTimeouts()


class RouteSection(_Section):
    """One more route, [[routes]]."""

    name: Annotated[str, BeforeValidator(values.slug)]
    url: Annotated[str, BeforeValidator(values.text)]
    password_file: Text = ""
    domains: Annotated[tuple[str, ...], BeforeValidator(values.domains)] = ()
    order: int = Field(default=10, ge=0, le=1000)
    connections: int = Field(default=8, ge=1, le=1000)
    rate: Annotated[float, BeforeValidator(values.rate)] = 0.0
    warm_up: WarmUp | None = None


class DestinationConfig(_Section):
    """Limits towards one provider; 0 is no limit (H12). `rate` (messages a second) and
    `connections` (messages at once) hold over all processes and machines.

    `domains` may end in ".*" for any country's ending; a known provider's name needs none.
    """

    name: Annotated[str, BeforeValidator(values.slug)]
    domains: Annotated[tuple[str, ...], BeforeValidator(values.domains)] = ()
    connections: int = Field(default=0, ge=0, le=1000)
    rate: Annotated[float, BeforeValidator(values.rate)] = 0.0


class RouteConfig(_Section):
    """A way out. `password` is never shown; `rate` is messages a second, 0 without limit."""

    name: str
    host: str
    port: int
    user: str
    tls: Literal["implicit", "required", "offered", "never"]
    password: str = Field(repr=False)
    connections: int
    rate: float
    domains: tuple[str, ...] = ()
    order: int = 0
    warm_up: WarmUp | None = None
    timeouts: SmtpTimeouts = SmtpTimeouts()
    is_default_address: bool = False


class ServiceMailSection(_Section):
    """How the program's own mails leave; what is not said is as for press mail."""

    sender: Annotated[str, BeforeValidator(values.mailbox)] = ""
    url: Annotated[str, BeforeValidator(values.text)] = ""
    password_file: Text = ""

    @property
    def route(self) -> RouteSection | None:
        """Its own way out, as another route would be written; None without one."""
        if not self.url and not self.password_file:
            return None
        return RouteSection(name="service-mail", url=self.url, password_file=self.password_file)


class ServiceMailConfig(_Section):
    """Where the program's own mails come from ("" is the newsroom's sender), and their way out
    (None is that of press mail)."""

    sender: str = ""
    route: RouteConfig | None = None


class SendingConfig(_Section):
    """How deliveries are attempted. All durations are seconds."""

    processes: int = Field(default=0, ge=0, le=256)
    retry: Annotated[tuple[float, ...], BeforeValidator(values.retry_steps)] = (
        300.0,
        1800.0,
        3600.0,
        7200.0,
    )
    give_up_after: Seconds = 345_600.0
    late_grace: Seconds = 900.0
    approval: Literal["none", "second"] = "none"
    undo_window: Seconds = 60.0
    on_doubt: Literal["hold", "resend"] = "hold"
    rescue_after: Seconds = 30.0


class RetentionConfig(_Section):
    """For how long what is personal is kept (E13); in seconds. Suppressions are endless.

    `messages` is what is kept to write a message again, from its last attempt on; `raw_mail` mails
    as they came in; `files` copies of list rows and the like, and crash reports; `holds` people
    whom a doubt keeps back and who were never written to; `agreements` who agreed to an embargo.
    """

    messages: Age = 24 * 365.25 / 12 * 86_400
    raw_mail: Age = 90 * 86_400.0
    files: Age = 90 * 86_400.0
    holds: Age = 365.25 * 86_400
    agreements: Age = 24 * 365.25 / 12 * 86_400


class EmbargoConfig(_Section):
    """`by_mail`: who agrees behind his link gets the release as a mail too before the end, where
    one is queued for him (D3)."""

    by_mail: bool = True


class MediaConfig(_Section):
    """`inline`: messages carry the picture that they show, instead of linking to it (B2)."""

    inline: bool = False


class WebConfig(_Section):
    """The two listeners: one for journalists, one for the office."""

    public: Annotated[Listener, BeforeValidator(values.listener)] = Listener("127.0.0.1", 8025)
    desk: Annotated[Listener, BeforeValidator(values.listener)] = Listener("127.0.0.1", 8026)


class DkimSection(_Section):
    """As it stands in the file; `DkimConfig` is what becomes of it."""

    domain: Annotated[str, BeforeValidator(values.dkim_domain)]
    selector: Annotated[str, BeforeValidator(values.dkim_selector)]
    key_file: Text
    ed25519_selector: Annotated[str, BeforeValidator(values.dkim_selector)] = ""
    ed25519_key_file: Text = ""


class DkimKey(_Section):
    """A private key and the selector of its public half. `key` is one of `cryptography`'s RSA or
    Ed25519 private keys (None where they were not asked for); it is never shown nor written out.
    `fingerprint` is the SHA-256 of the public half."""

    selector: str
    path: Path
    key: Any = Field(repr=False, exclude=True)
    fingerprint: str


class DkimConfig(_Section):
    """Signing: the domain, and its keys in the order of the signatures (A5, A6)."""

    domain: str
    keys: tuple[DkimKey, ...]


class ConfigFile(_Section):
    newsroom: NewsroomConfig
    store: StoreConfig = StoreConfig()
    smtp: SmtpSection = SmtpSection()
    routes: list[RouteSection] = []
    destinations: list[DestinationConfig] = []
    sending: SendingConfig = SendingConfig()
    service_mail: ServiceMailSection | None = None
    dkim: DkimSection | None = None
    web: WebConfig = WebConfig()
    retention: RetentionConfig = RetentionConfig()
    media: MediaConfig = MediaConfig()
    embargo: EmbargoConfig = EmbargoConfig()
    rules: RulesConfig = RulesConfig()


class Config(_Section):
    """Everything that config.toml and the environment settle. Frozen, safe to print."""

    path: Path
    home: Path
    newsroom: NewsroomConfig
    store: StoreConfig
    routes: tuple[RouteConfig, ...]
    destinations: tuple[DestinationConfig, ...] = ()
    live: bool
    sending: SendingConfig
    web: WebConfig
    retention: RetentionConfig = RetentionConfig()
    media: MediaConfig = MediaConfig()
    embargo: EmbargoConfig = EmbargoConfig()
    rules: RulesConfig = RulesConfig()
    dkim: DkimConfig | None = None
    service_mail: ServiceMailConfig | None = None
    warnings: tuple[str, ...] = ()

    @property
    def sandbox_route(self) -> RouteConfig | None:
        """The route that leads to our own sandbox mail server, if any does."""
        return next((route for route in self.routes if route.is_default_address), None)

    @property
    def keys_dir(self) -> Path:
        """The folder of the token keys and the suppression key."""
        return self.home / "keys"

    @property
    def spool_dir(self) -> Path:
        """The folder of journals, the opt-out spool, locks and the sandbox's inbox."""
        return self.home / "spool"

    @property
    def lists_dir(self) -> Path:
        """The folder of list files and segments.toml."""
        return self.home / "lists"

    @property
    def templates_dir(self) -> Path:
        """The newsroom's own templates, looked into before the package's."""
        return self.home / "templates"

    def digest(self) -> str:
        """A SHA-256 over what must be equal on all machines of this newsroom.

        Secrets are left out, and so is what may differ by machine: paths, the store's address,
        listeners, numbers of processes and connections. A key that has its default is left out as
        well, so that a version that knows one more goes together with one that does not (ADR 16).
        """

        def said(part: BaseModel, exclude: Any = None) -> dict[str, Any]:
            return part.model_dump(mode="json", exclude=exclude, exclude_defaults=True)

        facts = {
            "newsroom": said(self.newsroom),
            "routes": [
                said(route, {"password", "connections", "timeouts"}) for route in self.routes
            ],
            "destinations": [said(each) for each in self.destinations],
            "live": self.live,
            "sending": said(self.sending, {"processes"}),
            "dkim": self.dkim and said(self.dkim, {"keys": {"__all__": {"path"}}}),
        }
        sections = {"retention": self.retention, "media": self.media, "rules": self.rules}
        for name, part in sections.items():
            if own := said(part):
                facts[name] = own
        canonical = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    signing_keys: bool = True,
) -> Config:
    """Read the configuration at `path`, else at MAILER_CONFIG, else ./config.toml.

    `environ` is the process's environment unless given; its MAILER_SECTION__KEY variables win
    over the file. Without `signing_keys` the keys of [dkim] are not read (they may have yet to be
    made) and are None. Raises `ConfigError`.
    """
    environ = os.environ if environ is None else environ
    path = path or Path(environ.get("MAILER_CONFIG") or "config.toml")
    from mailer.config_reader import Reader  # it needs the models above

    return Reader(path, environ, signing_keys=signing_keys).config()
