"""Our engine and pySigma's reading of the same rules say the same of the same events.

Judged are the rules written to trap engines (crates/detect/tests/traps) with their events, and a sample
of the public rules with events made from their own values, so that many fire.
"""

import json
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml
from sigma.rule import SigmaRule
from sigma.types import SigmaNumber, SigmaString, SpecialChars

import sigma_evaluator

ROOT = Path(__file__).resolve().parents[2]
SIGMA = ROOT.parent / "shared" / "data" / "sigma"
TRAPS = ROOT / "crates" / "detect" / "tests" / "traps"

# Every so many public rules one is judged, by its own events and by those of the rules before it.
ONE_RULE_IN = 2
EVENTS_PER_RULE = 3
STRANGERS = 10

# Traps on which we differ, each with the reason why we stay.
ARGUED = {
    "a dotted capital I is no i, a dotless small one no I": "Python folds İ and ı to i, Unicode's simple folding does not",
    "numbers written in ways that YAML 1.1 and 1.2 read differently": "PyYAML reads YAML 1.1: 010 is 8, 12:30:45 is 45045",
    "words that YAML 1.1 took for truths": "PyYAML reads YAML 1.1: yes, no, on are truths",
    "dates are texts": "PyYAML makes a date of them, which pySigma refuses",
    "a regular expression as other engines write it": "Python warns of [[ and && and reads them otherwise in time to come",
    "names that look like words of the language": "pySigma takes the not of not_this for a word of the language",
    "anchors and merge keys": "pySigma's YAML loader knows no merge keys",
    "a number with wildcards round it": "pySigma lets contains go with texts only, the specification with all types",
    "fractions": "pySigma forgets how a number was written: 1.50 as text is no 1.5 to it",
    "networks": "pySigma refuses a network of IPv4-mapped addresses",
    "a condition in odd case": "pySigma knows the words of the language in lower case only",
    "any of the five dashes in the rule stands for any in the event": "pySigma takes - and / of the rule only, the specification all five",
    "base64 of what is wide, in either order of bytes": "pySigma knows utf16le as wide only",
    "base64 with a byte order mark": "pySigma 1.5 encodes the mark as UTF-8 does, pySigma 2 as we do",
    "wildcards made plain can be encoded": "pySigma 1.5 encodes the backslash of the escape too, pySigma 2 does not",
    "another field with regard to case": "pySigma lets cased go with texts only",
    "numbers past what floating point tells apart": "pySigma rounds a whole number that floating point cannot hold",
    "whole numbers past 64 bits are told apart digit by digit": "pySigma rounds a whole number that floating point cannot hold",
    "comparisons with all that writes a number": "PyYAML reads YAML 1.1: 1e3 without a dot is a text",
    "numbers written in every way that YAML has": "pySigma forgets how a number was written: 1.10 as text is no 1.1 to it",
    "numbers of an event that are whole, though written with a fraction": "pySigma lets contains go with texts only, the specification with all types",
    "base64 of letters beyond ASCII, wide at each offset": "pySigma lets wide go with ASCII only, the specification with all texts",
    "flags in the expression and beside it": "Python cannot turn a flag off in the midst of an expression",
    "a hexadecimal number and a text that looks like one": "pySigma forgets how a number was written: 0x1F as text is no 31 to it",
}


def ours(texts, events):
    """Returns for each event the ids of the rules that fire, as our engine judges it."""
    with tempfile.TemporaryDirectory() as folder:
        rules, ndjson = Path(folder, "rules.json"), Path(folder, "events.ndjson")
        rules.write_text(json.dumps(texts))
        ndjson.write_text("".join(json.dumps(event) + "\n" for event in events))
        built = os.environ.get("LUYTRE_JUDGE")
        run = ["cargo", "run", "--locked", "--quiet", "--package", "detect", "--example", "judge", "--"]
        command = [*([built] if built else run), rules, ndjson]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


