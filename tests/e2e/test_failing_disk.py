"""A disk that fails at random, on each kind of file by itself and on all: senders are told to wait, what was
acknowledged is there exactly once, what was refused is not there, and the platform goes on by itself."""

import http.client
import json
import os
import random
import signal
import threading
import time
import unittest
from datetime import datetime, timezone

from failing_disk import CHANGES, COMPILER, OnFailingDisk
from installation import PATIENCE_S, POSTGRES, postgres_database, wait_for

# Small and frequent, so that faults meet every step; segments of the spool that are begun often.
SETTINGS = """
[lake]
flush_events = 1000
flush_interval_s = 1
[spool]
segment_bytes = 262144
free_bytes_min = 0
"""

ENCRYPTION = """
[lake.encryption]
key_file = "{folder}/lake.key"
"""

SENDERS, BATCH = 3, 50

# How long the disk fails in each round.
FAILING_S = float(os.environ.get("LUYTRE_FAILING_S", "4"))

# Which files fail, and how.
FAULTS = {
    "the spool": [(0.3, CHANGES, "/spool/")],
    "the spool's syncs": [(0.5, "sync,truncate", "/spool")],
    "the spool's reading": [(0.3, "read", "/spool/")],
    "files of the lake": [(0.3, CHANGES, "/lake/")],
    "their syncs and names": [(0.5, "sync,rename,unlink", "/lake")],
    "the database": [(0.2, CHANGES, "luytre.db")],
    "what detection remembers": [(0.5, CHANGES, "engine.state")],
    "how far files were read": [(0.5, CHANGES, "/files/")],
    "everything, now and then": [(0.08, CHANGES, "/")],
    "everything": [(1, CHANGES, "/")],
}


class Senders:
    """Post batches of numbered records, each number once, whatever they are answered."""

    def __init__(self, here, token, name):
        self.here, self.token, self.name = here, token, name
        self.next, self.lock, self.over = 0, threading.Lock(), threading.Event()
        self.acknowledged, self.refused, self.faults = set(), set(), []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def lines(self, batch):
        now = datetime.now(timezone.utc).isoformat()
        return [json.dumps({"@timestamp": now, "round": self.name, "number": number, "message": "bản ghi"})
                for number in batch]

    def run(self):
        while not self.over.is_set():
            with self.lock:
                batch = range(self.next, self.next + BATCH)
                self.next += BATCH
            try:
                answer = self.here.ingest(self.token, self.lines(batch))
            except (OSError, http.client.HTTPException):
                # Killed: nobody knows what became of the batch.
                self.over.wait(0.2)
                continue
            with self.lock:
                (self.acknowledged if answer.status == 200 else self.refused).update(batch)
                if answer.status not in (200, 429, 503):
                    self.faults.append((answer.status, answer.body))
                elif answer.status != 200 and not int(answer.headers["Retry-After"]) > 0:
                    self.faults.append((answer.status, "no Retry-After"))
            self.over.wait(0.05)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=PATIENCE_S)


