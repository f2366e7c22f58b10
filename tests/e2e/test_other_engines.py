"""Events made elsewhere, beside other engines: what a query line finds is what an oracle says that was written
from the documentation alone, and DuckDB reads from the lake's files, byte for byte, what was sent."""

import json
import random
import signal
import unittest
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

import duckdb

from installation import ALL_TIME, PASSWORD, Installation, wait_for
from oracle import Queries, Record
from visitor import Visitor

# So that files are written, and questions meet files as well as memory.
SETTINGS = """
[lake]
flush_events = 1000
flush_interval_s = 3600
"""

RECORDS = 2500
QUERIES = 90
SEED = 20261128

# More than one answer holds: 16 MiB of records.
LONG_RECORDS, LONG_BYTES = 1400, 14_000


def offered(here, line, token=None):
    """Returns what may stand at the end of a line, and what it means."""
    page = here.read("/search/fields", token=token, q=line, at=len(line))
    return {offer["text"]: offer["about"] for offer in page["offers"]}


class OtherEngines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = here = cls.enterClassContext(Installation(extra_config=SETTINGS))
        cls.dice = random.Random(SEED)
        now = datetime.now(timezone.utc)
        cls.records = [Record(cls.dice, number, now) for number in range(RECORDS)]
        cls.agencies = [here.agency(f"so-{number}", f"Sở {number}") for number in range(2)]
        tokens = [here.source(agency, "Nguồn")[1] for agency in cls.agencies]
        for first in range(0, RECORDS, 100):
            answer = here.ingest(tokens[first // 100 % 2], [record.line for record in cls.records[first:first + 100]])
            assert answer.status == 200, answer.body
        invited = here.api("POST", "/accounts", {"login": "can-bo", "name": "Cán bộ", "role": "agency_officer", "agency": cls.agencies[1]})
        assert invited.status == 201, invited.body
        Visitor(here).join(invited.json()["value"], PASSWORD)
        cls.officer = here.token_of("can-bo")
        wait_for("all records", lambda: here.count("") == RECORDS)

    def numbers(self, line):
        """Returns the numbers of the records that a query finds."""
        return {int(row["n"]) for row in self.read(f"{line} | stats count() by n")}

    def read(self, line, **when):
        answer = self.here.api("GET", f"/search/export.ndjson?{urlencode({'q': line, **(when or ALL_TIME)})}")
        self.assertEqual(answer.status, 200, (line, answer.body[:500]))
        return [json.loads(row) for row in answer.body.splitlines()]

    def test_a_query_finds_what_the_documentation_says(self):
        queries = Queries(self.dice, self.records)
        for number in range(QUERIES):
            line, passes = queries.line()
            with self.subTest(line=line):
                wanted = {own for own, record in enumerate(self.records) if passes(record)}
                found = self.numbers(line)
                self.assertEqual((sorted(found - wanted)[:5], sorted(wanted - found)[:5]), ([], []), "too many, too few")
                self.assertEqual(self.here.count(line), len(wanted))
                if number % 3 == 0:
                    # Whoever sees one agency finds its records only, and counts no others.
                    seen = self.here.read("/search", token=self.officer, q=line, **ALL_TIME)["results"]
                    self.assertEqual(seen["total"], sum(own // 100 % 2 for own in wanted))

    def test_figures_are_those_of_duckdb(self):
        table = duckdb.connect()
        table.execute("create table sent (addr varchar, port bigint, at_us bigint)")
        table.executemany("insert into sent values (?, ?, ?)", [
            (record.fields.get("addr"), record.fields.get("net.src.port"), round(record.at.timestamp() * 1_000_000))
            for record in self.records])
        number = lambda cell: None if cell in ("", None) else round(float(cell), 6)
        line = "| stats count(), sum(net.src.port) as s, min(net.src.port) as a, max(net.src.port) as b, avg(net.src.port) as m by addr"
        found = sorted((row["addr"], *(number(row[name]) for name in ("count", "s", "a", "b", "m"))) for row in self.read(line))
        wanted = table.execute("select addr, count(*), sum(port), min(port), max(port), avg(port) from sent where addr is not null group by 1")
        self.assertEqual(found, sorted((row[0], *map(number, row[1:])) for row in wanted.fetchall()))
        # A day begins at midnight in Vietnam.
        now = datetime.now(timezone.utc)
        span = {"from": (now - timedelta(days=400)).isoformat(), "to": (now + timedelta(days=2)).isoformat()}
        chart = self.read("| timechart span=1d count()", **span)
        found = {row["time"]: number(row["count"]) for row in chart if number(row["count"])}
        wanted = table.execute("select (at_us + 25200000000) // 86400000000 * 86400 - 25200, count(*) from sent group by 1").fetchall()
        self.assertEqual(found, {datetime.fromtimestamp(start, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"): count for start, count in wanted})

    def test_found_events_and_figures_come_as_parquet(self):
        def rows(body, what):
            file = self.here.folder / "taken.parquet"
            file.write_bytes(body)
            return duckdb.sql(f"select {what} from read_parquet('{file}')").fetchall()

        sent = sorted(record.line for record in self.records)
        asked = urlencode({"q": "", **ALL_TIME})
        answer = self.here.api("GET", f"/search/export.parquet?{asked}")
        self.assertEqual((answer.status, sorted(row[0] for row in rows(answer.body, "raw"))), (200, sent))
        # In the order of an answer, the newest first; an officer's file holds their agency's events only.
        times = rows(answer.body, "epoch_us(occurred_at)")
        self.assertEqual(times, sorted(times, reverse=True))
        answer = self.here.api("GET", f"/search/export.parquet?{asked}", token=self.officer)
        if answer.status == 200:
            self.assertEqual(rows(answer.body, "distinct agency_id"), [(self.agencies[1],)])
        figures = self.here.api("GET", f"/search/export.parquet?{urlencode({'q': '| stats count() by addr', **ALL_TIME})}")
        wanted = sorted((row["addr"], int(row["count"])) for row in self.read("| stats count() by addr"))
        self.assertEqual(sorted(rows(figures.body, "addr, count")), wanted)
        # The same in the background.
        made, _ = self.here.make("/exports", {"q": "", "format": "parquet", **ALL_TIME})
        page = wait_for("the file", lambda: (page := self.here.read(f"/exports/{made}"))["ready"] and page)
        self.assertEqual(page["rows"], RECORDS)
        body = self.here.api("GET", f"/exports/{made}/file").body
        self.assertEqual(sorted(row[0] for row in rows(body, "raw")), sent)

    def test_a_line_is_completed_as_far_as_its_reader_sees(self):
        self.assertEqual(offered(self.here, "agency_id:", self.officer), {self.agencies[1]: "Sở 1"})
        self.assertLessEqual(set(self.agencies), set(offered(self.here, "agency_id:")))

    def test_what_can_find_nothing_is_told_at_its_column(self):
        for line, column in [("net.src.port:[5 TO 1]", 14), ("src_ip:10.0.0.0/40", 8), ("| top -1 addr", 7)]:
            answer = self.here.api("GET", f"/search?{urlencode({'q': line, **ALL_TIME})}")
            self.assertEqual((answer.status, answer.json()["error"]["column"]), (422, column), line)

    def test_a_missing_value_in_sql_is_told_from_an_empty_text(self):
        question = "SELECT NULL AS a, '' AS b"
        self.assertEqual(self.here.read("/search/sql", sql=question)["table"]["rows"], [[None, ""]])
        self.assertIn("NULL", self.here.run("search", "--sql", question, "--token", self.here.token))
        lines = self.here.run("search", "--sql", question, "--format", "jsonl", "--token", self.here.token)
        self.assertEqual(json.loads(lines), {"a": None, "b": ""})

    def test_duckdb_reads_what_was_sent_also_after_a_journey(self):
        self.here.kill(signal.SIGTERM)
        self.addCleanup(self.here.start)
        rows = "select hex(id), epoch_us(occurred_at), raw, fields, attrs_exact, agency_id from read_parquet('{}/day=*/*.parquet') order by 1"
        own = duckdb.sql(rows.format(self.here.folder / "data" / "lake")).fetchall()
        sent = sorted((round(record.at.timestamp() * 1_000_000), record.line) for record in self.records)
        self.assertEqual(sorted((row[1], row[2]) for row in own), sent)
        misplaced = f"select count(*) from read_parquet('{self.here.folder}/data/lake/day=*/*.parquet', hive_partitioning = true) " \
                    "where strftime(make_timestamp(epoch_us(occurred_at)), '%Y-%m-%d') <> day::varchar"
        self.assertEqual(duckdb.sql(misplaced).fetchall(), [(0,)])
        # Polars reads bytes of a fixed length in this encoding only.
        ids = f"select distinct encodings from parquet_metadata('{self.here.folder}/data/lake/day=*/*.parquet') where path_in_schema = 'id'"
        self.assertEqual([set(row[0].replace(" ", "").split(",")) - {"RLE"} for row in duckdb.sql(ids).fetchall()], [{"PLAIN"}])
        tomorrow = (datetime.now(timezone.utc) + timedelta(days=2)).strftime("%Y-%m-%d")
        for form in ("parquet", "ndjson"):
            with self.subTest(form=form), Installation() as other:
                other.kill(signal.SIGTERM)
                folder = self.here.folder / f"export-{form}"
                self.here.run("lake", "export", "--from", "2020-01-01", "--to", tomorrow, "--format", form, str(folder))
                self.assertIn(f"{RECORDS} events brought in, 0", other.run("lake", "import", str(folder)))
                there = duckdb.sql(rows.format(other.folder / "data" / "lake")).fetchall()
                self.assertEqual(there, own)


class Completion(unittest.TestCase):
    def test_what_came_in_the_past_hour_is_offered_by_its_name(self):
        here = self.enterContext(Installation())
        source, token = here.source(here.agency(), "Nguồn mới")
        self.assertEqual(here.ingest(token, [json.dumps({"message": "vừa đến"})]).status, 200)
        wait_for("the new source", lambda: offered(here, "source_id:").get(source) == "Nguồn mới")
        self.assertIn("search.values", json.dumps(here.read("/audit")))


class LongAnswers(unittest.TestCase):
    def test_an_answer_longer_than_a_file_comes_whole_and_of_the_time_that_was_asked(self):
        here = self.enterContext(Installation())
        token = here.source(here.agency(), "Nguồn")[1]
        day = datetime(2026, 3, 5, tzinfo=timezone.utc)
        for first in range(0, LONG_RECORDS, 100):
            lines = [json.dumps({"@timestamp": (day + timedelta(seconds=number)).isoformat(), "number": number,
                                 "pad": "x" * LONG_BYTES}) for number in range(first, first + 100)]
            self.assertEqual(here.ingest(token, lines).status, 200)
        wait_for("the records", lambda: here.count("") == LONG_RECORDS)

        def found(*times):
            said = here.run("search", "*", "--format", "jsonl", "--limit", "100000", "--token", here.token, *times)
            return sorted(json.loads(line)["fields"]["number"] for line in said.splitlines())

        self.assertEqual(found("--from", "2026-03-05"), list(range(LONG_RECORDS)))
        self.assertEqual(found("--from", "2026-03-05T07:00:10", "--to", "2026-03-05T00:00:20Z"), list(range(10, 20)))
        # Another time than was asked is no answer.
        for times in ("range=90d", "from=22/11/2026", "from=2026-03-05&to=tomorrow"):
            for path in ("/search", "/search/export.ndjson"):
                self.assertEqual(here.api("GET", f"{path}?q=x&{times}").status, 422, times)


if __name__ == "__main__":
    unittest.main()
