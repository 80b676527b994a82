#!/usr/bin/env python3
"""Write `gateway/niem/release.json.xz` from a copy of the NIEM 6.0 release.

    build_niem.py RELEASE [OUTPUT]

RELEASE holds `csv/` (the model's tables) and `xsd/` (its XML Schemas), as published by
niemopen/niem-model 6.0-ps02 (CC BY 4.0). The tables say what stands in which type, in which order,
and through which substitution or augmentation; the schemas say how often, what is abstract, what
may be a reference, and what a value looks like. Where the two contradict each other the script
stops, but for parts of namespaces whose schema is not there: those are left out and counted.

The output is the same, byte for byte, for the same release. Its JSON has:

    source        where it comes from
    namespaces    prefix -> URI, every prefix of the release
    types         type -> [parent or null, [[property, min, max], ...] (null: no limit),
                  simple type or null, [required attribute, ...]]
    properties    element -> [type, flags, substitution head or null]; flags: A abstract,
                  W augmentation wrapper
    attributes    attribute -> simple type
    simple        simple type -> {base | list | union, enum, pattern, and facets by their names}
"""

import csv
import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
SOURCE = "niemopen/niem-model 6.0-ps02, CC BY 4.0"
ROOTS = (
    "niem-core",
    "domains/justice",
    "domains/biom",
    "domains/screening",
    "domains/immigration",
    "domains/emergencyManagement",
    "domains/intelligence",
    "codes/ncic",
    "codes/usps",
    "codes/unece_rec20",
    "codes/ucr",
    "codes/ndex",
    "codes/nlets",
    "auxiliary/cui",
)
FACETS = (
    "length",
    "minLength",
    "maxLength",
    "minInclusive",
    "maxInclusive",
    "minExclusive",
    "maxExclusive",
    "totalDigits",
    "fractionDigits",
)
BUILT_IN_ATTRIBUTES = {"xml:lang": "xs:language"}


class Contradiction(Exception):
    """The tables and the schemas do not say the same."""


class Schemas:
    """The schema documents reachable from ROOTS, by qualified name of what they declare."""

    def __init__(self, folder: Path, prefixes: dict[str, str]) -> None:
        self.prefixes = prefixes
        self.elements: dict[str, tuple[Any, str]] = {}
        self.attributes: dict[str, str] = dict(BUILT_IN_ATTRIBUTES)
        self.complex: dict[str, Any] = {}
        self.simple: dict[str, Any] = {}
        seen: set[Path] = set()
        waiting = [(folder / f"{root}.xsd").resolve() for root in ROOTS]
        while waiting:
            path = waiting.pop(0)
            if path in seen or not path.exists():
                continue
            seen.add(path)
            document = etree.parse(str(path)).getroot()
            self._declare(document)
            links = [link.get("schemaLocation") for link in document.findall(f"{XS}import")]
            waiting += [(path.parent / link).resolve() for link in links if link]

    def name(self, node: Any, text: str) -> str:
        """Turn a name as written in a document into one with the release's prefix."""
        prefix, colon, local = text.rpartition(":")
        uri = node.nsmap.get(prefix if colon else None)
        return f"{self.prefixes.get(uri, prefix)}:{local}"

    def _declare(self, document: Any) -> None:
        prefix = self.prefixes.get(document.get("targetNamespace"))
        if prefix is None:
            return  # external standards stand behind adapters; JSON does not reach them
        for node in document:
            if not isinstance(node.tag, str) or node.get("name") is None:
                continue
            name = f"{prefix}:{node.get('name')}"
            if node.tag == f"{XS}element":
                kind = node.get("type")
                self.elements[name] = (node, self.name(node, kind) if kind else "")
            elif node.tag == f"{XS}attribute":
                self.attributes[name] = self.name(node, node.get("type"))
            elif node.tag == f"{XS}complexType":
                self.complex[name] = node
            elif node.tag == f"{XS}simpleType":
                self.simple[name] = node

    def type_entry(self, name: str) -> list[Any]:
        """Give [parent, particles, simple type, required attributes] of a complex type."""
        node = self.complex[name]
        extension = node.find(f"*/{XS}extension")
        holder = node if extension is None else extension
        base = None if extension is None else self.name(extension, extension.get("base"))
        particles = [
            self._particle(name, part)
            for part in holder.iterfind(f"{XS}sequence/*")
            if part.tag != f"{XS}annotation"
        ]
        required = [
            self.name(a, a.get("ref"))
            for a in holder.iterfind(f"{XS}attribute")
            if a.get("use") == "required"
        ]
        parent = base if base in self.complex else None
        simple = base if base is not None and parent is None else None
        return [parent, particles, simple, required]

    def _particle(self, name: str, part: Any) -> list[Any]:
        if part.tag != f"{XS}element":
            raise Contradiction(f"{name} holds {part.tag}, which is not foreseen")
        least, most = int(part.get("minOccurs", "1")), part.get("maxOccurs", "1")
        limit = None if most == "unbounded" else int(most)
        return [self.name(part, part.get("ref")), least, limit]

    def simple_entry(self, name: str) -> dict[str, Any]:
        """Give what the schemas say of a simple type, one derivation step."""
        node = self.simple[name]
        for form, attribute in (("union", "memberTypes"), ("list", "itemType")):
            if (found := node.find(f"{XS}{form}")) is not None:
                names = [self.name(found, n) for n in found.get(attribute).split()]
                return {form: names if form == "union" else names[0]}
        step = node.find(f"{XS}restriction")
        entry: dict[str, Any] = {"base": self.name(step, step.get("base"))}
        for key, tag in (("enum", "enumeration"), ("pattern", "pattern")):
            if values := [f.get("value") for f in step.iterfind(f"{XS}{tag}")]:
                entry[key] = values
        for facet in FACETS:
            if (found := step.find(f"{XS}{facet}")) is not None:
                entry[facet] = found.get("value")
        return entry


