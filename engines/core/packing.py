"""Nested plain values with numpy arrays as bytes and back, checked by a checksum and without pickle.

Layout: a line of magic, a line with the SHA-256 of all that follows, then an npz whose member ``tree`` is
JSON and whose other members are the arrays that the JSON refers to.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

MAGIC: Final = b"paper-workbench state 1\n"
_HEADER: Final = len(MAGIC) + 64 + 1
_TAG: Final = "$"
"""Key of an object that stands for something JSON lacks; a user's dict with this key is stored as pairs."""


class Damaged(ValueError):
    """The bytes are not a whole state: cut off, altered, or something else altogether."""


def pack(state: dict[str, Any]) -> tuple[bytes, memoryview]:
    """Header and body of `state`: None, bools, numbers, strings, bytes, lists, tuples, dicts (string, number
    or bool keys), numpy scalars and arrays (no object arrays).

    Raises TypeError naming the place of anything else, e.g. a tensor.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = json.dumps(_plain(state, arrays, "state"))
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, tree=np.frombuffer(tree.encode(), np.uint8), **arrays)
    view = body.getbuffer()
    return MAGIC + hashlib.sha256(view).hexdigest().encode() + b"\n", view


def unpack(data: bytes | memoryview) -> dict[str, Any]:
    """The state of `pack`, with types, dtypes and shapes as they were. Raises Damaged."""
    view = memoryview(data)
    if len(view) < _HEADER or bytes(view[: len(MAGIC)]) != MAGIC:
        raise Damaged("it does not begin like a stored state")
    body = view[_HEADER:]
    if hashlib.sha256(body).hexdigest().encode() != bytes(view[len(MAGIC) : _HEADER - 1]):
        raise Damaged("its checksum is wrong: it was cut off or altered")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        tree = json.loads(arrays.pop("tree").tobytes())
        state = _restore(tree, arrays)
    except (ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise Damaged(f"it cannot be read: {error}") from error
    if not isinstance(state, dict):
        raise Damaged("it holds no named values")
    return state


def _plain(value: Any, arrays: dict[str, np.ndarray], place: str) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _array(value, arrays, place)
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, bytes):
        return {_TAG: "bytes", "of": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_plain(item, arrays, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, tuple):
        return {_TAG: "tuple", "of": [_plain(item, arrays, f"{place}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, dict):
        return _mapping(value, arrays, place)
    raise TypeError(f"expected numbers, strings, lists, dicts and numpy arrays, got {type(value).__name__} at {place}")


def _array(value: np.ndarray | np.generic, arrays: dict[str, np.ndarray], place: str) -> dict[str, str]:
    if value.dtype.hasobject:
        raise TypeError(f"expected an array of numbers or strings, got objects at {place}")
    name = f"a{len(arrays)}"
    arrays[name] = np.asarray(value)
    return {_TAG: "array" if isinstance(value, np.ndarray) else "scalar", "of": name}


def _mapping(value: dict[Any, Any], arrays: dict[str, np.ndarray], place: str) -> dict[str, Any]:
    for key in value:
        if type(key) not in (str, int, float, bool):
            raise TypeError(f"expected string or number keys, got {type(key).__name__} at {place}")
    items = [(key, _plain(item, arrays, f"{place}[{key!r}]")) for key, item in value.items()]
    if _TAG not in value and all(type(key) is str for key in value):
        return dict(items)
    return {_TAG: "dict", "of": [list(pair) for pair in items]}


def _restore(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_restore(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: _restore(item, arrays) for key, item in value.items()}
    kind, of = value[_TAG], value["of"]
    if kind == "array":
        return arrays[of]
    if kind == "scalar":
        return arrays[of][()]
    if kind == "bytes":
        return base64.b64decode(of)
    if kind == "tuple":
        return tuple(_restore(item, arrays) for item in of)
    if kind == "dict":
        return {key: _restore(item, arrays) for key, item in of}
    raise ValueError(f"unknown tag {kind!r}")


def as_state(value: Any) -> dict[str, Any]:
    """A dataclass (nested ones too) or dict as a dict that `pack` takes."""
    plain = _undone(value)
    if not isinstance(plain, dict):
        raise TypeError(f"expected a dataclass or a dict, got {type(value).__name__}")
    return plain


def _undone(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _undone(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {key: _undone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_undone(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_undone(item) for item in value)
    return value
