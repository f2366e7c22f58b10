"""The spool after a crash, looked at by `luytre lake verify` and `repair --dry-run`: they name place and cause, change
nothing, and no sender can make a record of its own line out of a torn write."""

import json
import os
import signal
import struct
import subprocess
import time
import unittest
import uuid
import zlib

from installation import BINARY, PATIENCE_S, Installation, marker, wait_for

# Nothing leaves the spool while a test looks at it.
LAKE = """
[lake]
flush_interval_s = 300
"""

ENCRYPTION = """
[lake.encryption]
key_file = "{folder}/lake.key"
"""

BATCHES, EACH = 20, 50


class Spool(unittest.TestCase):
    def begin(self, more=""):
        here = Installation("", LAKE + more)
        if more:
            here.run("lake", "key", "new", str(here.folder / "lake.key"))
        self.here = self.enterContext(here)
        self.source, self.token = self.here.source(self.here.agency(), "Nguồn log")
        for first in range(0, BATCHES * EACH, EACH):
            lines = [json.dumps({"number": number, "message": "bản ghi"}) for number in range(first, first + EACH)]
            self.assertEqual(self.here.ingest(self.token, lines).status, 200)
        self.here.kill(signal.SIGKILL)
        self.newest = sorted((self.here.folder / "data" / "spool").glob("*.spool"))[-1]

    def luytre(self, *arguments):
        """Runs a command that must not change the spool; returns its exit code and what it said."""
        folder = self.here.folder / "data" / "spool"
        before = {path: path.read_bytes() for path in folder.iterdir()}
        done = subprocess.run([BINARY, "--config", str(self.here.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        self.assertEqual(before, {path: path.read_bytes() for path in folder.iterdir()}, "the spool is as it was")
        return done.returncode, done.stdout + done.stderr

    def verified(self, *arguments):
        code, said = self.luytre("lake", "verify", "--json", *arguments)
        told = json.loads(said)
        self.assertEqual(code, 0 if told["in_order"] else 3, said)
        return told["spool"]

    def numbers(self):
        events = self.here.export(f"source_id:{self.source}")
        return sorted(int(event["fields"]["number"]) for event in events)

    def test_what_waits_is_told_and_read_at_the_next_start(self):
        self.begin()
        spool = self.verified()
        self.assertEqual((spool["in_order"], spool["unread_records"]), (True, BATCHES * EACH))
        self.assertEqual((spool["faults"], spool["missing_batches"], spool["in_use"]), ([], [], False))
        code, said = self.luytre("lake", "verify")
        self.assertIn(f"{BATCHES * EACH} of them not in the lake's files yet", said)
        self.here.start()
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") == BATCHES * EACH)
        self.assertTrue(self.verified()["in_use"])

    def test_a_torn_end_is_no_fault(self):
        self.begin()
        with open(self.newest, "ab") as file:
            file.write(self.newest.read_bytes()[16:16 + 30])
        spool = self.verified()
        self.assertEqual((spool["in_order"], spool["unread_records"]), (True, BATCHES * EACH))
        [fault] = spool["faults"]
        self.assertEqual((fault["to"] - fault["from"], fault["costs_records"]), (30, False))
        self.assertEqual(self.luytre("lake", "repair", "--dry-run")[0], 0)

    def test_damage_is_told_with_its_place_and_to_people(self):
        self.begin()
        whole = self.newest.read_bytes()
        place = len(whole) // 2
        self.newest.write_bytes(whole[:place] + bytes([whole[place] ^ 0x21]) + whole[place + 1:])
        spool = self.verified()
        [fault] = spool["faults"]
        self.assertTrue(fault["costs_records"] and fault["from"] <= place < fault["to"], fault)
        self.assertEqual(fault["file"], str(self.newest))
        code, said = self.luytre("lake", "repair", "--dry-run")
        self.assertEqual(code, 3, said)
        self.assertIn(str(self.newest), said)
        self.here.start()
        wait_for("the others", lambda: self.here.count(f"source_id:{self.source}") >= (BATCHES - 1) * EACH)
        self.assertEqual(len(set(self.numbers())), (BATCHES - 1) * EACH, "one batch is lost, and no other")
        told = wait_for("the alert", lambda: self.here.alerts("luytre-storage"))
        self.assertIn("records in it are lost", told[0]["title"])

    def test_a_missing_file_is_told(self):
        self.begin()
        # Two files: what came before the crash, and what came after.
        self.here.start()
        self.assertEqual(self.here.ingest(self.token, ['{"number": 1000}']).status, 200)
        self.here.kill(signal.SIGKILL)
        self.newest.unlink()
        spool = self.verified()
        self.assertEqual((spool["in_order"], spool["missing_batches"]), (False, [[1, BATCHES]]))

    def test_encrypted_with_its_key_and_without(self):
        self.begin(ENCRYPTION)
        self.assertNotIn("bản ghi".encode(), self.newest.read_bytes())
        for arguments in ([], ["--without-key"]):
            spool = self.verified(*arguments)
            self.assertEqual((spool["in_order"], spool["unread_records"]), (True, BATCHES * EACH))
        whole = self.newest.read_bytes()
        self.newest.write_bytes(whole[:-200] + bytes([whole[-200] ^ 1]) + whole[-199:])
        for arguments in ([], ["--without-key"]):
            self.assertFalse(self.verified(*arguments)["in_order"])

    def test_a_line_never_becomes_a_record_of_its_own(self):
        self.begin()
        self.here.start()
        agency, victim = self.here.agency("so-hai", "Sở Hai"), None
        # Its id stands in a line, so it must hold no line's end.
        for number in range(50):
            victim, _ = self.here.source(agency, f"Nguồn khác {number}")
            if not set(uuid.UUID(victim).bytes) & set(b"\r\n"):
                break
        word = marker("giamao")
        line = b"x " + forged(uuid.UUID(victim), word) + b" " + b"y" * 400
        self.assertEqual(self.here.ingest(self.token, line + b"\n", "text/plain").status, 200)
        self.here.kill(signal.SIGKILL)
        newest = sorted((self.here.folder / "data" / "spool").glob("*.spool"))[-1]
        os.truncate(newest, newest.stat().st_size - 100)
        self.here.start()
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") == BATCHES * EACH)
        self.assertEqual((self.here.count(word), self.here.count(f"source_id:{victim}")), (0, 0))


def forged(source, word):
    """Returns a whole record of the spool, of another source, without a line's end in it."""
    text = f"Nov 28 11:00:00 web sshd[1]: Accepted password for root {word} from 203.0.113.9 port 22".encode()
    while True:
        frame = uuid.uuid4().bytes + source.bytes + struct.pack("<q", time.time_ns() // 1000) + b"\0\0"
        payload = struct.pack("<I", 0) + frame + struct.pack("<I", len(text)) + text
        header = struct.pack("<IIIIQII", 0x5542594C, 0, len(payload), len(payload), BATCHES + 2, 1, zlib.crc32(payload))
        record = header + struct.pack("<I", zlib.crc32(header)) + payload
        if b"\n" not in record and b"\r" not in record:
            return record


if __name__ == "__main__":
    unittest.main()