def example(string, chance):
    """Returns a text that a text with wildcards matches."""
    parts = []
    for part in string.s:
        if part == SpecialChars.WILDCARD_MULTI:
            parts.append(chance.choice(["", "x", "/ \\ä\n"]))
        elif part == SpecialChars.WILDCARD_SINGLE:
            parts.append(chance.choice("xđ?"))
        else:
            parts.append(chance.choice([part, part.upper(), part.lower(), part]))
    return "".join(parts)


def event_of(rule, chance):
    """Makes an event of a rule's own values: sometimes all that it asks for, often nearly."""
    event = {}

    def fill(detection):
        for item in detection.detection_items:
            if chance.random() < 0.1:
                continue
            if hasattr(item, "detection_items"):
                fill(item)
                continue
            values = [one for value in item.value for one in getattr(value, "values", [value])]
            made = [example(v, chance) for v in values if isinstance(v, SigmaString)]
            made += [v.number for v in values if isinstance(v, SigmaNumber)]
            if not made:
                continue
            name = item.field or "message"
            every = item.value_linking.__name__ == "ConditionAND"
            text = " ".join(map(str, made)) if every else chance.choice(made)
            event[name] = [text, "x"] if chance.random() < 0.1 else text

    for name, detection in rule.detection.detections.items():
        if chance.random() < (0.3 if "filter" in name else 0.9):
            fill(detection)
    return event


class SecondOpinion(unittest.TestCase):
    maxDiff = None

    def test_traps(self):
        traps = [trap for path in sorted(TRAPS.glob("*.yml")) for trap in yaml.safe_load(path.read_text())]
        # The others are sets of rules, and rules that are refused.
        traps = [trap for trap in traps if "silent" in trap]
        texts, wrong = [], []
        for number, trap in enumerate(traps):
            body = "".join(f"  {line}\n" for line in trap["detection"].splitlines())
            texts.append(f"title: t\nid: trap{number}\nlogsource: {{product: trap}}\ndetection:\n{body}")
        events = [event for trap in traps for event in trap["fires"] + trap["silent"]]
        verdicts = iter(ours(texts, events))
        for number, trap in enumerate(traps):
            id_, judge, refused = f"trap{number}", None, None
            try:
                text = texts[number].replace(f"id: {id_}\n", "")
                judge = sigma_evaluator.judge(SigmaRule.from_yaml(text))
            except Exception as error:
                refused = error
            differs = refused is not None
            for event in trap["fires"] + trap["silent"]:
                fired = id_ in next(verdicts)
                if judge and judge(event) != fired:
                    differs = True
            if differs and trap["name"] not in ARGUED:
                wrong.append(f"{trap['name']}: {refused or 'another verdict'}")
        self.assertEqual(wrong, [])

    def test_public_rules(self):
        if not SIGMA.is_dir():
            print(f"skipped: {SIGMA} is absent")
            return
        chance = random.Random(3)
        paths = [path for folder in ("rules", "rules-emerging-threats") for path in sorted((SIGMA / folder).rglob("*.yml"))]
        rules, texts = [], []
        for path in paths[::ONE_RULE_IN]:
            text = path.read_text()
            if "|expand" in text:
                continue
            rule = SigmaRule.from_yaml(text)
            rules.append((str(rule.id), rule, sigma_evaluator.judge(rule)))
            texts.append(text)
        events = [event_of(rule, chance) for _, rule, _ in rules for _ in range(EVENTS_PER_RULE)]
        verdicts = ours(texts, events)
        self.assertEqual(len(verdicts), len(events))
        wrong, fired, judged = [], 0, 0
        for number, (event, ids) in enumerate(zip(events, verdicts)):
            own = number // EVENTS_PER_RULE
            for id_, _, judge in rules[max(0, own - STRANGERS) : own + 1]:
                says = judge(event)
                judged += 1
                fired += says
                if says != (id_ in ids):
                    wrong.append(f"{id_}: pySigma says {says}: {json.dumps(event, ensure_ascii=False)[:500]}")
        print(f"{len(rules)} rules, {len(events)} events, {judged} verdicts, {fired} of them fired")
        self.assertGreater(fired, len(events) // 10)
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {judged} differ")