class Tables:
    """The model's CSV tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uris = {
            r["NamespacePrefix"]: r["VersionURI"]
            for r in self._rows("Namespace")
            if r["VersionURI"]
        }
        self.properties = {r["QualifiedProperty"]: r for r in self._rows("Property")}
        self.types = {r["QualifiedType"]: r for r in self._rows("Type")}
        self.content: dict[str, list[str]] = {}
        for r in self._rows("TypeContainsProperty"):
            self.content.setdefault(r["QualifiedType"], []).append(r["QualifiedProperty"])

    def _rows(self, name: str) -> Iterator[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)


def types_of(tables: Tables, schemas: Schemas) -> dict[str, list[Any]]:
    """Join the tables' contents, in their order, with the schemas' numbers."""
    found = {}
    for name, row in tables.types.items():
        if name not in schemas.complex or name.startswith("structures:"):
            continue
        parent, particles, simple, required = schemas.type_entry(name)
        if parent and parent.startswith("structures:"):
            parent = None  # it brings "@id" alone; the tables leave it out as well
        told = row["ParentQualifiedType"] or None
        if parent != told:
            raise Contradiction(f"{name} extends {told} in the tables, {parent} in the schemas")
        in_table = tables.content.get(name, [])
        elements = [p for p in in_table if tables.properties[p]["IsElement"] == "1"]
        if elements != [p[0] for p in particles]:
            raise Contradiction(f"{name} does not hold the same in tables and schemas")
        attributes = [[p, 0, 1] for p in in_table if tables.properties[p]["IsElement"] == "0"]
        if row["IsAugmentation"] == "1" and (required or any(p[1] for p in particles)):
            # Its wrapper vanishes in JSON, so the run time could not tell when it is needed.
            raise Contradiction(f"{name} is an augmentation and demands a part")
        # The order of attributes against elements never matters.
        found[name] = [parent, particles + attributes, simple, required]
    return found


def properties_of(tables: Tables, schemas: Schemas, types: dict[str, Any]) -> dict[str, list[Any]]:
    """Give each element its type, flags and substitution head."""
    found = {}
    for name, row in tables.properties.items():
        if row["IsElement"] == "0" or name not in schemas.elements:
            continue
        node, kind = schemas.elements[name]
        if kind != row["QualifiedType"]:
            raise Contradiction(f"{name} is {row['QualifiedType']} in the tables, {kind} else")
        head = node.get("substitutionGroup")
        head = schemas.name(node, head) if head else None
        if (row["SubstitutionGroupQualifiedProperty"] or None) != head:
            raise Contradiction(f"{name} substitutes {head} in the schemas only")
        flags = "A" * (node.get("abstract") == "true")
        if not flags and node.get("nillable") != "true":
            raise Contradiction(
                f"{name} may not be a reference, which the run time takes for granted"
            )
        flags += "W" * (tables.types.get(kind, {}).get("IsAugmentation") == "1")
        found[name] = [kind or None, flags, head]
        if kind and kind not in types and kind not in schemas.simple:
            raise Contradiction(f"{name} has the type {kind}, which nothing declares")
    return found


def simple_of(schemas: Schemas, wanted: set[str]) -> dict[str, Any]:
    """Give the simple types that are used, and what they are made of."""
    found: dict[str, Any] = {}
    waiting = sorted(wanted)
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith("xs:"):
            continue
        entry = found[name] = schemas.simple_entry(name)
        waiting += entry.get("union", []) + [entry[k] for k in ("base", "list") if k in entry]
    return dict(sorted(found.items()))


def build(release: Path) -> dict[str, Any]:
    """Read a release and give the content of the runtime file."""
    tables = Tables(release / "csv")
    schemas = Schemas(release / "xsd", {uri: prefix for prefix, uri in tables.uris.items()})
    types = types_of(tables, schemas)
    properties = properties_of(tables, schemas, types)
    attributes = {
        name: schemas.attributes[name]
        for name, row in tables.properties.items()
        if row["IsElement"] == "0" and name in schemas.attributes
    }
    wanted = {t[2] for t in types.values() if t[2]} | set(attributes.values())
    return {
        "source": SOURCE,
        "namespaces": tables.uris,
        "types": types,
        "properties": properties,
        "attributes": attributes,
        "simple": simple_of(schemas, wanted),
    }


def main(arguments: list[str]) -> int:
    """Build, and say how much."""
    if len(arguments) not in {1, 2}:
        print(__doc__)
        return 2
    default = Path(__file__).resolve().parent.parent / "gateway" / "niem" / "release.json.xz"
    output = Path(arguments[1]) if len(arguments) == 2 else default
    content = build(Path(arguments[0]))
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    # Named filters, so that the bytes do not hang on what a library holds for the default.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 22}]
    packed = lzma.compress(plain, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)
    output.write_bytes(packed)
    counts = ", ".join(f"{len(content[k])} {k}" for k in content if k != "source")
    print(f"{output}: {counts}; {len(plain):,} bytes, {len(packed):,} packed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
