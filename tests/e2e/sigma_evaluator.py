"""A second opinion on Sigma rules: pySigma reads the rule, the few lines here judge an event by its tree.

Written for rightness alone, from the specification: the product's own engine is compared with it.
"""

import ipaddress
import re
from datetime import datetime, timezone

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.conditions import ConditionValueExpression
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

ABSENT = object()

FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}

COMPARE = {
    CompareOperators.LT: lambda a, b: a < b,
    CompareOperators.LTE: lambda a, b: a <= b,
    CompareOperators.GT: lambda a, b: a > b,
    CompareOperators.GTE: lambda a, b: a >= b,
    CompareOperators.NEQ: lambda a, b: a != b,
}

PARTS = {
    TimestampPart.MINUTE: lambda time: time.minute,
    TimestampPart.HOUR: lambda time: time.hour,
    TimestampPart.DAY: lambda time: time.day,
    TimestampPart.WEEK: lambda time: time.isocalendar()[1],
    TimestampPart.MONTH: lambda time: time.month,
    TimestampPart.YEAR: lambda time: time.year,
}


def text_of(value):
    """Returns a single value as text; None for nothing."""
    if value is None or isinstance(value, list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number_of(value):
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value
    # Whole numbers stay exact, however large.
    for read in (lambda text: int(text, 16 if text.lower().startswith("0x") else 10), float):
        try:
            return read(value.strip())
        except ValueError:
            continue
    return None


def time_of(value):
    """Returns the time that a value shows: the specification converts no time zones, a number is UTC's."""
    if isinstance(value, str) and value.isdecimal() and len(value) >= 9:
        value = int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        while value > 1e11:
            value /= 1000
        return datetime.fromtimestamp(value, timezone.utc).replace(tzinfo=None)
    try:
        time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value)))
    except ValueError:
        return None
    return time.replace(tzinfo=None)


def pattern_of(string, anywhere):
    """Compiles a text with wildcards. `anywhere` is for keywords."""
    parts = []
    for part in string.s:
        if part == SpecialChars.WILDCARD_MULTI:
            parts.append(".*")
        elif part == SpecialChars.WILDCARD_SINGLE:
            parts.append(".")
        else:
            parts.append(re.escape(part))
    flags = re.DOTALL | (0 if isinstance(string, SigmaCasedString) else re.IGNORECASE)
    body = "".join(parts)
    return re.compile(f".*{body}.*" if anywhere else body, flags)


def judge_of(value, anywhere=False):
    """Returns what says of one value of an event, and of the event, whether it is what `value` wants."""
    if isinstance(value, SigmaString):
        pattern = pattern_of(value, anywhere)
        return lambda own, event: (text := text_of(own)) is not None and bool(pattern.fullmatch(text))
    # A part of a time is a number to pySigma as well.
    if isinstance(value, SigmaTimestampPart):
        part = PARTS[value.timestamp_part]
        return lambda own, event: (time := time_of(own)) is not None and part(time) == value.number
    if isinstance(value, SigmaNumber):
        wanted = str(value.number)
        if anywhere:
            return lambda own, event: wanted in (text_of(own) or "")
        return lambda own, event: text_of(own) is not None and (
            text_of(own) == wanted or isinstance(own, float) and own == value.number
        )
    if isinstance(value, SigmaBool):
        wanted = "true" if value.boolean else "false"
        return lambda own, event: (text_of(own) or "").lower() == wanted
    if isinstance(value, SigmaRegularExpression):
        flags = 0
        for flag in value.flags:
            flags |= FLAGS[flag]
        regex = re.compile(str(value.regexp), flags)
        return lambda own, event: (text := text_of(own)) is not None and bool(regex.search(text))
    if isinstance(value, SigmaCIDRExpression):
        return lambda own, event: in_network(own, value.network)
    if isinstance(value, SigmaCompareExpression):
        compare, wanted = COMPARE[value.op], value.number.number
        if isinstance(value.number, SigmaTimestampPart):
            part = PARTS[value.number.timestamp_part]
            return lambda own, event: (time := time_of(own)) is not None and compare(part(time), wanted)
        return lambda own, event: (number := number_of(own)) is not None and compare(number, wanted)
    if isinstance(value, SigmaFieldReference):
        return lambda own, event: refers(own, event, value)
    raise NotImplementedError(type(value).__name__)


def in_network(own, network):
    try:
        address = ipaddress.ip_address(str(own).split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network or address in network


def refers(own, event, reference):
    own = text_of(own)
    others = event.get(reference.field)
    for other in others if isinstance(others, list) else [others]:
        other = text_of(other)
        if own is None or other is None:
            continue
        a, b = own.lower(), other.lower()
        start, end = reference.starts_with, reference.ends_with
        if (b in a) if start and end else a.startswith(b) if start else a.endswith(b) if end else a == b:
            return True
    return False


def members(value):
    return value if isinstance(value, list) else [value]


def expression(node):
    """Returns a function that says of an event whether a part of a rule's condition holds."""
    if node is None:
        raise NotImplementedError("an empty condition")
    if isinstance(node, (ConditionAND, ConditionOR, ConditionNOT)):
        parts = [expression(part) for part in node.args]
        if isinstance(node, ConditionAND):
            return lambda event: all(part(event) for part in parts)
        if isinstance(node, ConditionOR):
            return lambda event: any(part(event) for part in parts)
        return lambda event: not parts[0](event)
    if isinstance(node, ConditionValueExpression):
        judges = [judge_of(value, True) for value in expanded(node.value)]
        return lambda event: any(
            judge(own, event) for value in event.values() for own in members(value) for judge in judges
        )
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return field(node.field, node.value)
    raise NotImplementedError(type(node).__name__)


def expanded(value):
    return value.values if isinstance(value, SigmaExpansion) else [value]


def inside(name, event):
    """Returns whether the field is an object: events are flat, with the names inside behind a dot."""
    return name not in event and any(own.startswith(f"{name}.") for own in event)


def field(name, value):
    if isinstance(value, SigmaNull):
        return lambda event: not inside(name, event) and all(own is None for own in members(event.get(name)))
    if isinstance(value, SigmaExists):
        return lambda event: (name in event or inside(name, event)) == value.exists
    judges = [judge_of(one) for one in expanded(value)]
    return lambda event: any(judge(own, event) for own in members(event.get(name)) for judge in judges)


def judge(rule):
    """Returns a function that says of an event whether a rule fires on it."""
    conditions = [expression(condition.parsed) for condition in rule.detection.parsed_condition]
    return lambda event: any(condition(event) for condition in conditions)
