"""Where the defaults stand: the sample configuration, the templates and the sample lists.

In a checkout they are the repository's own `config.toml`, `templates/` and `lists/`; a wheel
carries the same files inside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def defaults_dir() -> Path:
    """The folder that holds config.toml, templates/ and lists/."""
    installed = _PACKAGE / "defaults"
    return installed if installed.is_dir() else _PACKAGE.parent
