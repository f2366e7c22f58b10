"""`luytre lake`: damage and tampering are found, taken out, brought back where something still has it; a
span of time goes from one installation to another, once."""

import hashlib
import json
import signal
import subprocess
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone

from installation import ALL_TIME, BINARY, PATIENCE_S, POSTGRES, Installation, postgres_database, wait_for

SETTINGS = """
[lake]
flush_events = 1000
flush_interval_s = 1
"""


class Lake(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    def setUp(self):
        self.here = self.enterContext(Installation(self.database_url(), SETTINGS))
        self.source, self.token = self.here.source(self.here.agency(), "Nguồn log")
        now = datetime.now(timezone.utc)
        for part in range(3):
            lines = [json.dumps({"@timestamp": (now - timedelta(seconds=part)).isoformat(), "number": part * 1000 + number,
                                 "message": f"đăng nhập thất bại {number}"}) for number in range(1000)]
            self.assertEqual(self.here.ingest(self.token, lines).status, 200)
            wait_for("the file", lambda: self.files() and self.here.count(f"source_id:{self.source}") == (part + 1) * 1000)
        # A search finds what waits in memory too; a file may lie there before the lake knows it.
        wait_for("all of it in files", lambda: self.verify()[1]["events"] == 3000)

    def files(self):
        return sorted((self.here.folder / "data" / "lake").glob("day=*/*.parquet"))

    def luytre(self, *arguments):
        """Runs a command; returns its exit code and what it said."""
        done = subprocess.run([BINARY, "--config", str(self.here.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def verify(self):
        code, said = self.luytre("lake", "verify", "--json")
        # Whatever it warns of comes after its answer.
        return code, json.JSONDecoder().raw_decode(said)[0]

    def end(self):
        self.here.kill(signal.SIGTERM)

    def test_a_whole_lake_is_in_order_also_while_it_runs(self):
        code, told = self.verify()
        self.assertEqual((code, told["in_order"], told["damaged"]), (0, True, []), told)
        self.end()
        code, told = self.verify()
        self.assertEqual((code, told["events"], told["chain_first_bad"]), (0, 3000, None), told)
        self.assertEqual(len(told["chain_head"]), 64)
        self.assertEqual(self.luytre("lake", "repair")[0], 0)

    def test_a_changed_byte_is_found_and_repaired(self):
        # Without an orderly end the spool still holds what the file held.
        self.here.kill(signal.SIGKILL)
        victim = self.files()[0]
        changed = bytearray(victim.read_bytes())
        changed[len(changed) // 2] ^= 0x01
        victim.write_bytes(changed)
        code, told = self.verify()
        self.assertEqual((code, len(told["damaged"])), (3, 1))
        self.assertIn("checksum", told["damaged"][0]["faults"][0])
        self.assertEqual(self.luytre("lake", "repair", "--dry-run")[0], 3)
        self.assertTrue(victim.exists())
        _, said = self.luytre("lake", "repair")
        self.assertIn("nothing is lost", said)
        self.assertEqual((self.here.folder / "data/lake/quarantine" / victim.name).read_bytes(), bytes(changed))
        code, told = self.verify()
        self.assertEqual((code, told["in_order"]), (0, True), told)
        aside = {"folder": "quarantine", "files": 1, "bytes": len(changed)}
        self.assertEqual(told["set_aside"], [aside])
        self.assertIn("lake/quarantine: 1 files", self.luytre("lake", "verify")[1])
        self.here.start()
        wait_for("all records", lambda: self.here.count(f"source_id:{self.source}") >= 3000)
        numbers = [event["fields"]["number"] for event in self.here.export(f"source_id:{self.source}")]
        self.assertEqual((len(numbers), len(set(numbers))), (3000, 3000))
        record = self.here.read("/keeping")["records"][0]
        self.assertEqual((record["kind"], record["detail"]["file"]), ("quarantine", str(victim.relative_to(victim.parent.parent))))

    def test_rows_that_can_be_read_are_saved_where_someone_asks_for_it(self):
        self.end()
        victim = self.files()[0]
        changed = bytearray(victim.read_bytes())
        changed[-1] ^= 0x01
        victim.write_bytes(changed)
        # After an orderly end only the file had them, and its footer is gone: there is a copy of that.
        code, said = self.luytre("lake", "repair", "--save-rows")
        self.assertEqual(code, 0, said)
        self.assertIn("1000 of 1000 events saved", said)
        self.assertIn("nothing is lost", said)
        self.assertEqual(self.verify()[1]["in_order"], True)
        victim = self.files()[0]
        changed = bytearray(victim.read_bytes())
        changed[8:] = bytes(len(changed) - 8)
        victim.write_bytes(changed)
        code, said = self.luytre("lake", "repair", "--save-rows")
        self.assertEqual(code, 3)
        self.assertIn("events are lost to searches", said)
        self.assertEqual(self.verify()[1]["in_order"], True)
        self.here.start()
        wait_for("the others", lambda: self.here.count(f"source_id:{self.source}") == 2000)

    def test_a_missing_file_stops_the_start_until_it_is_repaired(self):
        self.end()
        self.files()[0].unlink()
        self.assertEqual(self.verify()[0], 3)
        with self.assertRaisesRegex(AssertionError, "missing"):
            self.here.start()
        self.luytre("lake", "repair")
        self.here.start()
        self.assertEqual(self.verify()[0], 0)
        self.assertEqual(self.here.read("/keeping", verify="yes")["chain"]["holds"], True)

    def test_a_lake_whose_files_are_all_missing_is_taken_for_a_disk_that_is_not_mounted(self):
        old = (datetime.now(timezone.utc) - timedelta(days=3)).isoformat()
        self.assertEqual(self.here.ingest(self.token, [json.dumps({"@timestamp": old, "message": "cũ"})]).status, 200)
        wait_for("a second file", lambda: len(self.files()) > 1)
        self.here.settled(self.source)
        self.end()
        kept = {path: path.read_bytes() for path in self.files()}
        for path in kept:
            path.unlink()
        code, said = self.luytre("lake", "repair")
        self.assertEqual(code, 1)
        self.assertIn("is its disk mounted", said)
        self.assertIn("--all-missing", said)
        # Nothing was forgotten: with the disk in its place all is well.
        for path, content in kept.items():
            path.write_bytes(content)
        code, told = self.verify()
        self.assertEqual((code, told["events"]), (0, 3001), told)
        for path in kept:
            path.unlink()
        code, said = self.luytre("lake", "repair", "--all-missing")
        self.assertEqual(code, 3, said)
        self.assertIn("3001 events are lost to searches", said)
        code, told = self.verify()
        self.assertEqual((code, told["files"], told["in_order"]), (0, 0, True), told)
        self.here.start()
        self.assertEqual(self.here.count(f"source_id:{self.source}"), 0)
        records = self.here.read("/keeping")["records"]
        self.assertEqual({record["kind"] for record in records}, {"missing"})
        self.assertEqual(sum(record["detail"]["events_lost"] for record in records), 3001)

    def test_a_file_that_cannot_be_read_is_an_alert_until_it_is_repaired(self):
        self.end()
        victim = self.files()[0]
        content = victim.read_bytes()
        half = len(content) // 2
        victim.write_bytes(content[:4] + bytes(half) + content[4 + half:])
        self.here.start()
        path = str(victim.relative_to(self.here.folder / "data/lake"))

        def told():
            asked = self.here.api("GET", "/search/export.ndjson?" + urllib.parse.urlencode({"q": "number:*", **ALL_TIME}))
            self.assertNotEqual(asked.status, 200, "an answer without its events")
            return self.here.alerts("luytre-storage")

        (alert,) = wait_for("the alert", told)
        self.assertEqual(alert["severity"], "high")
        self.assertIn(path, json.dumps(self.here.read(f"/alerts/{alert['id']}"), ensure_ascii=False))
        self.assertIn(path, self.here.log())
        # One file is one alert, however often it is asked for.
        told()
        self.assertEqual(len(self.here.alerts("luytre-storage")), 1)
        self.end()
        self.luytre("lake", "repair")
        self.here.start()
        self.here.export("number:*")

    def test_a_row_changed_behind_the_platforms_back_is_found(self):
        import sqlite3

        self.end()
        if self.database_url():
            self.skipTest("the tampering is done with SQLite")
        database = sqlite3.connect(self.here.folder / "data" / "luytre.db")
        with self.assertRaises(sqlite3.DatabaseError):
            database.execute("update lake_chain set detail = '{}' where seq = 1")
        meta = json.loads(database.execute("select meta from lake_segment limit 1").fetchone()[0])
        meta["sha256"] = "00" * 32
        database.execute("update lake_segment set meta = ? where id = ?", (json.dumps(meta), meta["id"]))
        database.commit()
        code, told = self.verify()
        self.assertEqual((code, told["not_as_the_chain_says"]), (3, [meta["id"]]))
        database.execute("drop trigger lake_chain_no_update")
        database.execute("update lake_chain set detail = '{}' where seq = 2")
        database.commit()
        database.close()
        code, told = self.verify()
        self.assertEqual((code, told["chain_first_bad"]), (3, 2))

    def test_a_running_platform_is_not_repaired(self):
        code, said = self.luytre("lake", "repair")
        self.assertEqual(code, 1)
        self.assertIn("is running", said)

    def spoil(self, folder, manifest):
        """Puts a line that is no event into an export's first file of lines."""
        file = manifest["files"][0]
        path = folder / file["path"]
        first, rest = path.read_bytes().split(b"\n", 1)
        path.write_bytes(first + b"\nno event\n" + rest)
        file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def luytre_of(self, other, *arguments):
        done = subprocess.run([BINARY, "--config", str(other.config), *arguments], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def test_an_export_goes_from_one_installation_to_another(self):
        tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%d")
        other = self.enterContext(Installation(extra_config=SETTINGS))
        other.kill(signal.SIGTERM)
        for form in ("parquet", "ndjson"):
            folder = self.here.folder / f"export-{form}"
            self.here.run("lake", "export", "--from", "2020-01-01", "--to", tomorrow, "--format", form, str(folder))
            manifest = json.loads((folder / "manifest.json").read_text())
            self.assertEqual((manifest["events"], manifest["format"]), (3000, form))
            said = other.run("lake", "import", str(folder))
            self.assertIn("3000 events brought in, 0" if form == "parquet" else "0 events brought in, 3000", said)
        self.spoil(folder, manifest)
        code, said = self.luytre_of(other, "lake", "import", str(folder))
        self.assertEqual(code, 3, said)
        self.assertIn("0 events brought in, 3000", said)
        self.assertIn(f"{manifest['files'][0]['path']}:2: ", said)
        kept = [json.loads(line) for path in (other.folder / "data" / "rejected").iterdir() for line in path.open()]
        self.assertEqual([(one["line"], one["record"]) for one in kept], [(2, "no event")])
        code, said = self.luytre_of(other, "lake", "import", "--strict", str(folder))
        self.assertEqual(code, 1)
        self.assertIn("line 2: ", said)
        other.start()
        self.assertEqual(len(other.export("thất bại")), 3000)
        self.assertIn("the chain over the files is whole", other.run("lake", "verify"))


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class LakeOnPostgres(Lake):
    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
