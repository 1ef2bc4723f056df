"""How the newsroom's own sandbox server proves itself at EHLO (design decision 13)."""

from __future__ import annotations

import hashlib
import hmac

KEYWORD = "X-MAILER-SANDBOX"
"""The EHLO keyword; its parameter is the proof."""


def sandbox_proof(key: bytes, helo_name: str) -> str:
    """16 hexadecimal digits that only a holder of `key` can answer to this EHLO name."""
    return hmac.new(key, b"sandbox:" + helo_name.encode(), hashlib.sha256).hexdigest()[:16]


def is_proof(key: bytes, helo_name: str, answer: str) -> bool:
    """Whether `answer` proves knowledge of `key`; compared in constant time."""
    return hmac.compare_digest(
        sandbox_proof(key, helo_name).encode(), answer.strip().lower().encode("utf-8", "replace")
    )
