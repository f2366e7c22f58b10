"""Records unlike those of our own generators, and what a query line means of them: written from
docs/query-language.md alone, so that it errs in other places than the platform does."""

import ipaddress
import json
import random
import re
import unicodedata
from datetime import timedelta, timezone
from decimal import Decimal

# What the language takes for white space.
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

VIETNAM = timezone(timedelta(hours=7))

TEXTS = [
    "Đăng nhập thất bại", "Sở Tài chính tỉnh Quảng Ninh", "từ chối truy cập", "ĐƯỜNG DÂY NÓNG", "İstanbul ſtraße", "网络安全 日志",
    "Ωμέγα", "ａｂｃ fullwidth", "Kelvin \u212a sign", "emoji 😀 test", "Failed password for admin from 10.1.2.3 port 22 ssh2",
    r"C:\Windows\System32\cmd.exe /c whoami", "GET /a/b-c_d.aspx?x=1&y=%27OR%271%27 HTTP/1.1", "deny tcp src=10.1.2.3:443 dst=110.1.2.30",
    "user@example.vn", "--", "a_b-c.d", "x", "", " lead and trail ", "tab\there", "new\nline", 'quote " back \\ slash', "nul\x00byte",
    "CVE-2026-12345 found", "____", "2026-11-22T10:00:00Z", "0x1F", "1e3", "007", "1.50", "true", "null", "multi  space",
    '{"json":"inside","n":5}', "fail*star", "what?mark", "(paren) [brack]", "a|b||c", "trail\\", "a" * 300, "word" * 1500 + " end",
]
ADDRESSES = ["10.1.2.3", "10.1.2.30", "110.1.2.3", "192.168.0.1", "2001:db8::1", "2001:DB8:0:0::1", "::1", "fe80::1", "no-address", ""]
NUMBERS = [-10, 0, 5, 7.0, 443, 0.5, 100.25, 1e3, 1.5e-7, 1e21, 0.1 + 0.2, 2**53, 2**63 - 1, -(2**63), 2**64 - 1]
NUMBER_TEXTS = ["12 ", "abc", " 7", "1e2", "NaN", "inf", "0x10", "1,5", "9.0"]
ODD_NAMES = ["Account Name", "tên-trường", 'a"b', "dotted.name", "_x", "@y", "colon:name", "back\\slash"]
NAMES = ["group", "text", "number", "spelt", "net.src.addr", "net.src.port", "net.ok", "tags", "list.k", "list.v", "nothing", "empty",
         "addr", "n", "missing", *ODD_NAMES]


def fold(text):
    """Returns a text without case and marks."""
    if text.isascii():
        return text.lower()
    plain = (c for c in unicodedata.normalize("NFD", text) if not unicodedata.category(c).startswith("M"))
    return "".join({"đ": "d", "Đ": "d", "ſ": "s"}.get(c, c.lower()) for c in plain)


