"""The character set of an HL7 message: as MSH-18 names it, or as its bytes show when MSH-18 is wrong or empty."""

import codecs

from epipolis.engines.messages.reports import Mark

# HL7 table 0211, and names that senders write there though it has others.
CODECS = {
    "": "utf-8",
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    **{f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16",
    "UNICODE UTF-32": "utf-32",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5hkscs",
    "BIG5": "big5hkscs",
}
_STARTS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"M\0\0\0S\0\0\0H", "utf-32-le"),
    (b"\0\0\0M\0\0\0S\0\0\0H", "utf-32-be"),
    (b"M\0S\0H", "utf-16-le"),
    (b"\0M\0S\0H", "utf-16-be"),
)


def codec_of(name: str) -> str | None:
    """Python's name of a character set of HL7 table 0211 (or a usual name outside it); None for one that cannot be read."""
    known = CODECS.get(name.strip().upper())
    if known is not None:
        return known
    try:
        found = codecs.lookup(name.strip().lower())
    except (LookupError, ValueError):
        return None
    # Codecs that turn bytes into bytes, and those that read escapes, are no character sets.
    return found.name if found.name in _TEXT_CODECS else None


_TEXT_CODECS = frozenset(
    [
        *("utf-8", "ascii", "utf-16", "utf-32", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp950", "cp936", "euc_kr"),
        *("cp949", "euc_jp", "shift_jis", "cp932", "koi8-r", "koi8-u", "tis-620", "johab"),
        *(f"iso8859-{part}" for part in range(1, 17)),
        *(f"cp{page}" for page in (437, 850, 852, 866, 874, *range(1250, 1259))),
    ]
)


def decode(raw: bytes) -> tuple[str, tuple[Mark, ...]]:
    """The text of a message, and a mark when its character set was not the one that it names.

    Nothing is refused: bytes that fit no set become the replacement character, with a mark.
    """
    for start, codec in _STARTS:
        if raw.startswith(start):
            try:
                return raw.decode(codec).removeprefix("\ufeff"), ()
            except UnicodeDecodeError:
                text = raw.decode(codec, errors="replace").removeprefix("\ufeff")
                return text, (Mark("MSH-18", "bytes that are not of the message's character set", codec),)
    name = _declared(raw)
    codec = codec_of(name) or ""
    if codec.startswith(("utf-16", "utf-32")):  # else its first bytes would have shown it
        codec = ""
    if codec:
        try:
            return raw.decode(codec), ()
        except UnicodeDecodeError:
            pass
    return _guessed(raw, name, codec)


def _declared(raw: bytes) -> str:
    start = raw.find(b"MSH")
    head = raw[start : start + 4096].replace(b"\n", b"\r").split(b"\r", 1)[0] if start >= 0 else b""
    if len(head) < 5:
        return ""
    fields = head.split(head[3:4])
    if len(fields) < 18:
        return ""
    first = fields[17].split(head[5:6] if len(head) > 5 and head[5:6] != head[3:4] else b"~", 1)[0]
    return first.split(head[4:5], 1)[0].decode("ascii", errors="replace").strip()


def _guessed(raw: bytes, name: str, codec: str) -> tuple[str, tuple[Mark, ...]]:
    rule = "is no character set that can be read" if name and not codec else "bytes that are not of the character set named"
    mark = Mark("MSH-18", rule if name else "bytes that are not UTF-8, and no character set is named", name)
    try:
        return raw.decode("utf-8"), (mark,) if name else ()
    except UnicodeDecodeError:
        if codec not in ("", "ascii", "utf-8"):
            return raw.decode(codec, errors="replace"), (mark,)
        return raw.decode("cp1252", errors="replace"), (mark,)
