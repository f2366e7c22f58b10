"""A disk that fills up, has no byte left, or turns read-only under load: senders are told to wait, an
alert says so, what was acknowledged is kept, and the platform goes on by itself when there is room again.

Real file systems of their own (a small tmpfs, an ext4 image), so these want root; without it they say why
they are skipped."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import unittest
from datetime import datetime, timezone
from pathlib import Path

from installation import BINARY, PATIENCE_S, POSTGRES, Installation, postgres_database, wait_for

STORAGE = "luytre-storage"

MIB = 1 << 20

# Files of the lake are written often, so that a full disk meets them too.
SETTINGS = """
[lake]
flush_events = 1000
flush_interval_s = 1
[spool]
segment_bytes = 1048576
free_bytes_min = {free}
"""


def mounts():
    """Returns why nothing can be mounted here; empty where it can."""
    if os.geteuid() != 0:
        return "only root may mount a file system"
    probe = Path("/tmp") / f"luytre-mount-{os.getpid()}"
    probe.mkdir(exist_ok=True)
    tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(probe)], capture_output=True, text=True)
    if tried.returncode == 0:
        subprocess.run(["umount", str(probe)], check=True)
    probe.rmdir()
    return tried.stderr.strip()


NO_MOUNT = mounts()


class Sender:
    """Posts batches of numbered records until it is told to end, whatever it is answered."""

    def __init__(self, here, token):
        self.here, self.token = here, token
        self.sent, self.acknowledged, self.statuses = 0, set(), []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            batch = list(range(self.sent, self.sent + 50))
            self.sent += len(batch)
            now = datetime.now(timezone.utc).isoformat()
            # Random text: compression must not make the disk larger than it is.
            lines = [json.dumps({"@timestamp": now, "number": number, "message": os.urandom(400).hex()})
                     for number in batch]
            try:
                answer = self.here.ingest(self.token, lines)
            except (OSError, http.client.HTTPException):
                return
            self.statuses.append(answer.status)
            if answer.status == 200:
                self.acknowledged.update(batch)
                # Some two megabytes a second: the disk is filled by the test, not by the load.
                self.over.wait(0.02)
            else:
                assert int(answer.headers["Retry-After"]) > 0
                self.over.wait(0.2)

    def end(self):
        self.over.set()
        self.thread.join(timeout=PATIENCE_S)


@unittest.skipIf(NO_MOUNT, f"no file system of its own: {NO_MOUNT}")
class FullDisk(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    def start(self, free_bytes_min, kind="tmpfs", size_mib=192):
        here = Installation(self.database_url(), SETTINGS.replace("{free}", str(free_bytes_min)))
        self.addCleanup(shutil.rmtree, here.folder, ignore_errors=True)
        self.data = here.folder / "data"
        self.data.mkdir()
        if kind == "tmpfs":
            command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "none", str(self.data)]
        else:
            if not shutil.which("mkfs.ext4"):
                self.skipTest("no mkfs.ext4")
            image = here.folder / "disk.img"
            with open(image, "wb") as file:
                file.truncate(size_mib * MIB)
            subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
            command = ["mount", "-o", "loop", str(image), str(self.data)]
        mounted = subprocess.run(command, capture_output=True, text=True)
        if kind != "tmpfs" and mounted.returncode != 0:
            self.skipTest(f"no image can be mounted: {mounted.stderr.strip()}")
        self.assertEqual(mounted.returncode, 0, mounted.stderr)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.data)], capture_output=True)
        self.here = self.enterContext(here)
        self.source, self.token = here.source(here.agency(), "Nguồn tải")

    def free(self):
        facts = os.statvfs(self.data)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave):
        """Fills the disk with a file until so many bytes are left."""
        with open(self.data / "filler", "ab") as file:
            while self.free() > leave:
                try:
                    file.write(b"x" * min(MIB, max(4096, self.free() - leave)))
                    file.flush()
                except OSError:
                    break

    def wait_until_nothing_makes_room(self):
        """Waits until all that came in lies in files, and the spool has forgotten it."""
        def filed():
            told = json.JSONDecoder().raw_decode(self.luytre("lake", "verify", "--json")[1])[0]
            return told["events"] == self.here.count(f"source_id:{self.source}") and \
                len(list((self.data / "spool").glob("*.spool"))) == 1

        wait_for("everything to lie in files", filed)

    def trouble(self):
        storage = self.here.read("/duty")["storage"]
        return storage and storage["trouble"] and storage["trouble"]["kind"]

    def assert_exactly_once(self, sender):
        query = f"source_id:{self.source}"
        wait_for("all acknowledged records", lambda: self.here.count(query) >= len(sender.acknowledged))
        numbers = []
        for first in range(0, sender.sent, 20_000):
            events = self.here.export(f"{query} number:[{first} TO {first + 19_999}]")
            numbers += [int(event["fields"]["number"]) for event in events]
        lost, twice = sender.acknowledged - set(numbers), len(numbers) - len(set(numbers))
        self.assertEqual((len(lost), twice), (0, 0))

    def test_senders_wait_below_the_reserve_and_go_on_when_there_is_room(self):
        self.start(free_bytes_min=24 * MIB)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 1000)
        self.fill(leave=16 * MIB)
        wait_for("senders being told to wait", lambda: sender.statuses[-1:] == [429])
        wait_for("the duty page to say so", lambda: self.trouble() == "disk-low")
        told = wait_for("the alert", lambda: self.here.alerts(STORAGE))
        self.assertEqual({alert["severity"] for alert in told}, {"high"})
        # A stream is not read on: it fills up, and nothing of it is lost.
        with socket.create_connection(("127.0.0.1", self.here.tcp)) as stream:
            stream.settimeout(1)
            blocked, line = False, b"<13>1 - host app - - - " + b"y" * 400
            try:
                for _ in range(200_000):
                    stream.sendall(str(len(line)).encode() + b" " + line)
            except TimeoutError:
                blocked = True
            self.assertTrue(blocked, "the stream is read on although there is no room")
        taken = len(sender.acknowledged)
        (self.data / "filler").unlink()
        wait_for("senders being heard again", lambda: len(sender.acknowledged) > taken + 500)
        wait_for("the duty page to say so", lambda: self.trouble() is None)
        sender.end()
        self.assertLessEqual(set(sender.statuses), {200, 429})
        self.assert_exactly_once(sender)
        self.assertTrue(self.here.is_up())

    def test_not_a_byte_left(self):
        self.start(free_bytes_min=0)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 1000)
        self.fill(leave=0)
        wait_for("senders being told to wait", lambda: sender.statuses[-3:] == [503] * 3)
        wait_for("the duty page to say so", lambda: self.trouble() in ("spool-failing", "lake-failing"))
        (self.data / "filler").unlink()
        taken = len(sender.acknowledged)
        wait_for("senders being heard again", lambda: len(sender.acknowledged) > taken + 500)
        sender.end()
        wait_for("the duty page to say so", lambda: self.trouble() is None)
        # The alert could not be written while there was no room; now it is.
        wait_for("the alert", lambda: self.here.alerts(STORAGE))
        self.assertLessEqual(set(sender.statuses), {200, 503})
        self.assert_exactly_once(sender)

    def test_killed_with_a_full_disk(self):
        self.start(free_bytes_min=0)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 1000)
        self.fill(leave=0)
        wait_for("senders being told to wait", lambda: sender.statuses[-3:] == [503] * 3)
        self.here.kill(signal.SIGKILL)
        sender.end()
        (self.data / "filler").unlink()
        self.here.start()
        self.assert_exactly_once(sender)

    def luytre(self, *arguments):
        done = subprocess.run([BINARY, "--config", str(self.here.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def test_what_cannot_be_copied_leaves_nothing_half(self):
        self.start(free_bytes_min=0)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 2000)
        sender.end()
        wait_for("all acknowledged records",
                 lambda: self.here.count(f"source_id:{self.source}") >= len(sender.acknowledged))
        self.wait_until_nothing_makes_room()
        self.fill(leave=0)
        span = ("--from", "2020-01-01", "--to", "2100-01-01")
        commands = [("lake", "export", *span, str(self.data / "exported"))]
        if not self.here.config.read_text().count("postgres"):
            commands.append(("backup", str(self.data / "copied")))
        for command in commands:
            code, said = self.luytre(*command)
            self.assertEqual(code, 1, said)
            self.assertIn("No space left on device", said)
            self.assertNotIn("not valid Parquet", said)
            self.assertEqual(list(Path(command[-1]).iterdir()), [], "half of it is left")
        (self.data / "filler").unlink()
        for command in commands:
            code, said = self.luytre(*command)
            self.assertEqual(code, 0, said)
            self.assertTrue(list(Path(command[-1]).iterdir()))
        self.assert_exactly_once(sender)

    def test_a_start_on_a_full_disk_says_so(self):
        if self.database_url():
            self.skipTest("the database lies elsewhere")
        self.start(free_bytes_min=0)
        self.here.kill(signal.SIGTERM)
        self.fill(leave=0)
        said = self.here.spawn()
        self.assertEqual(self.here.process.wait(timeout=PATIENCE_S), 1)
        # SQLite calls it an I/O error.
        self.assertIn("its disk is full", self.here.log(said))
        (self.data / "filler").unlink()
        self.here.start()
        self.assertTrue(self.here.is_up())

    def test_looked_at_and_copied_from_a_disk_that_takes_no_writes(self):
        self.start(free_bytes_min=0, kind="ext4", size_mib=128)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 2000)
        sender.end()
        # An orderly end leaves no log beside the database; a crash leaves one.
        for ending in (signal.SIGTERM, signal.SIGKILL):
            self.here.kill(ending)
            if not self.database_url():
                self.assertEqual((self.data / "luytre.db-wal").exists(), ending == signal.SIGKILL)
            subprocess.run(["mount", "-o", "remount,ro", str(self.data)], check=True, capture_output=True)
            said = self.here.spawn()
            self.assertEqual(self.here.process.wait(timeout=PATIENCE_S), 1)
            self.assertIn("its disk is read-only", self.here.log(said))
            done = subprocess.run([BINARY, "--config", str(self.here.config), "lake", "verify", "--json"], text=True,
                                  capture_output=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            told = json.loads(done.stdout)
            self.assertEqual((told["in_order"], told["events"] > 0), (True, True))
            if not self.database_url():
                copy = self.here.folder / f"copy-{ending.name}"
                code, said = self.luytre("backup", str(copy))
                self.assertEqual(code, 0, said)
                self.assertTrue((copy / "luytre.db").exists())
            subprocess.run(["mount", "-o", "remount,rw", str(self.data)], check=True, capture_output=True)
            self.here.start()
            self.assert_exactly_once(sender)

    def test_a_disk_that_turns_read_only(self):
        self.start(free_bytes_min=0, kind="ext4", size_mib=128)
        sender = Sender(self.here, self.token)
        wait_for("the load", lambda: len(sender.acknowledged) > 1000)
        # As the kernel does when the disk fails: the journal is given up, nothing more is written.
        subprocess.run(["mount", "-o", "remount,abort", str(self.data)], check=True, capture_output=True)
        wait_for("senders being told to wait", lambda: sender.statuses[-3:] == [503] * 3)
        wait_for("the duty page to say so", lambda: self.trouble() in ("spool-failing", "lake-failing"))
        self.here.kill(signal.SIGKILL)
        sender.end()
        subprocess.run(["umount", str(self.data)], check=True, capture_output=True)
        checked = subprocess.run(["fsck.ext4", "-fy", str(self.here.folder / "disk.img")], capture_output=True)
        self.assertIn(checked.returncode, (0, 1))
        subprocess.run(["mount", "-o", "loop", str(self.here.folder / "disk.img"), str(self.data)], check=True)
        self.here.start()
        self.assert_exactly_once(sender)


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class FullDiskOnPostgres(FullDisk):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
