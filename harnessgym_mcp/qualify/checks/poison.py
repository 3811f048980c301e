"""Text that would work on its reader: hidden characters, terminal codes, instructions to a model, pipes to a shell.

Checked raw, before any normalising. Innocent uses pass: emoji, right-to-left scripts with their marks, ideographic
variants, the plain word "ignore".
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from harnessgym_mcp.core.text import HIDDEN

__all__ = ["Poison", "hidden_characters", "orders", "plainly", "poison", "texts_of"]


class Poison(NamedTuple):
    """One suspicious place: `id` is the last part of the finding's id."""

    id: str
    what: str
    at: int  # offset in the text


_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_MARKS = "\u061c\u200e\u200f"  # say where left and right are; honest beside right-to-left letters
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TERMINAL = re.compile(r"\x1b[\[\]PX^_@-Z\\]|\x9b|[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")

_TAGS = (
    re.compile(r"(?i)<\s*/?\s*(?:system|important|instructions?|assistant|sys|secret|hidden|admin)(?:[\s_-]\w+)?\s*>"),
    re.compile(r"<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>"),
)
_ORDERS = (
    re.compile(
        r"(?i)\b(?:ignore|disregard|forget|override|bypass)\b[\w\s,'\"]{0,40}?\b(?:previous|prior|above|earlier|preceding"
        r"|foregoing|existing|system|your|safety)\b[\w\s,]{0,20}?"
        r"\b(?:instructions?|prompts?|directions|directives|guidelines|guardrails)\b"
    ),
    re.compile(
        r"(?i)\b(?:do\s+not|don'?t|never|without)\s+(?:ever\s+)?(?:tell|inform|mention|reveal|notify|telling|informing"
        r"|mentioning|notifying|show|alert)\w*\b[^.\n]{0,40}?\b(?:the\s+|your\s+)?(?:user|human|operator|developer)\b"
    ),
    re.compile(
        r"(?i)\b(?:before|when|after)\b[^.\n]{0,60}?\b(?:you\s+(?:must|should|need\s+to|have\s+to)|always|first|please)\b"
        r"[^.\n]{0,80}?(?:~/\.|\.ssh\b|\bid_rsa\b|\.env\b|\.aws\b|\bcredentials?\b|\bapi\s*keys?\b|\bpasswords?\b|\bsecrets?\b"
        r"|\benvironment\s+variables?\b|\bconversation\b|\bsystem\s+prompt\b)"
    ),
    re.compile(
        r"(?i)\b(?:read|send|include|pass|paste|copy|attach|put|upload|forward|exfiltrate|leak)\b[^.\n]{0,60}?"
        r"(?:~/\.(?:ssh|aws|env|netrc)|\bid_rsa\b|/etc/(?:passwd|shadow)|\bsystem\s+prompt\b|\b(?:whole|entire|full)\s+conversation\b)"
    ),
    re.compile(r"(?i)\byou\s+are\s+now\b[^.\n]{0,40}\b(?:mode|assistant|agent|developer|root|unrestricted|dan)\b"),
    re.compile(r"(?i)\bnew\s+(?:system\s+)?(?:instructions?|prompt)\s*:"),
    re.compile(
        r"(?i)\b(?:always|must|have\s+to|required\s+to)\b[^.\n]{0,40}?\b(?:call|called|use|used|run|invoke|invoked)\b"
        r"[^.\n]{0,40}?\b(?:before|prior\s+to|instead\s+of)\s+(?:any|every|all|each)\s+(?:other\s+tools?\b"
        r"(?!\s+(?:of|in|from|on|here)\b)|(?:of\s+your\s+)?(?:responses?|replies|reply|answers?)\b)"
    ),
    re.compile(
        r"(?i)\b(?:do\s+not|don'?t|never)\s+(?:ever\s+)?(?:use|call|invoke)\s+(?:the\s+|any\s+)?(?:other|built-?in)\s+tools?\b"
    ),
    re.compile(
        r"(?i)\b(?:supersedes?|overrides?|outranks?|precedence\s+over|priority\s+over)\s+(?:the\s+|all\s+|any\s+)?"
        r"(?:user|human|system|developer)(?:'?s)?\s+(?:requests?|instructions?|prompts?|messages?|wish(?:es)?)\b"
    ),
    re.compile(
        r"(?i)\b(?:tools?|bash|shell|terminal)\b[^.\n]{0,20}?,?\s*\b(?:which\s+|that\s+)?(?:is|are)\s+(?:now\s+)?"
        r"(?:deprecated|forbidden|disabled|unsafe\s+to\s+use|not\s+allowed)\b[^.\n]{0,40}?\b(?:use|call)\s+this\b"
        r"|\buse\s+this\b[^.\n]{0,30}?\binstead\s+of\b[^.\n]{0,40}?\btools?\b[^.\n]{0,10}?\b(?:is|are)\s+(?:now\s+)?"
        r"(?:deprecated|forbidden|disabled|not\s+allowed)\b"
    ),
    re.compile(
        r"(?i)(?<!not )(?<!never )(?<!n't )\b(?:hand\s+over|reveal|disclose|provide|send|include|pass|paste)\s+"
        r"(?:all|every)\s+(?:of\s+)?(?:the\s+|your\s+)?"
        r"(?:api\s*keys?|credentials?|passwords?|secrets?|access\s+tokens?)\b"
    ),
    re.compile(r"\n\s*\n(?:Human|Assistant)\s*:\s"),
    re.compile(r"(?i)\b(?:run|execute|type)\b[^.\n]{0,30}?\brm\s+-\w*[rf]\w*\s+(?:~|/(?=[\s`'\"]|$)|\$HOME|\*)"),
    re.compile(  # the first of all, as it is said elsewhere
        r"(?i)\b(?:ignore[zr]?|oublie[zr]?|ignoriere|vergiss|ignora|olvida|ignorieren\s+sie|игнорируй(?:те)?|забудь(?:те)?)\b"
        r"[^.\n]{0,40}?\b(?:instructions?|anweisungen|instrucciones|istruzioni|instruções|инструкции)\b[^.\n]{0,20}?"
        r"\b(?:précédentes|antérieures|vorherigen|bisherigen|anteriores|previas|precedenti|предыдущие)\b"
        r"|\b(?:ignoriere|vergiss|игнорируй(?:те)?|забудь(?:те)?)\b[^.\n]{0,40}?\b(?:vorherigen|bisherigen|предыдущие)\b"
        r"[^.\n]{0,20}?\b(?:anweisungen|инструкции)\b"
        r"|(?:忽略|无视|無視)[^。\n]{0,12}?(?:之前|以上|先前|前面)[^。\n]{0,8}?(?:指令|指示|提示)"
        r"|(?:以前|これまで|上記)の[^。\n]{0,8}?(?:指示|命令)[^。\n]{0,6}?無視"
    ),
)
_LOOKALIKE = str.maketrans(
    "аеорсухіјѕһԁɡӏνοαεικρτυχАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdglvoaeikptuxABEKMHOPCTXIJSABEZHIKMNOPTYX",
)
_MIXED = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\u0370-\u03ff\u0400-\u052f])\w+")
_APART = re.compile(r"\b(?:\w[ ._*-]{1,3}){5,}\w\b")
_SHELL = re.compile(
    r"(?i)\b(?:curl|wget|fetch)\b[^\n|;&]{0,300}\|\s*(?:sudo\s+)?(?:\S*/)?(?:env\s+)?(?:ba|z|da|k|fi)?sh\b"
    r"|\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:python3?|perl|ruby|node)\b"
    r"|(?:ba|z|da)?sh\s+(?:-c\s+)?[\"']?[<$]\s*\(\s*(?:curl|wget)\b|\beval\s+[\"']?\$\(\s*(?:curl|wget)\b"
    r"|\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\b[^\n|]{0,300}\|\s*(?:iex|invoke-expression)\b"
    r"|\bbase64\s+(?:-d|-D|--decode)\b[^\n|]{0,80}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b"
)


