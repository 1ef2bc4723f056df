"""Names of a package that are loaded when somebody first asks for them (PEP 562).

Processes start fast because they load what they need: a sender needs neither the template engine
nor the readers of releases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def loaded_later(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package: for each name of `places` the module below it that has it.

    A name must not be that of such a module, which would take its place once it is loaded.
    """

    def find(name: str) -> object:
        if name in places:
            return getattr(import_module(f"{package}.{places[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
