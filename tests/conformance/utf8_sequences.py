"""Byte sequences for section 8.1, in the order of Markus Kuhn's UTF-8 decoder stress test; the sequences are computed.

UTF-8 here is RFC 3629: no more than four bytes, no surrogates, nothing above U+10FFFF, no overlong forms.
"""

from __future__ import annotations

from typing import NamedTuple


class Invalid(NamedTuple):
    """Bytes that are not UTF-8.

    Args:
        data: The whole text.
        wrong_at: Where the first byte stands after which no continuation could make it UTF-8. `len(data)` where
            only the end of the message shows it.
    """

    data: bytes
    wrong_at: int


def raw(code_point: int, size: int) -> bytes:
    """Encode in `size` bytes by the pattern of UTF-8, needed or not, allowed or not."""
    tail = [0x80 | code_point >> 6 * at & 0x3F for at in reversed(range(size - 1))]
    lead = code_point if size == 1 else (0xFF00 >> size & 0xFF) | code_point >> 6 * (size - 1)
    return bytes([lead, *tail])


GREEK = "κόσμε"  # the Greek word of the stress test, with U+1F79

VALID: dict[str, str] = {
    "1 Greek": "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "1 Greek, precomposed": GREEK,
    # Section 2.1 and 2.2: first and last of each length
    "2.1.1 U+0000": "\0",
    "2.1.2 U+0080": "\u0080",
    "2.1.3 U+0800": "\u0800",
    "2.1.4 U+10000": "\U00010000",
    "2.2.1 U+007F": "\u007f",
    "2.2.2 U+07FF": "\u07ff",
    "2.2.3 U+FFFF": "\uffff",
    "2.2.4 U+10FFFF": "\U0010ffff",
    # 2.3: around the forbidden ranges
    "2.3.1 U+D7FF": "\ud7ff",
    "2.3.2 U+E000": "\ue000",
    "2.3.3 U+FFFD": "\ufffd",
    "2.3.3 U+FFFE": "\ufffe",
    "2.3.4 U+100000": "\U00100000",
    "mixed lengths": "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!! \u65e5\u672c\u8a9e \U0001f600",
}

# 5.3: noncharacters are characters to UTF-8.
NONCHARACTERS = [plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)]
VALID |= {f"5.3 U+{code:04X}": chr(code) for code in NONCHARACTERS}
VALID["5.3.3 U+FDD0 to U+FDEF"] = "".join(chr(code) for code in range(0xFDD0, 0xFDF0))

LEADS = {
    2: range(0xC0, 0xE0),
    3: range(0xE0, 0xF0),
    4: range(0xF0, 0xF8),
    5: range(0xF8, 0xFC),
    6: (0xFC, 0xFD),
}

