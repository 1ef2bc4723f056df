"""The parts of a Word file, opened with care: bounded in size and number, no entities, no media.

What mammoth passes over without a word is made plain here first: tracked changes are accepted,
text boxes, fields, formulas and hidden runs become paragraphs, or texts that the author is told of.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field
from zipfile import BadZipFile, ZipFile, ZipInfo

from lxml import etree

from mailer.errors import InputError
from mailer.release.read.sniff import SUPPORTED, unsupported

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

MOST_PART = 16_000_000
"""Bytes of one XML part; a book of 500 pages has some 5 million."""
MOST_PARTS = 48_000_000
MOST_ENTRIES = 5_000

_THROUGH = "ins moveTo fldSimple smartTag customXml dir bdo ruby rubyBase rt"
_TRANSPARENT = {W + name for name in _THROUGH.split()}
_GONE = {W + "del", W + "moveFrom"}
_PAGE_FIELD = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES)\b", re.I)


@dataclass(slots=True)
class Parts:
    """A Word file taken apart. `main` is the document as mammoth may read it; `whole` are all its
    words; the others are texts that stand beside it."""

    main: bytes
    whole: str
    heads: list[str] = field(default_factory=list)
    feet: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    insertions: int = 0
    objects: list[str] = field(default_factory=list)
    media: list[tuple[str, int]] = field(default_factory=list)


def open_parts(data: bytes, name: str) -> Parts:
    """Take a Word file apart. Raises InputError for what is none, is broken, or unpacks to more
    than any document."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, name)
    except (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error) as error:
        if isinstance(error, NotImplementedError):
            raise broken(name, "it is packed in a way that is not known") from None
        raise broken(name, "its contents cannot be unpacked") from None
    except RuntimeError:
        raise InputError(
            "the file is protected by a password.", where=name, hint="Save it without one."
        ) from None


def broken(name: str, why: str) -> InputError:
    """The error for a Word file that cannot be opened."""
    return InputError(
        f"the Word file is broken: {why}.",
        where=name,
        hint="Open it in Word and save it again.",
    )


def _read(archive: ZipFile, name: str) -> Parts:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise broken(name, f"it has {len(entries):,} parts")
    names = {entry.filename for entry in entries}
    _is_word(archive, names, name)
    wanted = [e for e in entries if re.search(r"\.(xml|rels)$", e.filename, re.I)]
    # What the file says of its sizes comes first; what is unpacked is bounded all the same.
    if sum(entry.file_size for entry in wanted) > MOST_PARTS:
        raise _bomb(name)
    out, total = io.BytesIO(), 0
    parts = Parts(b"", "")
    texts: list[str] = []
    with ZipFile(out, "w") as packed:
        for entry in wanted:
            content = _bounded(archive, entry, name)
            total += len(content)
            if total > MOST_PARTS:
                raise _bomb(name)
            content = _part(parts, texts, entry.filename, content, name)
            packed.writestr(entry.filename, content)
    parts.media = [
        (entry.filename.rsplit("/", 1)[-1], entry.file_size)
        for entry in entries
        if "/media/" in entry.filename and entry.file_size
    ]
    parts.main, parts.whole = out.getvalue(), "\n".join(texts)
    return parts


def _is_word(archive: ZipFile, names: set[str], name: str) -> None:
    if "[Content_Types].xml" in names and any(each.startswith("word/") for each in names):
        return
    if any(each.startswith("xl/") for each in names):
        raise unsupported(name, "an Excel workbook")
    if any(each.startswith("ppt/") for each in names):
        raise unsupported(name, "a PowerPoint presentation")
    if "mimetype" in names:
        kind = archive.open("mimetype").read(100)
        if b"opendocument" in kind:
            raise unsupported(name, "an OpenDocument file", "Save it as .docx.")
        if b"epub" in kind:
            raise unsupported(name, "an e-book")
    raise unsupported(name, "a zip file", f"Unpack it; a release is {SUPPORTED}.")


def _bounded(archive: ZipFile, entry: ZipInfo, name: str) -> bytes:
    if entry.file_size > MOST_PART:
        raise _bomb(name)
    with archive.open(entry) as stream:
        content = stream.read(MOST_PART + 1)
    if len(content) > MOST_PART:
        raise _bomb(name)
    return content


def _bomb(name: str) -> InputError:
    return InputError(
        f"the Word file unpacks to more than {MOST_PARTS // 1_000_000} MB of text, more than any "
        "release.",
        where=name,
        hint="Check that it is the right file.",
    )


def _part(parts: Parts, texts: list[str], path: str, content: bytes, name: str) -> bytes:
    """One part as mammoth may see it; its words and what stands beside the text are noted."""
    if _STRICT in content[:4000]:
        content = content.replace(
            b"http://purl.oclc.org/ooxml/wordprocessingml/main", W.strip("{}").encode()
        ).replace(
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        )
    root = _parse(content, name)
    kind = path.rsplit("/", 1)[-1].lower()
    if not path.lower().startswith("word/") or root.tag not in {
        W + each for each in ("document", "hdr", "ftr", "footnotes", "endnotes", "comments")
    }:
        return _written(root)
    texts.append(_words(root))
    if root.tag == W + "hdr":
        parts.heads += _lines(root)
    elif root.tag == W + "ftr":
        parts.feet += _lines(root)
    elif root.tag == W + "comments" or kind.startswith("comments"):
        parts.comments += _lines(root)
    else:
        _plain(parts, root)
    return _written(root)


