"""What a pickle would call, read without running it.

Unpickling can run any code; so the workbench unpickles nothing that came from elsewhere. Files of PyTorch carry
pickles all the same (an export keeps its sample inputs as one). This module disassembles them and names what they
refer to beyond tensors.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from typing import Final

_TENSORS: Final = re.compile(
    r"collections OrderedDict"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|tensor_v3|parameter|parameter_with_state|device_tensor_from_numpy)"
    r"|torch (Size|device|(Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)Storage)"
    r"|torch (float16|float32|float64|bfloat16|int8|int16|int32|int64|uint8|bool)"
    r"|torch\.storage UntypedStorage"
    r"|torch\.serialization _get_layout"
)
"""What a table or a tuple of tensors refers to, as "module name"."""
_TEXTS: Final = frozenset(
    ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING")
)


def suspicious(data: bytes) -> list[str]:
    """What a pickle (bare, or within a file of `torch.save`) refers to beyond tensors: "module.name", sorted.

    Empty for harmless ones. A stream that cannot be followed to its end is itself reported.
    """
    if data[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as inner:
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in inner.infolist()):
                    return ["a packed part, which torch.save does not write"]
                stated = sum(entry.file_size for entry in inner.infolist())
                if stated > 2 * len(data):
                    return ["a part that unpacks to more than it holds"]
                streams = [inner.read(name) for name in inner.namelist() if name.endswith((".pkl", ".pt", ".pickle"))]
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
            return [f"a part that cannot be read ({error})"]
    else:
        streams = [data]
    return sorted({name for stream in streams for name in _references(stream)})


def _references(stream: bytes) -> set[str]:
    """Everything one pickle refers to beyond tensors."""
    found: set[str] = set()
    texts: list[str] = []
    memo: dict[int, str] = {}
    last: str | None = None  # What is on top of the stack, where it is a text.
    try:
        for operation, argument, _ in pickletools.genops(stream):
            code = operation.name
            if code in _TEXTS:
                last = str(argument)
                texts.append(last)
            elif code == "MEMOIZE":
                memo[len(memo)] = last or ""
            elif code in ("BINPUT", "LONG_BINPUT", "PUT"):
                memo[int(argument or 0)] = last or ""
            elif code in ("BINGET", "LONG_BINGET", "GET"):
                last = memo.get(int(argument or 0)) or None
                if last is not None:
                    texts.append(last)
            else:
                last = None
                if code in ("GLOBAL", "INST"):
                    found.add(str(argument))
                elif code == "STACK_GLOBAL":
                    found.add(" ".join(texts[-2:]) if len(texts) > 1 else "something unnamed")
                elif code.startswith("EXT"):
                    found.add("a registered extension")
    except (ValueError, IndexError, TypeError, UnicodeDecodeError, EOFError) as error:
        found.add(f"a stream that is no pickle ({error})")
    return {name.replace(" ", ".", 1) if _is_dotted(name) else name for name in found if not _TENSORS.fullmatch(name)}


def _is_dotted(name: str) -> bool:
    """Whether it is "module name" rather than a sentence."""
    return name.count(" ") == 1
