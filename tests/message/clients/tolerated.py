"""What messages use although some program lacks it, and what checkers say of them: each a reason.

The tests hold these lists to what is found: nothing may be missing and nothing may be left over.
"""

from __future__ import annotations

LACKING = {
    "css-at-media": "Phones and dark mode only; without it the mail is fluid, light.",
    "css-at-media-prefers-color-scheme": "Without it: light, or inverted by the program.",
    "css-background-color": "Partly: the values in use are plain #rrggbb, known everywhere.",
    "css-border": "Partly: under 8 px everywhere; in Word unreliable on paragraphs, so a hairline.",
    "css-box-sizing": "In the phone rules only; without it a stacked cell is as wide.",
    "css-color-scheme": "Tells Apple Mail that dark rules are there; nothing depends on it.",
    "css-display": "`block` makes a whole line the target; without it the link is shorter.",
    "css-display-none": "The preview line; 1 px, in the ground’s colour and mso-hide besides.",
    "css-font-size": "Partly: the values in use are px.",
    "css-font-weight": "Partly: the value in use is bold.",
    "css-height": "`auto`, of pictures; where it is lacking, the attributes give their size.",
    "css-important": "In media queries only, where it must beat style attributes.",
    "css-letter-spacing": "Partly: the value in use is 1 px.",
    "css-line-height": "Partly: Word needs mso-line-height-rule: exactly, which stands beside it.",
    "css-margin": "Partly: never negative; `auto` centres the column, and so does align=center.",
    "css-max-height": "Of the preview line, which Word hides by mso-hide.",
    "css-max-width": "Of column and picture; Word gets a table and attributes of fixed width.",
    "css-overflow": "A table of many columns scrolls by itself; without it the mail scrolls.",
    "css-overflow-wrap": "Breaks endless words on a phone; word-break stands beside it.",
    "css-padding": "Partly: in Word on cells only; button and choices have mso-padding-alt there.",
    "css-pseudo-class-hover": "A link's underline goes when pointed at; an ornament.",
    "css-selector-attribute": "[data-ogsc] and [data-ogsb] are there for Outlook's dark mode only.",
    "css-selector-class": "All selectors stand in the style block; see html-style.",
    "css-selector-descendant": "All selectors stand in the style block; see html-style.",
    "css-selector-grouping": "All selectors stand in the style block; see html-style.",
    "css-selector-type": "All selectors stand in the style block; see html-style.",
    "css-table-layout": "Keeps the frame of a wide table from growing; see css-overflow.",
    "css-text-align": "Partly: the values in use are left and right, never start and end.",
    "css-text-decoration": "Partly: the values in use are underline and none.",
    "css-text-transform": "Small capitals of labels; without them the words are the same.",
    "css-white-space": "Lines of code; where it is lacking, line breaks are still br elements.",
    "css-width": "Partly: 100% of pictures and, in the phone rules, of stacked cells.",
    "css-word-break": "Breaks endless words on a phone; overflow-wrap stands beside it.",
    "html-align": "Centres the column; `margin: auto` stands beside it.",
    "html-body": "Becomes a div: colours, language and direction stand on the first div again.",
    "html-dir": "On every element that needs it, the first div too; align stands on h1 besides.",
    "html-doctype": "Dropped by some; nothing in the layout depends on the mode of the browser.",
    "html-height": "Of a picture, for Word; elsewhere its style says `auto`.",
    "html-lang": "For voices and fonts; nothing depends on it.",
    "html-lists": "Partly: list marks of a special kind; here only discs and numbers.",
    "html-mailto-links": "Partly: subject and body in the address; here only the address.",
    "html-meta-color-scheme": "See css-color-scheme.",
    "html-role": "Tells voices that layout tables are none; there is little to read wrong.",
    "html-srcset": "A finer form of the picture for dense screens; without it, the plain one.",
    "html-style": "Holds nothing that reading depends on: media queries, dark mode, hover.",
    "html-width": "Partly: Word wants it in per cent or px without unit, which is what is used.",
}
"""Slugs of caniemail that some program does not support, or only partly."""

UNKNOWN = {
    "css:-ms-text-size-adjust": "Keeps Windows phones from enlarging text; others do not read it.",
    "css:-webkit-text-size-adjust": "Keeps iPhones from enlarging text; others do not read it.",
    "css:color": "Older than the data: known everywhere.",
    "css:font-family": "Older than the data: known everywhere; system fonts, a generic name last.",
    "css:mso-hide": "For Word only.",
    "css:mso-line-height-rule": "For Word only.",
    "css:mso-padding-alt": "For Word only.",
    "css:mso-table-lspace": "For Word only.",
    "css:mso-table-rspace": "For Word only.",
    "css:overflow-x": "See css-overflow.",
    "css:supported-color-schemes": "The older name of color-scheme.",
    "html:a": "Older than the data: known everywhere.",
    "html:br": "Older than the data: known everywhere.",
    "html:head": "Dropped by webmail; see html-style.",
    "html:html": "Dropped by webmail; see html-body.",
    "html:meta": "Dropped by webmail; see html-meta-color-scheme.",
    "html:title": "Dropped by webmail; the headline is an h1 besides.",
}
"""What caniemail does not judge."""

CONFORMANCE = {
    "no-deprecated-attr": "align, bgcolor, valign, width: for programs that do not read CSS there.",
}
"""Rules of html-validate that messages break."""

ACCESSIBILITY = {
    "landmark-one-main": "A mail is shown inside a page with landmarks; Gmail strips them anyway.",
    "region": "The same.",
}
"""Rules of axe-core that messages break."""