def poison(text: str) -> Iterator[Poison]:
    """Everything that is wrong with a text which a model will read."""
    yield from hidden_characters(text)
    if match := _TERMINAL.search(text):
        yield Poison("terminal-code", f"a control character U+{ord(match[0][0]):04X} (terminal code)", match.start())
    yield from _instruction(text)
    yield from pipes_to_shell(text)


def _instruction(text: str) -> Iterator[Poison]:
    """Also where a person can read it and a plain search cannot: in letters that look alike, or apart."""
    for said in dict.fromkeys((text, plainly(text))):
        for pattern in (*_ORDERS, *_TAGS):
            if match := pattern.search(said):
                at = match.start() if said is text else 0
                yield Poison("instruction", f"text that instructs the reading model: {match[0]!r}", at)
                return


def orders(text: str) -> str:
    """The first order to its reader in a text; "" for none. Tags alone are none: code and markup are full of them."""
    found = (match for said in (text, plainly(text)) for pattern in _ORDERS if (match := pattern.search(said)))
    first = next(found, None)
    return first[0] if first else ""


def plainly(text: str) -> str:
    """The text in plain letters: styled ones by NFKC, Cyrillic and Greek ones within Latin words by their looks, and
    l e t t e r s  a p a r t put together."""
    if not text.isascii():
        text = _MIXED.sub(lambda m: m[0].translate(_LOOKALIKE), unicodedata.normalize("NFKC", text))
    return _APART.sub(_together, text)


