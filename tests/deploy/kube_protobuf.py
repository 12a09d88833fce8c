"""Read what Helm sends as protocol buffers: the Secrets in which it stores its releases.

client-go's typed client sends these and nothing else so. The fields are numbered in
`k8s.io/api/core/v1/generated.proto` and `k8s.io/apimachinery/…/generated.proto`.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

MAGIC = b"k8s\0"
VARINT, BYTES = 0, 2  # wire types
TYPE_META, RAW = 1, 2  # of the outer message
META_TEXTS = {1: "name", 3: "namespace", 6: "resourceVersion"}
META_MAPS = {11: "labels", 12: "annotations"}
SECRET_DATA, SECRET_TYPE = 2, 3
Fields = Mapping[int, list[Any]]


def read_secret(body: bytes) -> dict[str, Any]:
    """Return the Secret of a request as an object. Raise ValueError for anything else."""
    if not body.startswith(MAGIC):
        raise ValueError("no protocol buffer of Kubernetes")
    outer = _fields(body[len(MAGIC) :])
    about = _fields(outer[TYPE_META][0])
    version, kind = about[1][0].decode(), about[2][0].decode()
    if kind != "Secret":
        raise ValueError(f"a {kind} as protocol buffer")
    message = _fields(outer[RAW][0])
    data = {key: base64.b64encode(value).decode() for key, value in _pairs(message[SECRET_DATA])}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": _metadata(_fields(message[1][0])),
        "data": data,
        "type": message[SECRET_TYPE][0].decode(),
    }


def _metadata(fields: Fields) -> dict[str, Any]:
    texts = {
        name: fields[number][0].decode() for number, name in META_TEXTS.items() if number in fields
    }
    maps = {
        name: {key: value.decode() for key, value in _pairs(fields[number])}
        for number, name in META_MAPS.items()
        if number in fields
    }
    return {**{name: text for name, text in texts.items() if text}, **maps}


def _pairs(entries: Iterable[bytes]) -> Iterable[tuple[str, bytes]]:
    for entry in entries:
        fields = _fields(entry)
        yield fields[1][0].decode(), fields.get(2, [b""])[0]


def _fields(data: bytes) -> Fields:
    """Return the values of a message by the number of their field."""
    values: dict[int, list[Any]] = defaultdict(list)
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        value, place = _varint(data, place)
        if wire == BYTES:
            values[number].append(data[place : place + value])
            place += value
        elif wire == VARINT:
            values[number].append(value)
        else:
            raise ValueError(f"wire type {wire}")
    return values


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
