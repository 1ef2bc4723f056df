"""What mail servers write, as patterns for the judge's table.

Only wordings seen in the documentation or the source of servers and providers, or in real
bounces. A pattern that may end in `dead` is kept narrow: it must say that the person or the
domain does not exist, and of the recipient, not of the sender.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


QUOTED_CODE = re.compile(r"(?<![\d.])[45]\.(\d{1,3}\.\d{1,3})(?![\d.])")
"""An enhanced code written inside the text, as in "(#5.1.1)" of qmail."""

WAIT = re.compile(
    r"(?:(?:again|retry|wait|back)(?: \w+){0,3} (?:in|after|for|at least)"
    r"|greylist\w* for|retry=|wait(?:ing)? at least)"
    r"[ :]*(?:(?P<minutes>\d{1,4}):(?P<rest>\d\d)\b"
    r"|(?P<number>\d{1,6})\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b)",
    re.IGNORECASE,
)
"""A time to wait: "try again in 5 minutes", "Greylisted for 300 seconds", "in 00:04:59" apart."""

GREYLIST = _any(r"gr[ae]y[- ]?list", r"try again later to be accepted", r"postgrey")

TOO_FAST = _any(
    r"too (?:fast|quickly|many (?:messages|connections|concurrent|emails|recipients|sessions))",
    r"rate[- ]?limit",
    r"(?:receiv\w+|sending) (?:mail|messages) (?:at a rate|too)",
    r"at a rate that prevents",
    r"unusual rate",
    r"(?:exceeded|exceeds|over)[^.]{0,40} (?:rate|messages per|connections? (?:limit|per))",
    r"throttl|frequency limited",
    r"\[TSS?0\d\]",  # Yahoo: temporarily deferred
    r"slow down",
)

SYSTEM = _any(r"insufficient (?:system (?:storage|resources)|disk space)", r"disk full on server")

TOO_LARGE = _any(
    r"\bmessage[^.]{0,40} (?:too (?:large|big|long)|exceed\w*|larger than|over(?:size| the size))",
    r"(?:maximum|max) message size",
    r"message size (?:limit|exceed)",
    r"(?:exceed\w*|larger than)[^.]{0,40} (?:message )?size limit (?:for|of) (?:a |this )?message",
    r"header\w* (?:size|too large|exceed)|message size violation",
)

OUR_LIMIT = _any(
    r"(?:daily|hourly)[^.;]{0,40} (?:sending|relay)[^.;]{0,20} (?:limit|quota)",
    r"(?:sending|relay|outbound) (?:limit|quota)[^.;]{0,20} (?:exceed|reach)",
    r"exceeded[^.;]{0,30} (?:sending|relay|outbound) (?:limit|quota)",
)
"""How much we may send by this service, not how much the recipient may keep."""

FULL = _any(
    r"(?:mail ?box|mail ?folder|mail ?drop|inbox|account|user|recipient)[^.;:]{0,60}"
    r" (?:is |are |was )?(?:almost )?(?:full|over ?full)\b",
    r"over[- ]?quota|over (?:the |its |their |his )?(?:allotted |disk |mail |storage )?quota",
    r"quota[^.]{0,30} (?:exceed|violat|reach|full)|exceed\w*[^.]{0,50} quota",
    r"(?:mail ?box|mail ?folder|account|user)[^.]{0,60} (?:exceed\w*|over|out of|reached)"
    r"[^.]{0,40} (?:quota|size|storage|space|limit|allowance)",
    r"(?:exceeded|out of|insufficient|not enough|no)[^.;]{0,20}"
    r" (?:storage|disk) ?(?:allocation|space|quota)?\b",
    r"mail ?box (?:size )?limit|mailbox full|quota full|skrzynka[^.]{0,40} pe[lł]na",
    r"boîte (?:aux lettres )?pleine",
    r"postfach (?:ist )?voll|buz[oó]n (?:est[aá] )?lleno|casella[^.]{0,40} piena",
)

EXPIRED = _any(
    r"message expired|delivery (?:time )?expired|retry (?:time ?out|timeout) exceeded",
    r"(?:could not be delivered|in (?:the )?queue) (?:for|within|after) [^.]{0,30}"
    r"(?:days?|hours?)",
    r"conversation with [^ ]+ timed out|connection timed out|too many hops|mail (?:is )?loop",
)

RELAY = _any(
    r"relay(?:ing)?(?: (?:access|mail))? (?:is )?(?:denied|not (?:permitted|allowed|authorized))",
    r"(?:unable|not allowed|not permitted|refus\w+|cannot|do(?:es)? not) to? ?relay",
    r"relay(?:ing)? (?:prohibited|rejected|disallowed)|rcpthosts|not a (?:local|relay) domain",
)

SENDER = _any(
    r"sender (?:address |domain |verify |e-?mail )?[^.]{0,60}"
    r"(?:reject|fail|denied|invalid|not found|unknown|does ?n.t exist|does not exist|blocked)",
    r"(?:invalid|bad|unknown|unresolvable|unverified) (?:sender|return[- ]path|envelope[- ]from)",
    r"(?:mail from|return[- ]path|envelope sender)[^.]{0,60} (?:invalid|reject|not|fail|den)",
    r"(?:client host|helo|ehlo)[^.]{0,60} (?:reject|invalid|not found|denied)",
    r"cannot find your (?:hostname|reverse)|domain of sender",
)

AUTHENTICATION = _any(
    r"\bspf\b|\bdkim\b|\bdmarc\b|5\.7\.515|unauthenticated|sender policy framework",
    r"(?:fails?|failed|not pass\w*|lacks?) (?:the )?authentication|not authenticated",
    r"\bptr\b|reverse[- ](?:dns|lookup|mapping|hostname)|no rdns|forward[- ]confirmed",
    r"(?:must|required to|please) (?:issue a starttls|use tls|authenticate)",
    r"turn on smtp authentication",
    r"authentication (?:is )?required|tls (?:is )?required|requires? (?:tls|encryption)",
)

SPAM = _any(
    r"(?:detected|classified|identified|considered|looks like|rejected as|likely|suspected|"
    r"flagged|scored|marked)[^.]{0,40} (?:spam|unsolicited|junk|bulk)",
    r"spam (?:message|content|detected|score|mail|reject|filter)|(?:is|this) spam\b",
    r"suspicion of spam|appears? to be unsolicited|\bDT:SPM\b",  # Yandex, Proton, 163
    r"unsolicited (?:mail|bulk|commercial|message|email)|anti-?spam|spamassassin|"
    r"\(?(?:HVU|CS01|CS02|HM\d{2,}|JMR\d)\b",
)

STRONG_POLICY = _any(
    r"black[- ]?list|block[- ]?list|deny[- ]?list|\bdnsbl\b|\brbl\b|spamhaus|spamcop|barracuda",
    r"sorbs|senderscore|proofpoint|cloudmark|invaluement|abusix|uceprotect|mailspike",
    r"reputation|\bspam|unsolicited|\babus(?:e|ive)\b|dynamic ip|residential ip",
    r"(?:has been|was|is|been|temporarily|permanently|your (?:ip|host|network|domain)"
    r"[^.]{0,40}) (?:blocked|banned|listed|barred)",
    r"\b(?:SC|OU|DY|RP)-00\d\b|\(S3\d{3}\)",  # Outlook.com
    r"tosa@rx\.t-online|dial-?up",  # T-Online
    r"banned sending ip|part of their network is on our block",
)

POLICY = _any(
    STRONG_POLICY.pattern,
    r"\bpolic(?:y|ies)\b|\bblocked\b|access denied|not (?:permitted|allowed|authori[sz]ed)",
    r"den(?:ied|y) (?:by|due)|prohibited|violat|administrat|restrict|security|suspicious",
    r"(?:rejected|refused|filtered) (?:due|for|because|by)|not accept\w*[^.]{0,30} from",
    r"message (?:was |has been )?(?:filtered|refused|rejected)|service refuse|bounce attack",
    r"service (?:unavailable|denied)[^.]{0,20}client host|listed (?:at|in|by|on)",
)

DECLARED_POLICY = _any(r"(?:for|due to|because of|by|violat\w*)[^.]{0,30} polic(?:y|ies)")

_PERSON = (
    r"(?:user(?: ?name| account| id| mailbox)?|recipient(?: address)?|mail ?box|addressee|"
    r"e-?mail (?:account|address)|address|account|alias|inbox|local ?part|person|customer)"
)
_GONE = (
    r"(?:unknown|not found|does ?n[o']?t exist|does not exist|did not exist|not exist|"
    r"is not (?:known|valid|registered|recogni[sz]ed|listed)|no longer (?:exists?|valid|in use)|"
    r"couldn.?t be found|could not be found|cannot be found|was not found|isn.?t found|"
    r"undeliverable: unknown|non-?existent|has been (?:deleted|removed|terminated))"
)

CLEAR_NO_USER = _any(
    r"no such (?:user|person|recipient|mail ?box|account|e-?mail|address|customer|local user)",
    r"(?:user|recipient|addressee|mail ?box) unknown|unknown (?:local )?(?:user|recipient)",
    r"unknown (?:or illegal )?(?:alias|addressee|account|mail ?box|local[- ]part)",
    r"the email account that you tried to reach does not exist",
    r"does ?n.?t have an? [^ ]{1,60} account",  # Yahoo
    r"user (?:[^ ]{1,80} )?(?:does ?n.t|does not) exist|user not found|user is unknown",
    r"no mail ?box (?:here )?(?:by|with|for|found)|not listed in domino directory",
    r"not (?:a|our) (?:known|valid|existing) (?:user|recipient|mail ?box|customer)",
    r"mail ?box (?:[^ ]{1,80} )?(?:does ?n.t|does not) exist|mail ?box not found",
    r"recipient not found|recipientnotfound|recipient (?:[^ ]{1,80} )?does not exist",
    r"utilisateur inconnu|destinataire inconnu|benutzer (?:ist )?unbekannt",
    r"empf[äa]nger (?:ist )?unbekannt|unbekannter (?:empf[äa]nger|benutzer)",
    r"usuario (?:desconocido|inexistente)|utente sconosciuto|usu[aá]rio desconhecido",
    r"nie ma takiego (?:u[żz]ytkownika|konta)|用户不存在|收件人不存在|존재하지 않는",
)

NO_USER = _any(
    rf"\b{_PERSON}\b[^.;]{{0,60}}? {_GONE}",
    rf"\b(?:unknown|invalid|non-?existent|bad) (?:destination )?{_PERSON}\b",
    r"bad destination mailbox address|not a (?:valid|known) address",
    r"account (?:[^ ]{1,80} )?(?:does ?n.t|does not) exist",
    r"(?:adresse|compte)[^.]{0,40} (?:n.existe pas|inconnue?)|existiert nicht|no existe",
)

SWITCHED_OFF = _any(
    r"(?:user|account|mail ?box|recipient|address)[^.;]{0,60}"
    r" (?:is |has been |was |currently |temporarily )*"
    r"(?:disabled|suspended|inactive|in-?active|locked|deactivated|frozen|not active|on hold)",
    r"inactive (?:user|account|mail ?box)|(?:disabled|suspended|locked) (?:user|account|mail ?box)",
    r"mailbox (?:temporarily )?disabled|disabled recipient|recipientdisabled",
    r"recipient account is blocked|archived recipient",
)

RECIPIENT_BLOCKED = _any(r"recipient(?:.s)? account is blocked|compte du destinataire est bloqu")
"""Their account is blocked, not we (Orange, La Poste)."""

EDGE = _any(r"recipient address rejected: access denied")
"""With 5.4.1: Exchange Online's edge does not know the recipient. The same words come while a
tenant is moved or set up wrongly."""

NO_DOMAIN = _any(
    r"(?<!sender )(?<!your )domain(?: name)?[^.;:]{0,40}"
    r" (?:not found|unknown|does not exist|does ?n.t exist)",
    r"(?<!sender )(?<!your )\bdomain [^ ;]{1,253} does not exist|domainnonexistent",
    r"no mail hosts for domain",
    r"unknown (?:mail )?(?:domain|host)\b|no such (?:domain|host)|host unknown|host not found",
    r"(?:domain|host)[^.;]{0,60} does not accept (?:e-?)?mail|null ?mx",
    r"bad destination (?:system|host)",
    r"nxdomain|unrout(?:e)?able (?:mail )?domain",
)

UNSAFE = _any(
    r"content presents a potential security|(?:mail|message) content denied",
    r"(?:contains|has|found|detected)[^.;]{0,30} (?:virus|malware)|virus (?:found|detected)",
)
"""What is in the message, told in words that also name a policy or spam."""

CONTENT = _any(
    r"\bvirus|malware|infected|phish",
    r"(?:message|mail|content|header|attachment|mime|url|link|subject|body)[^.]{0,60}"
    r" (?:not (?:rfc|accepted)|malformed|prohibited|banned|forbidden|disallowed|illegal|invalid)",
    r"(?:content|attachment|header|mime|body|url)\w*[^.]{0,20} reject|rejected[^.]{0,20} content",
    r"rfc ?\d{3,4}[ -]*(?:non-?)?complian|not (?:rfc|compliant)|bare (?:lf|cr|newline)",
    r"(?:missing|duplicate|multiple|invalid)[^.]{0,20} header|encoded-word syntax",
    r"lines? (?:is |are )?too long|8-?bit|headers? fail\w* syntax|file type",
)