def _together(spaced: re.Match[str]) -> str:
    words = re.split(r"[ ._*-]{2,}", spaced[0])
    return " ".join(re.sub(r"[ ._*-]", "", word) for word in words)


def pipes_to_shell(text: str) -> Iterator[Poison]:
    """A download that is run unseen."""
    if match := _SHELL.search(text):
        yield Poison("pipe-to-shell", f"a download piped into an interpreter: {match[0]!r}", match.start())


def hidden_characters(text: str) -> Iterator[Poison]:
    """Characters that a person does not see and a model does; the first of each kind."""
    if text.isascii():
        return
    plain = _FLAG.sub(lambda m: "\U0001f3f4" * len(m[0]), text)
    if match := _BIDI.search(plain):
        yield Poison("hidden-characters", f"the bidirectional control {_name(match[0])}", match.start())
    right_to_left = any(unicodedata.bidirectional(c) in ("R", "AL") for c in plain)
    for match in HIDDEN.finditer(plain):
        if not _honest(plain, match.start(), right_to_left) and not _BIDI.match(match[0]):
            yield Poison("hidden-characters", f"the invisible character {_name(match[0])}", match.start())
            return


def _honest(text: str, at: int, right_to_left: bool) -> bool:
    character = text[at]
    if character == "\ufeff":
        return at == 0  # a byte order mark
    if character in _MARKS:
        return right_to_left
    if character == "\u00ad":  # a soft hyphen within a word
        return text[at - 1 : at].isalpha() and text[at + 1 : at + 2].isalpha()
    before = text[at - 1] if at else ""
    if "\U000e0100" <= character <= "\U000e01ef":  # a variant of the ideograph before it
        return bool(before) and unicodedata.name(before, "").startswith("CJK ")
    if "\u180b" <= character <= "\u180f":
        return unicodedata.name(before, "").startswith("MONGOLIAN") if before else False
    return character in "\u115f\u1160" and any("\u1100" <= c <= "\u11ff" for c in text)


def _name(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'unnamed').lower()})"


def texts_of(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """`(where, text)` of each string in a JSON value, keys included: a model reads all of them."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{where} (key)", str(key)
            yield from texts_of(item, f"{where}.{key}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from texts_of(item, f"{where}[{at}]")
