"""One message's envelope: what this server takes of it, and the commands that begin it.

A message is checked here before anything of it is said; what the server cannot take gets its
outcome here, and the others go on.
"""

from __future__ import annotations

from mailer.smtp.content import ContentGate, check_address
from mailer.smtp.model import Outgoing, Phase, Reply
from mailer.smtp.reply import printable


class Mail:
    """One message between MAIL and its outcome."""

    __slots__ = ("commands", "content", "item", "recipient_taken", "refused", "size")

    def __init__(self, item: Outgoing, commands: bytes, content: list[bytes], size: int) -> None:
        self.item = item
        self.commands = commands
        self.content = content
        self.size = size
        self.recipient_taken = False
        self.refused = False


class Terms:
    """What a server said at EHLO, as far as each message needs it.

    `extensions` as in `Session`; with `chunking` False, CHUNKING is not used though offered.
    """

    __slots__ = (
        "_announces_size",
        "_eight_bit",
        "_gate",
        "_max_size",
        "_utf8",
        "chunking",
        "pipelining",
    )

    def __init__(self, extensions: dict[str, str], *, chunking: bool = True) -> None:
        self.pipelining = "PIPELINING" in extensions
        self.chunking = chunking and "CHUNKING" in extensions
        self._gate = ContentGate(doubling=not self.chunking)
        self._eight_bit = "8BITMIME" in extensions
        self._utf8 = "SMTPUTF8" in extensions
        size = extensions.get("SIZE", "")
        self._announces_size = "SIZE" in extensions
        self._max_size = int(size) if size.isascii() and size.isdigit() else 0

    def prepare(self, item: Outgoing) -> Mail | Reply:
        """Check one message and build its first commands, or the refusal it earns here."""
        sender, recipient = item.mail_from, item.rcpt_to
        try:
            check_address(sender)
            check_address(recipient)
            if not recipient:
                raise ValueError("the message has no recipient")
        except ValueError as error:
            return _refusal(553, "5.5.2", str(error))
        try:
            content, ascii_only = self._gate.admit(item.chunks)
        except ValueError as error:
            return _refusal(554, "5.6.0", str(error))
        if item.whole and content is item.chunks:
            content = [item.whole]
        parameters = ""
        # BDAT's number has to be right: what is beyond it would be read as commands.
        size = len(item.whole) or (0 if self.chunking else item.size)
        size = size or sum(map(len, item.chunks))
        if self._announces_size:
            if 0 < self._max_size < size:
                text = f"the message has {size} bytes, the server takes {self._max_size}"
                return _refusal(552, "5.3.4", text)
            parameters = f" SIZE={size}"
        if not (ascii_only or self._eight_bit):
            return _refusal(554, "5.6.3", "the message has 8-bit bytes, the server takes 7-bit")
        if item.smtputf8 or not (sender.isascii() and recipient.isascii()):
            if not self._utf8:
                text = "the address is not ASCII and the server does not offer SMTPUTF8"
                return _refusal(553, "5.6.7", text)
            parameters += " SMTPUTF8"
        if not ascii_only:
            parameters += " BODY=8BITMIME"
        commands = f"MAIL FROM:<{sender}>{parameters}\r\n"
        if self.pipelining:
            commands += f"RCPT TO:<{recipient}>\r\n"
            if not self.chunking:
                commands += "DATA\r\n"
        return Mail(item, commands.encode(), content, size)


def _refusal(code: int, enhanced: str, text: str) -> Reply:
    return Reply(Phase.MAIL, code, enhanced, printable(text), local=True)
