"""Find and change parts of an XMP packet, and leave every other byte of it as it is.

expat parses the packet. A document type is refused, so no entity can be expanded. Changes are made to the
bytes themselves: a serialiser would rename prefixes and lose line breaks inside attributes.

Source: XML 1.0 (W3C, fifth edition), section 3.1; XMP specification, part 1, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS = "xmlns"
# Prefixes that damaged packets use without declaring them.
_USUAL = {"tiff": "http://ns.adobe.com/tiff/1.0/", "xmp": "http://ns.adobe.com/xap/1.0/",
          "xap": "http://ns.adobe.com/xap/1.0/", "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
          "rdf": RDF}  # fmt: skip
_TAG = re.compile(rb"""<[^\s/>]+((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(/?)>""")
_ATTRIBUTE = re.compile(rb"""\s+[^\s=]+\s*=\s*("[^"]*"|'[^']*')""")
_BY_MARK = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
            (b"\xfe\xff", "utf-16"), (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"),
            (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))  # fmt: skip

_DEEPEST = 100  # levels; RDF needs a dozen

Edit: TypeAlias = tuple[int, int, bytes]
"""Start and end of the bytes to replace, and what replaces them."""


@dataclass(frozen=True)
class Name:
    """A name: its namespace, or its prefix where no namespace is declared; and its local part."""

    space: str
    local: str


@dataclass(frozen=True)
class Attribute:
    """An attribute: where it lies (with the blank before it), and where its value lies between the quotes."""

    name: Name
    value: str
    start: int
    end: int
    inner: int
    inner_end: int


@dataclass
class Element:
    """An element: where it and its content lie, and the namespaces by prefix that hold inside."""

    name: Name
    attributes: list[Attribute]
    scope: dict[str, str]
    start: int
    inner: int
    inner_end: int
    end: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def value(self) -> str:
        """The text of the element, without blanks around it."""
        return self.text.strip()


Part: TypeAlias = Attribute | Element


def to_utf8(packet: bytes) -> bytes:
    """Return an XMP packet in UTF-8 without the zeros that may pad it; ValueError if it is no text."""
    for mark, encoding in _BY_MARK:
        if packet.startswith(mark):
            text = packet.decode(encoding, "strict").lstrip("\ufeff").rstrip("\0")
            return re.sub(r"^<\?xml[^>]*\?>", "", text).encode()  # it names the old encoding
    packet = packet.rstrip(b"\0")
    packet.decode("utf-8", "strict")
    return packet


def parse(packet: bytes) -> Element:
    """Parse a packet in UTF-8. Prefixes that are not declared stand for themselves.

    Raises:
        ValueError: The packet is not well-formed, or has a document type.
    """
    roots: list[Element] = []
    open_: list[Element] = []

    def refuse(*_: object) -> None:
        raise ValueError("a document type")

    def begin(name: str, given: list[str]) -> None:
        at = parser.CurrentByteIndex
        tag = _TAG.match(packet, at)
        if tag is None:
            raise ValueError("a tag that cannot be read")
        pairs = list(zip(given[::2], given[1::2], strict=True))
        declared = {key.partition(":")[2]: value for key, value in pairs if key.partition(":")[0] == XMLNS}
        if len(open_) >= _DEEPEST:
            raise ValueError("too deep")
        outer = open_[-1].scope if open_ else {}
        scope = outer | declared if declared else outer
        places = list(_ATTRIBUTE.finditer(packet, tag.start(1), tag.end(1)))
        attributes = [
            Attribute(
                _resolve(key, scope, ""),
                value,
                place.start(),
                place.end(),
                place.start(1) + 1,
                place.end(1) - 1,
            )
            for (key, value), place in zip(pairs, places, strict=True)
        ]
        end = tag.end()
        made = Element(_resolve(name, scope, scope.get("", "")), attributes, scope, at, end, end, end)
        (open_[-1].children if open_ else roots).append(made)
        open_.append(made)

    def finish(_: str) -> None:
        done = open_.pop()
        if packet[done.inner - 2 : done.inner] != b"/>":
            done.inner_end = parser.CurrentByteIndex
            done.end = packet.index(b">", done.inner_end) + 1

    def read(text: str) -> None:
        open_[-1].text += text

    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler = read
    try:
        parser.Parse(packet, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return roots[0]


def _resolve(name: str, scope: dict[str, str], default: str) -> Name:
    prefix, colon, local = name.rpartition(":")
    return Name(scope.get(prefix, _USUAL.get(prefix, prefix)) if colon else default, local)


def change(packet: bytes, edits: Iterable[Edit]) -> bytes:
    """Make changes. One that lies inside of another is made by that one."""
    out, at = bytearray(), 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start < at:
            continue
        out += packet[at:start] + new
        at = end
    return bytes(out + packet[at:])


def walk(element: Element) -> Iterator[Part]:
    """Yield an element, its attributes (but no declarations), and the same of all elements inside it."""
    yield element
    yield from (each for each in element.attributes if not _is_syntax(each.name))
    for child in element.children:
        yield from walk(child)


def members(element: Element) -> Iterator[Part]:
    """Yield the properties of a structure, written as attributes, elements or a description."""
    yield from (each for each in element.attributes if not _is_syntax(each.name))
    for child in element.children:
        if child.name == Name(RDF, "Description"):
            yield from members(child)
        else:
            yield child


def items(element: Element) -> list[Element]:
    """The items of the array in a property."""
    return [item for array in element.children for item in array.children if item.name == Name(RDF, "li")]


def descriptions(root: Element) -> list[Element]:
    """The outermost descriptions of a packet."""
    bodies = [each for each in walk(root) if isinstance(each, Element) and each.name == Name(RDF, "RDF")]
    return [each for body in bodies[:1] for each in body.children]


def _is_syntax(name: Name) -> bool:
    return name.space in (RDF, "xml", XMLNS) or name == Name("", XMLNS)
