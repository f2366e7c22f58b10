"""`kill -9` in the middle of a load: what was acknowledged is there after the restart, exactly once."""

import http.client
import itertools
import json
import re
import signal
import threading
import unittest
from datetime import datetime, timezone

from installation import POSTGRES, Installation, postgres_database, wait_for

BATCH = 100
BATCHES_BEFORE_THE_KILL = 60
SENDERS = 3

# Small and frequent, so that a kill falls before, into and after writing files of the lake.
LAKE = """
[lake]
flush_events = 1500
flush_interval_s = 1
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
            thread.join(timeout=60)


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


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class CrashOnPostgres(Crash):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