INVALID: dict[str, Invalid] = {
    # 2.1, 2.2: lengths that RFC 3629 no longer has, and what lies above U+10FFFF
    "2.1.5 first of 5 bytes": Invalid(raw(0x200000, 5), 0),
    "2.1.6 first of 6 bytes": Invalid(raw(0x4000000, 6), 0),
    "2.2.4 last of 4 bytes": Invalid(raw(0x1FFFFF, 4), 0),
    "2.2.5 last of 5 bytes": Invalid(raw(0x3FFFFFF, 5), 0),
    "2.2.6 last of 6 bytes": Invalid(raw(0x7FFFFFFF, 6), 0),
    "2.3.5 U+110000": Invalid(raw(0x110000, 4), 1),
    "above U+10FFFF": Invalid(raw(0x13FFFF, 4), 1),
    "lead F5": Invalid(raw(0x140000, 4), 0),
    # 3.1: continuation bytes where none belongs
    "3.1.1 first continuation byte": Invalid(b"\x80", 0),
    "3.1.2 last continuation byte": Invalid(b"\xbf", 0),
    **{f"3.1 {count} continuation bytes": Invalid((b"\x80\xbf" * 4)[:count], 0) for count in range(2, 8)},
    "3.1.9 all continuation bytes": Invalid(bytes(range(0x80, 0xC0)), 0),
    # 3.2: lonely leads, each followed by a space
    **{
        f"3.2 lonely leads of {size} bytes": Invalid(
            b"".join(bytes([lead, 0x20]) for lead in leads), int(size in (3, 4))
        )
        for size, leads in LEADS.items()
    },
    # 3.3: the last byte missing, at the end of the message and before a space
    "3.3.1 cut after 1 of 2, at the end": Invalid(raw(0x80, 2)[:-1] + b"", 1),
    "3.3.2 cut after 2 of 3, at the end": Invalid(raw(0x800, 3)[:-1], 2),
    "3.3.3 cut after 3 of 4, at the end": Invalid(raw(0x10000, 4)[:-1], 3),
    "3.3.6 last of 2, cut": Invalid(raw(0x7FF, 2)[:-1], 1),
    "3.3.7 last of 3, cut": Invalid(raw(0xFFFF, 3)[:-1], 2),
    "3.3.8 last of 4, cut": Invalid(raw(0x10FFFF, 4)[:-1], 3),
    "3.3 cut after 1 of 3, then a space": Invalid(raw(0x800, 3)[:1] + b" ", 1),
    "3.3 cut after 2 of 3, then a space": Invalid(raw(0x800, 3)[:2] + b" ", 2),
    "3.3 cut after 3 of 4, then a space": Invalid(raw(0x10000, 4)[:3] + b" ", 3),
    # 3.4: all of them in a row
    "3.4 cut sequences in a row": Invalid(
        b"".join(raw(first, size)[:-1] for first, size in ((0x80, 2), (0x800, 3), (0x10000, 4))), 1
    ),
    # 3.5: bytes that never occur
    "3.5.1 FE": Invalid(b"\xfe", 0),
    "3.5.2 FF": Invalid(b"\xff", 0),
    "3.5.3 FE FE FF FF": Invalid(b"\xfe\xfe\xff\xff", 0),
    # 4: overlong forms. A lead C0 or C1 is wrong itself; E0 and F0 are with their second byte.
    **{
        f"4.1 overlong slash in {size}": Invalid(raw(0x2F, size), int(size in (3, 4))) for size in range(2, 7)
    },
    "4.2.1 last overlong of 2": Invalid(raw(0x7F, 2), 0),
    "4.2.2 last overlong of 3": Invalid(raw(0x7FF, 3), 1),
    "4.2.3 last overlong of 4": Invalid(raw(0xFFFF, 4), 1),
    "4.2.4 last overlong of 5": Invalid(raw(0x1FFFFF, 5), 0),
    "4.2.5 last overlong of 6": Invalid(raw(0x3FFFFFF, 6), 0),
    **{f"4.3 overlong NUL in {size}": Invalid(raw(0, size), int(size in (3, 4))) for size in range(2, 7)},
    # 5.1: single surrogates
    **{
        f"5.1 surrogate {code:04X}": Invalid(raw(code, 3), 1)
        for code in (0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF)
    },
    # 5.2: surrogates in pairs
    **{
        f"5.2 pair {high:04X} {low:04X}": Invalid(raw(high, 3) + raw(low, 3), 1)
        for high in (0xD800, 0xDB7F, 0xDB80, 0xDBFF)
        for low in (0xDC00, 0xDFFF)
    },
}

# The same faults with good text around them: a fault must be found wherever it stands.
INVALID |= {
    f"{name}, within text": Invalid(
        GREEK.encode() + bad.data + b"edited",
        len(GREEK.encode()) + bad.wrong_at,
    )
    for name, bad in list(INVALID.items())
}
# Long runs of ASCII are checked by words or vectors: a fault at each place of one.
INVALID |= {
    f"FF at {at} of 70": Invalid(b"a" * at + b"\xff" + b"a" * (69 - at), at) for at in range(0, 70, 3)
}
INVALID |= {
    f"surrogate at {at} of 40": Invalid(b"a" * at + raw(0xD800, 3) + b"a" * (37 - at), at + 1)
    for at in range(13, 20)
}
