"""mailer: press distribution that a newsroom can trust."""

__version__ = "0.1.0"
