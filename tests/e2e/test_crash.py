"""`kill -9` in the middle of a load: what was acknowledged is there after the restart, exactly once."""

import http.client
import itertools
import json
import os
import random
import re
import signal
import threading
import time
import unittest
from datetime import datetime, timezone

from installation import PATIENCE_S, POSTGRES, Installation, access_now, marker, postgres_database, wait_for

BATCH = 100
BATCHES_BEFORE_THE_KILL = 60
SENDERS = 3

# Small and frequent, so that a kill falls before, into and after writing files of the lake.
LAKE = """
[lake]
flush_events = 1500
flush_interval_s = 1
"""


ENCRYPTION = """
[lake.encryption]
key_file = "{folder}/lake.key"
"""


class Load:
    """Senders that post batches of uniquely numbered records until the platform is gone."""

    def __init__(self, here, token, round_name):
        self.here, self.token, self.round = here, token, round_name
        self.numbers = itertools.count()
        self.acknowledged, self.sent = set(), set()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.surprises = []
        self.threads = [threading.Thread(target=self.send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.over.is_set():
            with self.lock:
                batch = [next(self.numbers) for _ in range(BATCH)]
                self.sent.update(batch)
            now = datetime.now(timezone.utc).isoformat()
            lines = [json.dumps({"@timestamp": now, "round": self.round, "number": number,
                                 "message": "bản ghi giữa lúc tải"}) for number in batch]
            try:
                answer = self.here.ingest(self.token, lines)
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 429:
                continue
            if answer.status == 503 and self.over.is_set():
                return
            if answer.status != 200 or answer.json()["accepted"] != BATCH:
                self.surprises.append((answer.status, answer.body))
                return
            with self.lock:
                self.acknowledged.update(batch)

    def wait_until_busy(self):
        wait_for("the load", lambda: len(self.acknowledged) >= BATCHES_BEFORE_THE_KILL * BATCH or self.surprises)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=PATIENCE_S)


class Crash(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    def setUp(self):
        self.here = self.enterContext(Installation(self.database_url(), LAKE))
        self.source, self.token = self.here.source(self.here.agency(), "Nguồn tải")

    def assert_exactly_once(self, load):
        """Every acknowledged number is found, none twice, none that was never sent; ids are unique too."""
        query = f'source_id:{self.source} round:{load.round}'
        wait_for("all acknowledged records", lambda: self.here.count(query) >= len(load.acknowledged))

        def whole():
            events = self.here.export(query)
            numbers = {int(event["fields"]["number"]) for event in events}
            return events if load.acknowledged <= numbers else None

        events = wait_for("every acknowledged number", whole)
        numbers = [int(event["fields"]["number"]) for event in events]
        self.assertEqual(len(numbers), len(set(numbers)), "a record is there twice")
        self.assertEqual(len({event["id"] for event in events}), len(events), "an event id is there twice")
        self.assertLessEqual(set(numbers), load.sent)
        self.assertEqual(len(events), self.here.count(query), "count and content tell the same")

    def test_killed_three_times_under_load(self):
        loads, recovered = [], 0
        for round_name in ("motlan", "hailan", "balan"):
            load = Load(self.here, self.token, round_name)
            loads.append(load)
            load.wait_until_busy()
            self.here.kill(signal.SIGKILL)
            load.end()
            self.assertEqual(load.surprises, [])
            length = len(self.here.log().encode())
            self.here.start()
            told = re.search(r"left records in the spool.*?frames=(\d+)",
                             re.sub(r"\x1b\[[0-9;]*m", "", self.here.log(length)))
            recovered += int(told.group(1)) if told else 0
            self.assert_exactly_once(load)
        for load in loads:
            self.assert_exactly_once(load)
        self.assertGreater(recovered, 0, "a kill in the middle of a load leaves records to recover, and it is told")
        self.here.kill(signal.SIGTERM)
        self.assertIn("the chain is whole", self.here.run("audit", "verify"))

    def test_the_counters_tell_the_truth_after_a_kill(self):
        for round_name in ("demmot", "demhai"):
            load = Load(self.here, self.token, round_name)
            load.wait_until_busy()
            self.here.kill(signal.SIGKILL)
            load.end()
            self.here.start()
            self.assert_exactly_once(load)
        self.assertEqual(self.here.settled(self.source)[1:],
                         (self.here.count(f"source_id:{self.source}"), 0))

    def test_asked_to_end_under_load(self):
        load = Load(self.here, self.token, "dungem")
        load.wait_until_busy()
        load.over.set()
        self.assertEqual(self.here.kill(signal.SIGTERM), 0, self.here.log()[-2000:])
        load.end()
        self.assertEqual(load.surprises, [])
        self.assertIn("ended", self.here.log())
        length = len(self.here.log().encode())
        self.here.start()
        self.assertNotIn("left records in the spool", self.here.log(length), "an orderly end leaves nothing")
        self.assert_exactly_once(load)

    def test_killed_while_starting(self):
        load = Load(self.here, self.token, "khoidong")
        load.wait_until_busy()
        self.here.kill(signal.SIGKILL)
        load.end()
        for _ in range(3):
            self.here.start()
            self.here.kill(signal.SIGKILL)
        self.here.start()
        self.assert_exactly_once(load)


# Rounds of the long run; a few by themselves, for what the README states:
# `LUYTRE_CRASH_ROUNDS=100 [LUYTRE_CRASH_SEED=n] [LUYTRE_TEST_WORKERS=1] tests/run test_crash.py`
ROUNDS = int(os.environ.get("LUYTRE_CRASH_ROUNDS", "4"))

# Rounds whose records are read back whole; each round's own are always counted.
ROUNDS_READ_BACK = 10


class ManyCrashes(unittest.TestCase):
    """`kill -9` at random moments, again and again, with what a power cut leaves of the last write."""

    database_url = staticmethod(lambda: "")
    encrypted = False

    def setUp(self):
        here = Installation(self.database_url(), LAKE + (ENCRYPTION if self.encrypted else ""))
        if self.encrypted:
            here.run("lake", "key", "new", str(here.folder / "lake.key"))
        self.here = self.enterContext(here)
        self.source, self.token = self.here.source(self.here.agency(), "Nguồn tải")
        self.dice = random.Random(int(os.environ.get("LUYTRE_CRASH_SEED", "20261127")))

    def tear(self):
        """Leaves a half-written record at the end of the newest spool segment, as a power cut does."""
        segments = sorted((self.here.folder / "data" / "spool").glob("*.spool"))
        if not segments or self.dice.random() < 0.5:
            return False
        newest = segments[-1].read_bytes()
        half = newest[16:16 + self.dice.randrange(1, 4000)] if self.dice.random() < 0.5 else \
            self.dice.randbytes(self.dice.randrange(1, 4000))
        # A whole record's copy would be a record: its end must be missing.
        with open(segments[-1], "ab") as file:
            file.write(half[: max(1, min(len(half), 30))])
        return True

    def found(self, load):
        return self.here.count(f"source_id:{self.source} round:{load.round}")

    def read_back(self, load):
        numbers = []
        # An export holds 50,000 events at most.
        for first in range(0, max(load.sent) + 1, 20_000):
            events = self.here.export(f"source_id:{self.source} round:{load.round} number:[{first} TO {first + 19_999}]")
            numbers += [int(event["fields"]["number"]) for event in events]
        lost, twice = load.acknowledged - set(numbers), len(numbers) - len(set(numbers))
        self.assertEqual((len(lost), twice), (0, 0),
                         f"round {load.round}: acknowledged and lost, there twice; {sorted(lost)[:5]}")
        self.assertLessEqual(set(numbers), load.sent)

    def test_killed_at_random_moments(self):
        loads, kills, torn, acknowledged = [], 0, 0, 0
        for number in range(ROUNDS):
            load = Load(self.here, self.token, f"vong{number:04d}x")
            loads.append(load)
            wait_for("the first answer", lambda: load.acknowledged or load.surprises)
            time.sleep(self.dice.uniform(0, 2.5))
            self.here.kill(signal.SIGKILL)
            load.end()
            kills += 1
            self.assertEqual(load.surprises, [])
            torn += self.tear()
            if self.dice.random() < 0.25:
                # Once more while it starts: before it listens, or just after.
                self.here.spawn()
                time.sleep(self.dice.uniform(0, 1.5))
                self.here.kill(signal.SIGKILL)
                kills += 1
            self.here.start()
            wait_for(f"round {number}", lambda: self.found(load) >= len(load.acknowledged))
            acknowledged += len(load.acknowledged)
            if (number + 1) % ROUNDS_READ_BACK == 0 or number + 1 == ROUNDS:
                for past in loads[-ROUNDS_READ_BACK:]:
                    self.read_back(past)
                print(f"    {number + 1} rounds, {kills} kills, {torn} torn ends, {acknowledged} acknowledged, "
                      "none lost, none twice", flush=True)
        for load in self.dice.sample(loads, min(len(loads), ROUNDS_READ_BACK)):
            self.read_back(load)
        sent = sum(len(load.sent) for load in loads)
        self.assertLessEqual(acknowledged, self.here.count(f"source_id:{self.source}"))
        self.assertLessEqual(self.here.count(f"source_id:{self.source}"), sent)
        self.assertEqual(self.here.read("/dead-letters", rows=10)["rows"], [])
        self.here.kill(signal.SIGTERM)
        self.assertIn("the chain over the files is whole", self.here.run("lake", "verify"))
        if self.encrypted:
            lake = self.here.folder / "data" / "lake"
            plain = [path for path in lake.glob("*/*.parquet") if path.read_bytes()[:4] == b"PAR1"]
            self.assertEqual(plain, [])


class ManyCrashesEncrypted(ManyCrashes):
    """The same with files that are encrypted at rest."""

    encrypted = True


# Five failed sign-ins of one account in an hour; and the single one, which fires alone.
COUNTING_RULE = """
title: A failed sign-in
id: 5f5c9a53-6a4e-4a57-9d0e-3d8f5a0f7c11
name: one_failed
logsource:
  category: webserver
detection:
  failed:
    cs-uri-stem|contains: '{word}'
  condition: failed
level: low
---
title: Five failed sign-ins
id: {id}
correlation:
  type: event_count
  rules: [one_failed]
  group-by: [c-ip]
  timespan: 1h
  condition:
    gte: 5
level: high
"""

COUNTING_ID = "0c1f4d39-53b5-4f5b-8f0a-6d3b1e9f2a77"

GAP = "luytre-detection-gap"


class CountingOverACrash(unittest.TestCase):
    """A correlation whose events are split by a kill fires once; half of them alone never do."""

    database_url = staticmethod(lambda: "")

    def setUp(self):
        self.word = marker("dangnhap")
        self.here = Installation(self.database_url(), LAKE + '[rules]\nfolders = ["{folder}/rules"]\n')
        rules = self.here.folder / "rules"
        rules.mkdir()
        (rules / "counting.yml").write_text(COUNTING_RULE.format(word=self.word, id=COUNTING_ID))
        self.enterContext(self.here)
        self.source, self.token = self.here.source(self.here.agency(), "Cổng đăng nhập")
        self.sent = 0

    def send(self, times, address="198.51.100.7"):
        """Sends so many failed sign-ins in one request each, and waits until they can be searched."""
        for _ in range(times):
            self.sent += 1
            line = self.line(address, f"{self.word}/{self.sent}")
            self.assertEqual(self.here.ingest(self.token, [line], "text/plain").status, 200)

    @staticmethod
    def line(address, path):
        return f'{address} - - [{access_now()}] "GET /{path} HTTP/1.1" 401 31 "-" "Mozilla/5.0"'

    def settle(self):
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") == self.sent)

    def findings(self):
        """Returns how often the correlation fired."""
        return sum(alert["findings"] for alert in self.here.alerts(COUNTING_ID))

    def assert_fires_once(self):
        wait_for("the correlation", self.findings)
        self.settle()
        self.assertEqual(self.findings(), 1)

    def state(self):
        return self.here.folder / "data" / "engine.state"

    def stored(self):
        """Returns which file the state is: a new one takes the place of the old."""
        return self.state().stat().st_ino if self.state().exists() else None

    def test_killed_before_anything_is_stored(self):
        self.send(4)
        self.here.kill(signal.SIGKILL)
        self.here.start()
        self.settle()
        self.assertEqual(self.findings(), 0)
        self.send(1)
        self.assert_fires_once()
        self.here.kill(signal.SIGKILL)
        self.here.start()
        self.send(3)
        self.assert_fires_once()

    def test_killed_after_the_state_is_stored(self):
        self.send(3)
        self.settle()
        before = self.stored()
        # It is written ten seconds later, and only if there is something new.
        self.sent += 1
        self.assertEqual(self.here.ingest(self.token, [self.line("198.51.100.8", "khac")], "text/plain").status, 200)
        wait_for("the state to hold what it counted", lambda: self.stored() != before)
        for left in (1, 0):
            self.here.kill(signal.SIGKILL)
            self.here.start()
            self.send(1)
            self.settle()
            self.assertEqual(self.findings(), 0 if left else 1)
        self.here.kill(signal.SIGKILL)
        self.here.start()
        self.send(1)
        self.assert_fires_once()
        self.assertEqual(self.here.alerts(GAP), [], "nothing was missed")

    def test_ended_and_started_again(self):
        self.send(4)
        self.here.kill(signal.SIGTERM)
        self.here.start()
        self.send(1)
        self.assert_fires_once()

    def test_a_damaged_state_is_told(self):
        self.send(4)
        self.settle()
        self.here.kill(signal.SIGTERM)
        damaged = bytearray(self.state().read_bytes())
        damaged[-1] ^= 0xFF
        self.state().write_bytes(damaged)
        self.here.start()
        told = wait_for("the gap", lambda: self.here.alerts(GAP))
        self.assertEqual(len(told), 1)
        self.assertIn("engine.state", json.dumps(self.here.read(f"/alerts/{told[0]['id']}")))
        self.assertTrue(self.state().with_suffix(".state.damaged").exists())
        self.send(5)
        self.assert_fires_once()


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class CrashOnPostgres(Crash):
    database_url = staticmethod(postgres_database)


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class ManyCrashesOnPostgres(ManyCrashes):
    database_url = staticmethod(postgres_database)


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class CountingOverACrashOnPostgres(CountingOverACrash):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
