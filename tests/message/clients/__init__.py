"""What mail programs make of a message: the mails to try, sanitisers, and the data of caniemail.

`mails` has every kind of message, `sanitisers` does to its HTML what Gmail, Outlook and the dark
modes do, `support` asks caniemail, and `tolerated` holds what is put up with, each with its reason.
`python -m tests.message.clients` writes those lists into docs/email-html.md.
"""