def text_of(value):
    """Returns a value as the text that a search sees."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0") if "." in text else text
    return "" if value is None else str(value)


def members(value):
    return value if isinstance(value, list) else [value]


def flat(pairs):
    """Returns the fields of a record, given as pairs: dotted names, one list for each leaf of a list, and
    both values of a name that comes twice."""
    fields = {}

    def put(name, value, listed):
        value = [value] if listed and not isinstance(value, list) else value
        fields[name] = members(fields[name]) + members(value) if name in fields else value

    def walk(name, value, listed):
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(f"{name}.{key}", inner, listed)
        elif isinstance(value, list) and value:
            for inner in value:
                if isinstance(inner, (dict, list)):
                    walk(name, inner, True)
            plain = [inner for inner in value if not isinstance(inner, (dict, list))]
            if plain:
                put(name, plain, False)
        else:
            put(name, None if isinstance(value, (dict, list)) else value, listed)

    for key, value in pairs:
        walk(key, value, False)
    return fields


class Record:
    """A line as it is sent, and what it says."""

    def __init__(self, dice, number, now):
        day = dice.choice([0, 0, 1, 2, 5, 13, 40, 300])
        self.at = now - timedelta(days=day, microseconds=dice.randrange(86_000_000_000))
        if dice.random() < 0.1:
            # At the border of a day here or in UTC, or a microsecond beside it.
            border = self.at.replace(hour=dice.choice([0, 17]), minute=0, second=0, microsecond=0)
            self.at = border + timedelta(microseconds=dice.choice([-1, 0, 1])) - timedelta(days=1)
        pairs = [("@timestamp", self.spelt(dice)), ("n", number), ("group", dice.choice(["a", "B", "b", "ca", "đ", "d", ""]))]
        maybe = [
            (0.8, lambda: ("text", text(dice))), (0.5, lambda: ("number", dice.choice(NUMBERS))),
            (0.3, lambda: ("spelt", dice.choice(NUMBER_TEXTS))), (0.3, lambda: ("addr", dice.choice(ADDRESSES))),
            (0.3, lambda: ("net", {"src": {"addr": dice.choice(ADDRESSES), "port": dice.randrange(65536)}, "ok": dice.random() < 0.5})),
            (0.2, lambda: ("tags", [dice.choice(["x", "Ý", "z z", 1, 2.5, None, True]) for _ in range(dice.randrange(4))])),
            (0.2, lambda: ("list", [{"k": dice.choice("ab"), "v": dice.randrange(5)} for _ in range(dice.randrange(3))])),
            (0.2, lambda: ("nothing", None)), (0.2, lambda: ("empty", "")), (0.05, lambda: (dice.choice(ODD_NAMES), text(dice))),
            (0.03, lambda: ("group", "again")),
        ]
        pairs += [pair() for chance, pair in maybe if dice.random() < chance]
        escaped, marks = dice.random() < 0.3, dice.choice([(",", ":"), (", ", ": ")])
        as_json = [json.dumps(part, ensure_ascii=escaped, separators=marks) for pair in pairs for part in pair]
        self.line = "{" + marks[0].join(map(marks[1].join, zip(as_json[::2], as_json[1::2]))) + "}"
        self.fields = flat(pairs)
        values = (value for field in self.fields.values() for value in members(field))
        self.texts = [fold(self.line), *(fold(text_of(value)) for value in values)]

    def spelt(self, dice):
        """Returns the record's time in one of the ways in which programs write it; it keeps what that tells."""
        form = dice.randrange(6)
        if form in (0, 1):
            self.at = self.at.replace(microsecond=0)
            return int(self.at.timestamp()) if form else self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        if form == 2:
            self.at = self.at.replace(microsecond=self.at.microsecond // 1000 * 1000)
            return round(self.at.timestamp() * 1000)
        if form == 3:
            return self.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        zone = timezone(timedelta(minutes=dice.choice([420, 345, -570, 840])))
        local = self.at.astimezone(zone)
        return local.isoformat() if form == 4 else local.strftime("%Y-%m-%dT%H:%M:%S.%f%z")


def text(dice):
    made = dice.choice(TEXTS) if dice.random() < 0.8 else " ".join(dice.choice(TEXTS[:30]) for _ in range(3))
    made = unicodedata.normalize("NFD", made) if dice.random() < 0.3 else made
    return f"{made} w{dice.randrange(200)}" if dice.random() < 0.2 else made


# --- queries: each is a text and a function that tells whether a record answers it

MANY, ONE = object(), object()


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typed(pieces):
    literal = lambda piece: re.sub(r'([\\*?"():\[\]/\-! ])', r"\\\1", piece)
    return "".join("*" if piece is MANY else "?" if piece is ONE else literal(piece) for piece in pieces)


def expression(pieces, any_character):
    parts = (any_character + "*" if piece is MANY else any_character if piece is ONE else re.escape(fold(piece)) for piece in pieces)
    return re.compile("".join(parts), re.DOTALL)


def stands(text, start, end):
    """Returns whether no word goes across either place."""
    is_word = lambda at: 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")
    return [not (is_word(at - 1) and is_word(at)) for at in (start, end)]


def anywhere(pieces):
    """A word or phrase in the record or a value of it."""
    open_before, open_after = pieces[0] is MANY, pieces[-1] is MANY
    core = [piece for piece in pieces if piece in (MANY, ONE) or fold(piece)]
    while core and core[0] is MANY:
        core.pop(0)
    while core and core[-1] is MANY:
        core.pop()
    shape = expression(core, f"[^{SPACE}]")
    longest = max((fold(piece) for piece in core if piece not in (MANY, ONE)), key=len, default="")

    def found(text):
        for start in range(len(text) + 1):
            first = shape.match(text, start)
            if not first or not (open_before or stands(text, start, start)[0]):
                continue
            ends = range(start, len(text) + 1) if MANY in core else [first.end()]
            if any(open_after or stands(text, end, end)[1] for end in ends if shape.fullmatch(text, start, end)):
                return True
        return False

    return lambda record: not core or any(longest in text and found(text) for text in record.texts)


def number_of(value):
    """Returns what a value reads as where numbers are compared: a 64-bit float."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        value = value.strip()
        return float(value) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value) else None
    return float(value)


def equal(value, wanted):
    if fold(text_of(value)) == wanted:
        return True
    spelt = number_of(wanted) if re.search(r"[.e]", wanted) else None
    is_number = isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)
    return spelt is not None and is_number and value == spelt


class Queries:
    """Makes query lines that ask for what stands in records, and for what nearly does."""

    def __init__(self, dice, records):
        self.dice, self.records = dice, records
        self.having = {}
        for record in records:
            for name in record.fields:
                self.having.setdefault(name, []).append(record)

    def value(self, name):
        record = self.dice.choice(self.having.get(name, self.records))
        value = text_of(self.dice.choice(members(record.fields.get(name, "x")) or [None]))
        return value if len(value) < 400 else "x"

    def variant(self, text):
        forms = [fold, str.upper, str.lower, lambda own: unicodedata.normalize("NFD", own), str]
        # The reader takes every white space in quotes for a blank.
        return re.sub(f"[{SPACE}]", " ", self.dice.choice(forms)(text))

    def pieces(self, text):
        """Returns a text with wildcards in the place of some of it."""
        a, b = sorted(self.dice.randint(0, len(text)) for _ in range(2))
        forms = [[text[:b], MANY], [MANY, text[a:]], [MANY, text[a:b], MANY], [text[:a], ONE, text[a + 1:]], [text[:a], MANY, text[b:]]]
        return [piece for piece in self.dice.choice(forms) if piece]

    def field(self, name, test, passes):
        name_typed = name if re.fullmatch(r"([^\W\d]|[_@])[\w.@-]*", name) else quoted(name)
        return f"{name_typed}:{test}", lambda record: any(map(passes, members(record.fields.get(name, []))))

    def term(self):
        kinds = [self.word, self.phrase, self.part, self.equals, self.like, self.there, self.compared, self.ranged, self.network,
                 self.shaped, self.when]
        return self.dice.choice(kinds)() or self.term()

    def word(self):
        words = [word for word in re.split(r"\W+", self.value("text")) if word]
        word = self.variant(self.dice.choice(words)) if words else f"zz{self.dice.randrange(10**9)}"
        return None if word.upper() in ("AND", "OR", "NOT") else (typed([word]), anywhere([word]))

    def phrase(self):
        text = self.value("text")
        start, end = sorted(self.dice.randint(0, len(text)) for _ in range(2))
        if self.dice.random() < 0.6:
            while not stands(text, start, end)[0]:
                start -= 1
            while not stands(text, start, end)[1]:
                end += 1
        phrase = self.variant(text[start:end])
        return quoted(phrase), anywhere([phrase])

    def wild(self, text):
        words = [word for word in re.split(f'[{SPACE}"()|&]+', text) if word]
        pieces = self.pieces(self.variant(self.dice.choice(words))) if words else []
        literal = [piece for piece in pieces if piece not in (MANY, ONE)]
        # A letter and its mark must not be parted: what is typed then is another text.
        parted = any(unicodedata.category(piece[0]).startswith("M") for piece in literal)
        return None if not literal or parted or typed(pieces)[0] in '[><"(' else pieces

    def part(self):
        pieces = self.wild(self.value("text"))
        usable = pieces and typed(pieces).upper() not in ("AND", "OR", "NOT")
        return (typed(pieces), anywhere(pieces)) if usable else None

    def equals(self):
        name = self.dice.choice(NAMES)
        value = self.variant(self.value(name))
        if re.fullmatch(r"-?\d+(\.\d+)?", value) and self.dice.random() < 0.3:
            value += "00" if "." in value else ".0"
        return self.field(name, quoted(value), lambda own: equal(own, fold(value)))

    def like(self):
        name = self.dice.choice(NAMES)
        pieces = self.wild(self.value(name))
        if not pieces or (MANY not in pieces and ONE not in pieces):
            return None
        shape = expression(pieces, ".")
        return self.field(name, typed(pieces), lambda own: shape.fullmatch(fold(text_of(own))) is not None)

    def there(self):
        return self.field(self.dice.choice(NAMES), "*", lambda own: own is not None)

    def compared(self):
        name, sign = self.dice.choice(["number", "spelt", "n", "net.src.port", "list.v", "tags"]), self.dice.choice([">", ">=", "<", "<="])
        bound = number_of(self.value(name))
        bound = 5.0 if bound is None else bound
        holds = {">": lambda a: a > bound, ">=": lambda a: a >= bound, "<": lambda a: a < bound, "<=": lambda a: a <= bound}[sign]
        return self.field(name, sign + text_of(bound), lambda own: number_of(own) is not None and holds(number_of(own)))

    def ranged(self):
        low, high = sorted(self.dice.choice([-5, 0, 1.5, 7, 100, 1000, 65535, 2**53]) for _ in range(2))
        passes = lambda own: number_of(own) is not None and low <= number_of(own) <= high
        return self.field(self.dice.choice(["number", "n", "spelt"]), f"[{low} TO {high}]", passes)

    def network(self):
        network = ipaddress.ip_network(self.dice.choice(["10.0.0.0/8", "10.1.2.0/28", "2001:db8::/32", "::/0", "0.0.0.0/0", "::1/128"]))

        def passes(own):
            try:
                address = ipaddress.ip_address(text_of(own))
            except ValueError:
                return False
            return address.version == network.version and address in network

        return self.field(self.dice.choice(["addr", "net.src.addr"]), str(network), passes)

    def shaped(self):
        shape = self.dice.choice([r"\d{2,}", "(?i)FAILED", "^a", "x$", r"cmd\.exe", "Đ", "[a-c]b", r"^\s"])
        return self.field(self.dice.choice(["text", "group", "addr"]), f"/{shape}/", lambda own: re.search(shape, text_of(own)) is not None)

    def when(self):
        at = self.dice.choice(self.records).at
        local, exact = at.astimezone(VIETNAM), at.astimezone(timezone.utc).isoformat()
        minute = local.strftime("%Y-%m-%dT%H:%M")
        low, high = sorted((at, self.dice.choice(self.records).at))
        return self.dice.choice([
            (f'occurred_at:"{exact}"', lambda record: record.at == at),
            (f"occurred_at:>{exact}", lambda record: record.at > at),
            (f"occurred_at:<={exact}", lambda record: record.at <= at),
            (f"occurred_at:{local.date()}", lambda record: record.at.astimezone(VIETNAM).date() == local.date()),
            (f"occurred_at:{minute}", lambda record: record.at.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M") == minute),
            (f"occurred_at:[{low.isoformat()} TO {high.astimezone(VIETNAM).isoformat()}]", lambda record: low <= record.at <= high),
        ])

    def line(self, depth=0):
        chance = self.dice.random()
        if depth == 3 or chance < 0.45:
            return self.term()
        if chance < 0.65:
            line, passes = self.line(depth + 1)
            return f"{self.dice.choice(['NOT ', '-', '!'])}({line})", lambda record: not passes(record)
        parts = [self.line(depth + 1) for _ in range(2)]
        join, holds = self.dice.choice([(" ", all), (" AND ", all), (" OR ", any)])
        return f"({join.join(line for line, _ in parts)})", lambda record: holds(passes(record) for _, passes in parts)
