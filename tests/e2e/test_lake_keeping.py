"""The lake kept for years: encrypted at rest, its keys changed, its files brought to an S3 store and back with
`kill -9` in between. Every event is there once, whatever is done."""

import json
import os
import random
import signal
import stat
import subprocess
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

from installation import BINARY, PATIENCE_S, POSTGRES, S3_SERVER, Installation, free_port, http_call, postgres_database, wait_for

SETTINGS = """
[lake]
flush_events = 500
flush_interval_s = 1
"""

STORE = """
store = "s3://logs/tinh"
[lake.s3]
endpoint = "http://127.0.0.1:{port}"
access_key_id = "luytre"
secret_access_key = "a secret of the tests"
"""

ENCRYPTION = """
[lake.encryption]
key_file = "{file}"
"""

EVENTS = 3000



class Kept(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    def begin(self, more=""):
        self.here = self.enterContext(Installation(self.database_url(), SETTINGS + more))
        self.source, self.token = self.here.source(self.here.agency(), "Nguồn log")
        self.sent = 0
        self.send(EVENTS)

    def send(self, count, into_files=True):
        now = datetime.now(timezone.utc)
        source = f"source_id:{self.source}"
        for first in range(self.sent, self.sent + count, 500):
            lines = [json.dumps({"@timestamp": (now - timedelta(seconds=number % 60)).isoformat(), "number": number,
                                 "message": f"đăng nhập thất bại bimat{number}"}) for number in range(first, first + 500)]
            self.assertEqual(self.here.ingest(self.token, lines).status, 200)
            # One after the other: what is read together goes into one file, and more than one is wanted.
            wait_for("the records", lambda: self.here.count(source) == first + 500)
        self.sent += count
        if into_files:
            # A search finds what waits in memory too; a file may lie there before the lake knows it.
            wait_for("all of it in files", lambda: self.verified()["events"] == self.sent)

    def change(self, more):
        """Ends the platform and changes its configuration."""
        self.here.kill(signal.SIGTERM)
        text = self.here.config.read_text()
        kept = text[:text.index("[lake]")]
        self.here.config.write_text(kept + SETTINGS + more)

    def luytre(self, *arguments):
        done = subprocess.run([BINARY, "--config", str(self.here.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def verified(self):
        # Whatever it warns of comes after its answer.
        return json.JSONDecoder().raw_decode(self.luytre("lake", "verify", "--json")[1])[0]

    def files(self):
        return sorted((self.here.folder / "data" / "lake").glob("day=*/*.parquet"))

    def assert_all_there_once(self):
        # What was in the spool at the last end is read after the start.
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") >= self.sent)
        events = self.here.export(f"source_id:{self.source}")
        numbers = sorted(int(event["fields"]["number"]) for event in events)
        self.assertEqual(numbers, list(range(self.sent)))
        self.assertEqual(len({event["id"] for event in events}), self.sent)
        one = random.randrange(self.sent)
        self.assertEqual(len(self.here.search(f"bimat{one}")), 1, "the index finds it")

    def assert_in_order(self):
        code, said = self.luytre("lake", "verify", "--json")
        told = json.loads(said)
        self.assertEqual((code, told["in_order"], told["events"]), (0, True, self.sent), said)


class Encrypted(Kept):
    def key(self, name):
        path = self.here.folder / name
        code, said = self.luytre("lake", "key", "new", str(path))
        self.assertEqual(code, 0, said)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        secret = path.read_text().split()[1]
        self.assertNotIn(secret, said)
        return path, secret

    def assert_spool_tells_nothing(self):
        spooled = b"".join(path.read_bytes() for path in (self.here.folder / "data" / "spool").glob("*.spool"))
        self.assertGreater(len(spooled), EVENTS * 10, "what waits for the lake stands in the spool")
        self.assertNotIn(b"bimat", spooled)

    def plain_files(self):
        return [path for path in self.files() if path.read_bytes()[:4] == b"PAR1"]

    def fails_to_start(self):
        length = len(self.here.log().encode())
        with self.assertRaises(AssertionError):
            self.here.start()
        return self.here.log(length)

    def test_from_plain_to_encrypted_through_both_rotations_and_out_of_a_backup(self):
        self.begin()
        one, secret = self.key("one.key")
        two, _ = self.key("two.key")
        self.assertEqual(self.luytre("lake", "key", "new", str(one))[0], 1, "a key file is never written over")
        encrypted = lambda path: ENCRYPTION.format(file=path)
        # Old files stay plain, new ones are not; both are one lake.
        self.change(encrypted(one))
        before = self.plain_files()
        self.assertTrue(before)
        self.here.start()
        self.send(EVENTS)
        self.assert_all_there_once()
        self.here.kill(signal.SIGTERM)
        self.assertLess(len(self.plain_files()), len(self.files()))
        self.assert_in_order()
        # All of them under a new data key.
        code, said = self.luytre("lake", "key", "rotate", "--files")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.plain_files(), [])
        for path in self.files():
            self.assertNotIn("bimat", path.read_bytes().decode("latin-1"))
        self.assert_in_order()
        code, said = self.luytre("lake", "key", "list")
        self.assertIn("0 files are plain", said)
        told = self.verified()
        self.assertEqual((told["files_encrypted"], told["files_in_store"]), (told["files"], 0))
        # The platform goes on, and is killed while records wait in the spool: they are encrypted as well.
        self.here.start()
        self.send(EVENTS, into_files=False)
        self.assert_all_there_once()
        self.here.kill(signal.SIGKILL)
        self.assert_spool_tells_nothing()
        # Without the key, with a wrong one, with one that others may read: an error that names file and setting.
        self.change("")
        self.assertIn("chưa đặt lake.encryption.key_file", self.fails_to_start())
        code, said = self.luytre("lake", "verify")
        self.assertEqual(code, 1)
        self.assertIn("lake.encryption.key_file is not set", said)
        self.assertEqual(self.luytre("lake", "verify", "--without-key")[0], 0, "checksums and chain hold without a key")
        self.change(encrypted(two))
        said = self.fails_to_start()
        self.assertIn(str(two), said)
        self.assertIn("lake.encryption.key_file", said)
        self.assertIn("không mở được kho log", said)
        one.chmod(0o644)
        self.change(encrypted(one))
        self.assertIn("chmod 600", self.fails_to_start())
        one.chmod(0o600)
        # Another master key: files stay as they are, the old key opens nothing any more.
        files = {path: path.read_bytes() for path in self.files()}
        code, said = self.luytre("lake", "key", "rotate", "--to", str(two))
        self.assertEqual(code, 0, said)
        self.assertIn(str(one), self.fails_to_start())
        self.change(encrypted(two))
        self.here.start()
        self.assert_all_there_once()
        now = {path: path.read_bytes() for path in self.files()}
        self.assertEqual({path: now[path] for path in files if path in now}, {path: files[path] for path in files if path in now})
        # A backup is of no use without the key, and complete with it; an export is plain.
        if not self.database_url():
            backup = self.here.folder / "backup"
            code, said = self.luytre("backup", str(backup))
            self.assertEqual(code, 0, said)
            self.assertIn("the master key is not in it", said)
            for path in backup.rglob("*"):
                if path.is_file():
                    bytes_ = path.read_bytes()
                    self.assertFalse(two.read_text().split()[1].encode() in bytes_ or secret.encode() in bytes_, path)
            self.here.kill(signal.SIGTERM)
            (self.here.folder / "data").rename(self.here.folder / "lost")
            code, said = self.luytre("restore", str(backup))
            self.assertEqual(code, 0, said)
            self.here.start()
            self.assert_all_there_once()
        folder = self.here.folder / "export"
        tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%d")
        self.here.run("lake", "export", "--from", "2020-01-01", "--to", tomorrow, str(folder))
        self.assertTrue(all(path.read_bytes()[:4] == b"PAR1" for path in folder.rglob("*.parquet")))
        self.assertIn("the chain is whole", self.here.run("audit", "verify"))
        log = self.here.log()
        self.assertFalse(secret in log or two.read_text().split()[1] in log, "no key in the log")

    def test_a_damaged_encrypted_file_is_found_and_repaired(self):
        self.begin()
        one, _ = self.key("one.key")
        self.change(ENCRYPTION.format(file=one))
        self.here.start()
        self.send(EVENTS)
        self.here.kill(signal.SIGKILL)
        victim = max(set(self.files()) - set(self.plain_files()))
        changed = bytearray(victim.read_bytes())
        changed[len(changed) // 2] ^= 0x01
        victim.write_bytes(changed)
        code, said = self.luytre("lake", "verify", "--json")
        self.assertEqual((code, len(json.loads(said)["damaged"])), (3, 1))
        self.luytre("lake", "repair", "--save-rows")
        self.here.start()
        self.assert_all_there_once()


@unittest.skipUnless(S3_SERVER, "the S3 server of crates/lake is not built: cargo build --workspace --tests")
class Moved(Kept):
    def setUp(self):
        self.port = free_port()

    def serve(self):
        root = self.here.folder / "s3"
        (root / "logs").mkdir(parents=True, exist_ok=True)
        server = subprocess.Popen([S3_SERVER, "--exact", "s3::a_stranger_is_refused"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "LUYTRE_TEST_S3": f"{root},{self.port}"})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the S3 server", self.s3_answers)

    def s3_answers(self):
        try:
            return http_call("GET", f"http://127.0.0.1:{self.port}/logs/x").status == 403
        except OSError:
            return False

    def objects(self):
        return sorted((self.here.folder / "s3" / "logs").rglob("*.parquet"))

    def move_with_kills(self, to, dice, kills):
        """Calls the command and kills it so often, by turns as soon as it has moved a file and at any moment; then
        lets it end. Returns how often it was killed with a part of the files moved."""
        killed = 0
        for turn in range(kills):
            before = (self.files(), self.objects())
            process = subprocess.Popen([BINARY, "--config", str(self.here.config), "lake", "move", "--to", to],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if turn % 2:
                time.sleep(dice.uniform(0.05, 0.6))
            else:
                # Without a pause: the next file may follow within milliseconds.
                while process.poll() is None and (self.files(), self.objects()) == before:
                    pass
            process.kill()
            process.wait()
            killed += bool(self.files() and self.objects())
        code, said = self.luytre("lake", "move", "--to", to)
        self.assertEqual(code, 0, said)
        self.assertIn("0 stay where they are", said)
        return killed

    def test_to_the_store_and_back_with_kills_in_between(self):
        self.begin()
        self.assertEqual(self.luytre("lake", "move", "--to", "store")[0], 1, "there is no store")
        self.serve()
        dice = random.Random(20261127)
        store = STORE.format(port=self.port)
        self.change(store.lstrip())
        count = len(self.files())
        self.assertGreaterEqual(count, 3)
        self.here.start()
        code, said = self.luytre("lake", "move", "--to", "store")
        self.assertEqual(code, 1)
        self.assertIn("is running", said)
        self.assert_all_there_once()
        self.here.kill(signal.SIGTERM)
        self.assertGreater(self.move_with_kills("store", dice, 8), 0)
        self.assertEqual(self.files(), [])
        self.assertGreaterEqual(len(self.objects()), count)
        self.assert_in_order()
        told = self.verified()
        self.assertEqual((told["files_encrypted"], told["files_in_store"]), (0, told["files"]))
        self.here.start()
        self.assert_all_there_once()
        self.send(500, into_files=False)
        self.here.kill(signal.SIGKILL)
        self.here.start()
        self.assert_all_there_once()
        self.here.kill(signal.SIGTERM)
        self.move_with_kills("folder", dice, 8)
        self.assertEqual(self.objects(), [], "nothing is left over in the store")
        self.assert_in_order()
        self.change("")
        self.here.start()
        self.assert_all_there_once()
        self.assertIn("the chain is whole", self.here.run("audit", "verify"))

    def test_a_store_for_old_files_only_keeps_the_new_ones_here(self):
        self.begin()
        self.serve()
        self.change(STORE.format(port=self.port).lstrip() + "[lake.tier]\nafter_days = 30\n")
        self.here.start()
        self.send(500)
        self.assert_all_there_once()
        self.here.kill(signal.SIGTERM)
        self.assertEqual(self.objects(), [])
        # What is brought there by hand is read there, beside what is here.
        self.assertEqual(self.luytre("lake", "move", "--to", "store")[0], 0)
        self.here.start()
        self.send(500)
        self.assertEqual(len(self.files()) > 0 and len(self.objects()) > 0, True)
        self.assert_all_there_once()
        wait_for("the duty page to know it", lambda: (self.here.read("/duty")["storage"] or {}).get("store_bytes", 0) > 0)
        self.assert_in_order()
        if not self.database_url():
            code, said = self.luytre("backup", str(self.here.folder / "backup"))
            self.assertEqual(code, 0, said)
            self.assertIn("lie in the store", said)

    def test_what_makes_no_sense_is_told(self):
        self.begin()
        self.change("[lake.tier]\nafter_days = 30\n")
        code, said = self.luytre("config", "check")
        self.assertEqual(code, 1)
        self.assertIn("lake.store", said)


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class EncryptedOnPostgres(Encrypted):
    database_url = staticmethod(postgres_database)


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server")
class MovedOnPostgres(Moved):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
