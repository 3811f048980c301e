"""Hostile text made harmless: generated code, its output and its names are quoted, stripped and cut before use."""

import re
import unicodedata

__all__ = ["HIDDEN", "brief", "clean", "cut", "one_line", "redact", "visible", "writable"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
"""Characters that a reader does not see but a model does: zero-width, bidi controls, TAG characters. The
zero-width joiner and the variation selectors of emoji are honest and are not among them."""

_SECRET = re.compile(
    r"(?i)\b(sk-[\w-]{8,}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----)"
)
_SECRET_PAIR = re.compile(
    r"(?i)(\"?[\w-]*(?:api[_-]?key|token|secret|passw(?:or)?d|authorization|credential)[\w-]*\"?\s*[:=]\s*)"
    r"(\"(?:[^\"\\]|\\.)*\"|[^\s,;}\]]+)"
)


def clean(text: str) -> str:
    """Text without escape sequences, control and hidden characters, that can be written."""
    text = _ANSI.sub("", text)
    return writable(HIDDEN.sub("", _CONTROL.sub("\ufffd", text)))


def writable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, which JSON can bring, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(text: str, most: int) -> str:
    """At most about `most` characters, the middle left out and its length told."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = max(most - head - 32, 0)
    return f"{text[:head]}…[{len(text) - head - tail} characters cut]…{text[len(text) - tail :]}"


def one_line(text: str, most: int = 200) -> str:
    """Clean, folded to one line and cut: fit for a log line, a table cell or a quoted sentence."""
    return cut(" ".join(clean(text).split()), most)


def brief(text: str, most: int) -> str:
    """Clean, folded to one line, its end left out where it is long: for a table, where every row begins alike."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def redact(text: str) -> str:
    """Text with what looks like a credential replaced."""
    return _SECRET_PAIR.sub(r"\1[redacted]", _SECRET.sub("[redacted]", text))


def visible(text: str) -> str:
    """Text with each hidden or control character spelled out as `<U+XXXX>`, for evidence in a finding."""
    return "".join(
        c if c in "\n\t" or (unicodedata.category(c)[0] != "C" and not HIDDEN.match(c)) else f"<U+{ord(c):04X}>"
        for c in text
    )