@unittest.skipUnless(COMPILER, "no C compiler for the library that makes calls fail")
class FailingDisk(unittest.TestCase):
    database_url = staticmethod(lambda: "")
    more = ""

    def setUp(self):
        here = OnFailingDisk(self.database_url(), SETTINGS + self.more)
        if self.more:
            here.run("lake", "key", "new", str(here.folder / "lake.key"))
        self.here = self.enterContext(here)
        self.agency = self.here.agency()
        self.source, self.token = self.here.source(self.agency, "Nguồn tải")
        self.dice = random.Random(20261128)

    def numbers(self, senders):
        query = f"source_id:{self.source} round:{senders.name}"
        found = []
        for first in range(0, senders.next, 20_000):
            events = self.here.export(f"{query} number:[{first} TO {first + 19_999}]")
            found += [int(event["fields"]["number"]) for event in events]
        return found

    def assert_exactly_once(self, senders):
        """All that was acknowledged is there once, and nothing that was refused."""
        wait_for("all acknowledged records", lambda: senders.acknowledged <= set(self.numbers(senders)))
        found = self.numbers(senders)
        self.assertEqual(len(found), len(set(found)), "a record is there twice")
        self.assertEqual(senders.refused & set(found), set(), "what was refused is there")
        self.assertEqual(senders.faults, [])

    def trouble(self):
        storage = self.here.read("/duty")["storage"]
        return storage and storage["trouble"] and storage["trouble"]["kind"]

    def assert_well(self):
        wait_for("the trouble to end", lambda: self.trouble() is None)
        self.assertTrue(self.here.is_up())
        self.assertNotIn("panicked", self.here.log())

    def rounds(self, is_killed):
        for number, (what, lines) in enumerate(FAULTS.items()):
            with self.subTest(what):
                senders = Senders(self.here, self.token, f"vong{number}x")
                wait_for("the load", lambda: len(senders.acknowledged) > 500)
                self.here.fail(*lines)
                time.sleep(self.dice.uniform(FAILING_S / 2, FAILING_S))
                if is_killed:
                    self.here.kill(signal.SIGKILL)
                self.here.heal()
                if is_killed:
                    self.here.start()
                taken = len(senders.acknowledged)
                wait_for("senders being heard again", lambda: len(senders.acknowledged) > taken + 500)
                senders.end()
                if is_killed:
                    # A kill falls before what was refused can be cut off, now and then.
                    senders.refused.clear()
                self.assert_exactly_once(senders)
                self.assert_well()
        self.assertEqual(self.here.dead_letters(), [])
        self.assertEqual(self.here.kill(signal.SIGTERM), 0)
        self.assertIn("the chain over the files is whole", self.here.run("lake", "verify"))
        self.assertIn("the chain is whole", self.here.run("audit", "verify"))

    def test_each_kind_of_file(self):
        self.rounds(is_killed=False)

    def test_each_kind_of_file_and_killed(self):
        self.rounds(is_killed=True)

    def test_what_was_refused_last_is_not_there_after_a_kill(self):
        senders = Senders(self.here, self.token, "tuchoi")
        wait_for("the load", lambda: len(senders.acknowledged) > 500)
        senders.end()
        self.here.fail((1, "sync", "/spool/"))
        refused = range(senders.next, senders.next + BATCH)
        self.assertEqual(self.here.ingest(self.token, senders.lines(refused)).status, 503)
        # Nobody sends any more: nothing that comes later takes the place of what was refused.
        senders.refused.update(refused)
        self.here.kill(signal.SIGKILL)
        self.here.heal()
        self.here.start()
        self.assert_exactly_once(senders)

    def test_files_whose_folder_cannot_be_synced_are_not_left(self):
        senders = Senders(self.here, self.token, "thumuc")
        wait_for("the load", lambda: len(senders.acknowledged) > 500)
        # The files can be written and synced, and get their names; the last step fails.
        self.here.fail((1, "sync", "/lake$"))
        wait_for("the duty page to say so", lambda: self.trouble() == "lake-failing")
        time.sleep(FAILING_S)
        self.here.heal()
        senders.end()
        self.assert_exactly_once(senders)
        self.assert_well()
        self.assertEqual(self.here.kill(signal.SIGTERM), 0)
        told = json.JSONDecoder().raw_decode(self.here.run("lake", "verify", "--json"))[0]
        files = list((self.here.folder / "data" / "lake").glob("day=*/*"))
        self.assertEqual((told["in_order"], told["files"]), (True, len(files)), files)

    def follow(self):
        """Connects a folder of followed files; returns what appends lines, and what returns those that are found."""
        logs = self.here.folder / "logs"
        logs.mkdir()
        source = self.here.source(self.agency, "Nguồn tệp", "file", path=str(logs / "*.log"))[0]
        written = []

        def write(count):
            lines = [json.dumps({"number": len(written) + more, "message": "x" * 200}) for more in range(count)]
            written.extend(lines)
            with open(logs / "app.log", "a") as file:
                file.write("".join(line + "\n" for line in lines))

        def assert_once():
            wait_for("all lines", lambda: self.here.count(f"source_id:{source}") >= len(written))
            # What is read twice comes with the next looks at the files.
            time.sleep(2)
            numbers = [int(event["fields"]["number"]) for event in self.here.export(f"source_id:{source}")]
            self.assertEqual(sorted(numbers), list(range(len(written))))

        return logs, write, assert_once

    def segments(self):
        return sorted((self.here.folder / "data" / "spool").glob("*.spool"))

    def test_lines_are_there_once_though_it_cannot_be_written_how_far_files_were_read(self):
        _, write, assert_once = self.follow()
        write(100)
        assert_once()
        self.here.fail((1, CHANGES, "/files/"))
        for _ in range(10):
            write(500)
            time.sleep(0.3)
        # Others send on, until the lake has what was read, and the spool has forgotten it.
        senders = Senders(self.here, self.token, "khac")
        newest = wait_for("a segment of the spool", self.segments)[-1]
        wait_for("the spool to forget", lambda: self.segments()[:1] > [newest])
        senders.end()
        self.here.kill(signal.SIGKILL)
        self.here.heal()
        self.here.start()
        assert_once()

    def test_files_whose_folder_is_away_for_a_while_are_not_read_again(self):
        logs, write, assert_once = self.follow()
        write(100)
        assert_once()
        away = logs.with_name("away")
        logs.rename(away)
        # Twenty looks without news, and a file is let go of.
        time.sleep(4)
        away.rename(logs)
        write(100)
        assert_once()

    def test_accepted_records_that_cannot_be_read_back_are_told(self):
        senders = Senders(self.here, self.token, "docnguoc")
        wait_for("the load", lambda: len(senders.acknowledged) > 500)
        self.here.fail((1, "read", "/spool/"))
        wait_for("the duty page to say so", lambda: self.trouble() == "spool-unreadable")
        taken = len(senders.acknowledged)
        wait_for("senders being heard all the same", lambda: len(senders.acknowledged) > taken)
        self.here.heal()
        senders.end()
        self.assert_exactly_once(senders)
        self.assert_well()


class FailingDiskEncrypted(FailingDisk):
    """The same with files that are encrypted at rest."""

    more = ENCRYPTION


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class FailingDiskOnPostgres(FailingDisk):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