def _written(root: etree._Element) -> bytes:
    """A part written anew, so that mammoth's parser sees nothing that ours did not."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _parse(content: bytes, name: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    if b"<!" in content[:2000] and re.search(rb"<!(DOCTYPE|ENTITY)", content, re.I):
        raise _entities(name)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise broken(name, "one of its parts is no XML") from None
    # UTF-16 hides the declaration from a search of the bytes.
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise _entities(name)
    return root


def _entities(name: str) -> InputError:
    return InputError(
        "the Word file declares entities, which Word never writes and attackers do.",
        where=name,
        hint="Open it in Word and save it again.",
    )


def _words(root: etree._Element) -> str:
    """All words of a part, paragraph by paragraph, whatever they are in."""
    shown: list[str] = []
    aside: list[str] = []
    for element in root.iter():
        tag = element.tag
        if tag in {W + "t", W + "delText", _M + "t"} and not _is_double(element):
            run = next(element.iterancestors(W + "r"), None)
            apart = tag == W + "delText" or (run is not None and _is_hidden(run))
            (aside if apart else shown).append(element.text or "")
        elif tag in {W + "p", W + "br", W + "tab", W + "tc", W + "cr"}:
            shown.append("\n")
    return "".join(shown).replace("\u00ad", "") + "\n" + "\n".join(aside)


def _is_hidden(run: etree._Element) -> bool:
    vanish = run.find(f"{W}rPr/{W}vanish")
    return vanish is not None and vanish.get(W + "val") not in {"0", "false", "off"}


def _is_double(element: etree._Element) -> bool:
    """Whether text stands in the old form of a drawing whose new form has it too."""
    fallback = next(element.iterancestors(_MC + "Fallback"), None)
    if fallback is None:
        return False
    both = fallback.getparent()
    choices = [] if both is None else both.iterchildren(_MC + "Choice")
    return any(True for choice in choices for _ in choice.iter(W + "t"))


def _lines(root: etree._Element) -> list[str]:
    """The paragraphs of a header, footer or comment, without the numbers of pages."""
    _drop_page_numbers(root)
    rows = []
    for paragraph in root.iter(W + "p"):
        parts = [
            "\t" if node.tag == W + "tab" else "\n" if node.tag == W + "br" else node.text or ""
            for node in paragraph.iter(W + "t", W + "tab", W + "br")
            if next(node.iterancestors(W + "p")) is paragraph and not _is_double(node)
        ]
        rows += [" ".join(row.split()) for row in "".join(parts).split("\n")]
    return [row for row in rows if row]


def _drop_page_numbers(root: etree._Element) -> None:
    for simple in list(root.iter(W + "fldSimple")):
        if _PAGE_FIELD.match(simple.get(W + "instr") or ""):
            _remove(simple)


def _plain(parts: Parts, root: etree._Element) -> None:
    """Make a part so plain that mammoth loses nothing of it, and note what is taken out."""
    for both in list(root.iter(_MC + "AlternateContent")):
        _one_of(both)
    for gone in list(root.iter(*_GONE)):
        parts.deleted += [text for text in ["".join(map(str, gone.itertext())).strip()] if text]
        if next(gone.iterancestors(W + "rPr", W + "trPr"), None) is None:
            _remove(gone)
    parts.insertions += sum(1 for _ in root.iter(W + "ins", W + "moveTo"))
    for run in list(root.iter(W + "r")):
        if _is_hidden(run):
            text = "".join(node.text or "" for node in run.iter(W + "t"))
            if text.strip():
                parts.hidden.append(text)
            _remove(run)
    for box in list(root.iter(W + "txbxContent")):
        _lift_box(box)
    for formula in list(root.iter(_M + "oMath")):
        _as_run(formula, "".join(node.text or "" for node in formula.iter(_M + "t")))
    for transparent in [e for e in root.iter() if e.tag in _TRANSPARENT]:
        _unwrap(transparent)
    for extra in root.iter():
        if extra.tag == W + "object" or str(extra.tag).endswith(("}chart", "}relIds")):
            parts.objects.append("chart" if "chart" in str(extra.tag) else "embedded object")


def _one_of(both: etree._Element) -> None:
    """Of a drawing's two forms keep the one with words; the new one when both have them."""
    forms = [*both.iterchildren(_MC + "Choice"), *both.iterchildren(_MC + "Fallback")]
    best = next((form for form in forms if any(True for _ in form.iter(W + "t"))), None)
    if best is None and forms:
        best = forms[0]
    parent = both.getparent()
    if parent is None or best is None:
        return
    place = parent.index(both)
    for offset, child in enumerate(list(best)):
        parent.insert(place + offset, child)
    _remove(both)


def _lift_box(box: etree._Element) -> None:
    """A text box's paragraphs follow the paragraph that it is anchored in."""
    host = next(box.iterancestors(W + "p"), None)
    if host is None or host.getparent() is None:
        return
    outer = host.getparent()
    assert outer is not None
    place = outer.index(host)
    for offset, child in enumerate(list(box), 1):
        outer.insert(place + offset, child)
    _remove(box)


def _as_run(element: etree._Element, text: str) -> None:
    parent = element.getparent()
    if parent is None:
        return
    run = etree.Element(W + "r")
    etree.SubElement(run, W + "t").text = text
    while str(parent.tag).startswith(_M):
        outer = parent.getparent()
        if outer is None:
            return
        element, parent = parent, outer
    parent.insert(parent.index(element) + 1, run)
    _remove(element)


def _unwrap(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is None or parent.tag in {W + "rPr", W + "trPr", W + "pPr"}:
        return
    place = parent.index(element)
    # A ruby stands inside of its run; the runs in it stand beside it.
    if parent.tag == W + "r" and parent.getparent() is not None:
        outer = parent.getparent()
        assert outer is not None
        place, parent = outer.index(parent), outer
        place += 1
    for offset, child in enumerate(list(element)):
        parent.insert(place + offset, child)
    _remove(element)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
