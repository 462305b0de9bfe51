"""The description of the interface (OpenAPI 3.1), made from the list of operations and the schemas here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from inspect import getdoc
from typing import TYPE_CHECKING, Any

import retouch
from retouch.api.editing import FORMATS

if TYPE_CHECKING:
    from retouch.server.operations import Operation

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_BOX: Schema = {
    "description": "left, top, width, height, in pixels of the upright photo",
    "type": "array",
    "items": _NUMBER,
    "minItems": 4,
    "maxItems": 4,
}
_PNG: Schema = {
    "description": "a PNG of the box's size, 255 = all",
    "type": "string",
    "contentEncoding": "base64",
}
_SEED: Schema = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(optional: str = "", closed: bool = False, **fields: Schema) -> Schema:
    """An object whose fields are all there, but those named as optional."""
    left_out = optional.split()
    made: Schema = {"type": "object", "properties": fields}
    required = [name for name in fields if name not in left_out]
    if required:
        made["required"] = required
    if closed:
        made["additionalProperties"] = False
    return made


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_MASK = _object(box=_BOX, mask=_PNG)
_EDIT = _object(
    id=_TEXT,
    box=_BOX,
    model=_TEXT,
    seed=_SEED,
    seconds=_SECONDS,
    filled_by={"type": "object", "additionalProperties": _NUMBER},
    notes=_TEXTS,
    references=_TEXTS,
)
_ENTRY = _object(name=_TEXT, path=_TEXT)

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=_object(code=_TEXT, message=_TEXT)),
    "Info": _object(
        version=_TEXT,
        models={"type": "array", "items": _object(name=_TEXT, title=_TEXT, seeds=_FLAG)},
        default=_TEXT,
        limits={"type": "object", "additionalProperties": {"type": "number"}},
        language=_TEXT,
        mode={"enum": ["edit", "serve"]},
        wait=_FLAG,
        photo=_maybe(_TEXT),
        files=_FLAG,
        token=_FLAG,
        lines=_FLAG,
    ),
    "Files": _object(
        path=_TEXT,
        folders={"type": "array", "items": _ENTRY},
        photos={"type": "array", "items": _object(name=_TEXT, path=_TEXT, bytes=_NUMBER)},
    ),
    "File": _object(path=_TEXT, closed=True),
    "Photo": _object(
        id=_TEXT,
        name=_TEXT,
        width=_NUMBER,
        height=_NUMBER,
        tile=_NUMBER,
        levels=_NUMBER,
        revision=_NUMBER,
        transparent=_FLAG,
        depth=_NUMBER,
        format=_TEXT,
        notes=_TEXTS,
        edits={"type": "array", "items": _EDIT},
        undo=_FLAG,
        redo=_FLAG,
        unsaved=_FLAG,
        references={
            "type": "array",
            "items": _object(id=_TEXT, name=_TEXT, width=_NUMBER, height=_NUMBER),
        },
        job=_maybe(_TEXT),
    ),
    "Mask": _MASK,
    "Area": _object(box=_maybe(_BOX), mask=_maybe(_PNG)),
    "ReadMask": _object(box=_maybe(_BOX), mask=_maybe(_PNG), notes=_TEXTS),
    "Fill": _object(
        optional="box mask transparent model seed refine confidence dilate feather variants include avoid "
        "lines references_only any_light revision",
        closed=True,
        box=_BOX,
        mask=_PNG,
        transparent=_FLAG,
        model=_TEXT,
        seed=_SEED,
        refine=_FLAG,
        confidence=_FLAG,
        dilate={"type": "integer", "minimum": 0, "maximum": 500},
        feather={"type": "integer", "minimum": 0, "maximum": 500},
        variants={"type": "integer", "minimum": 1, "maximum": 8},
        include=_ref("Mask"),
        avoid=_ref("Mask"),
        lines=_ref("Mask"),
        references_only=_FLAG,
        any_light=_FLAG,
        revision=_NUMBER,
    ),
    "Started": _object(job=_TEXT),
    "Job": _object(
        optional="message revision edits variants preview",
        id=_TEXT,
        photo=_TEXT,
        state={"enum": ["waiting", "running", "done", "failed", "cancelled"]},
        fraction=_SHARE,
        stage=_TEXT,
        seconds=_SECONDS,
        message=_TEXT,
        revision=_NUMBER,
        edits=_TEXTS,
        variants={"type": "array", "items": _object(id=_TEXT, seed=_SEED, box=_BOX)},
        preview=_object(box=_BOX, url=_TEXT),
    ),
    "Seen": _object(optional="revision", closed=True, revision=_NUMBER),
    "Select": _object(
        optional="points box view tolerance",
        closed=True,
        kind={"enum": ["click", "box", "scribble", "wand"]},
        points={
            "description": "x, y, and 1 = of the object or 0 = not",
            "type": "array",
            "items": {"type": "array", "items": _NUMBER, "minItems": 3, "maxItems": 3},
        },
        box=_BOX,
        view=_BOX,
        tolerance={"type": "integer", "minimum": 0, "maximum": 255},
    ),
    "Source": _object(
        x=_maybe(_NUMBER), y=_maybe(_NUMBER), reference=_maybe(_TEXT), confidence=_maybe(_SHARE)
    ),
    "Save": _object(optional="path overwrite", closed=True, path=_TEXT, overwrite=_FLAG),
    "Saved": _object(path=_maybe(_TEXT), notes=_TEXTS),
}

_QUERY: dict[str, Schema] = {
    "text": _TEXT,
    "number": _NUMBER,
    "flag": {"enum": ["0", "1"]},
    "format": {"enum": list(FORMATS)},
}


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe the interface."""
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        path = re.sub(r"{(\w+):\w+}", r"{\1}", each.path)
        paths.setdefault(path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "retouch", "version": retouch.__version__},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _NUMBER if kind else _TEXT}
        for name, kind in re.findall(r"{(\w+)(:number)?}", operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": name in operation.required, "schema": _QUERY[kind]}
        for name, kind in operation.query.items()
    ]
    answer: dict[str, Any] = {"description": "as asked for"}
    if operation.answer is not None:
        answer["content"] = _content(operation.answer)
    made: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": (getdoc(operation.handler) or "").partition("\n")[0],
        "responses": {
            str(operation.status): answer,
            "default": {"description": "refused", "content": _content("Error")},
        },
    }
    if parameters:
        made["parameters"] = parameters
    if operation.body:
        content: dict[str, Any] = {}
        for body in operation.body:
            content |= _content(body)
        made["requestBody"] = {"content": content, "required": operation.body[0] not in ("Seen", "Save")}
    return made


def _content(kind: str) -> dict[str, Any]:
    """A schema as JSON, or bytes of a media type."""
    return {"application/json": {"schema": _ref(kind)}} if kind in SCHEMAS else {kind: {}}
