"""What the sandbox mail server caught, for the desk's inbox page and for checks."""

from pathlib import Path

from mailer.config import Config
from mailer.smtp.inbox import Caught, Inbox

__all__ = ["Caught", "Inbox", "inbox_path"]


def inbox_path(config: Config) -> Path:
    """Where the sandbox keeps what it caught."""
    return config.spool_dir / "inbox.db"
