"""The lake beside DuckDB and ClickHouse's engine (chdb): the same NDJSON events, the same questions, the
same machine, one run, two threads, warm cache. Prints how each compares with the lake; a ratio above 1
means that the lake is faster or smaller. Called by `rivals/lake`.
"""

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
from chdb import session

WORD, PART, ACTION, PROTOCOL = "qz7needlexk93", "7needlexk9", "denied", "tcp"

TEXTS = (
    "agency_id source_id log_product log_category log_service src_ip dst_ip protocol action host user "
    "domain url url_host http_method url_path user_agent dns_query dns_type dns_rcode dns_answer process "
    "cmd_line parent_process file_hash event_code channel status auth_protocol provider process_name "
    "facility severity signature signature_id message"
).split()
NUMBERS = "class_uid src_port dst_port bytes_in bytes_out http_status pid logon_type".split()
RARELY_REPEATED = {"message", "cmd_line", "url", "file_hash", "dns_answer", "src_ip", "dst_ip"}

# The names of the works as `luytre bench lake --json` prints them.
WORKS = {
    "word": "a rare word, all",
    "part": "a part of a word, all",
    "histogram": "10-minute histogram, two filters, a day",
    "sources": "top 20 sources and their sum, a day",
    "users": "top 20 users, all",
    "hours": "hour and product, all",
}


def seconds(work):
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def asked(queries, run, repeat):
    """Asks each question once to warm up and then for the median; returns milliseconds and answers."""
    times, answers = {}, {}
    for name, query in queries.items():
        run(query)
        taken = [seconds(lambda: run(query)) for _ in range(repeat)]
        times[name] = statistics.median(own for own, _ in taken) * 1000
        answers[name] = taken[-1][1]
    return times, answers


def size(folder):
    return sum(
        os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(folder) for name in names
    )


class Duck:
    """DuckDB with Parquet files of its own."""

    def __init__(self, events, folder):
        self.events, self.folder = events, folder
        self.db = duckdb.connect()
        os.makedirs(folder)

    def bring_in(self, threads):
        self.db.execute(f"SET threads = {threads}")
        columns = {"ts": "TIMESTAMP"} | {name: "VARCHAR" for name in TEXTS}
        columns |= {name: "BIGINT" for name in NUMBERS}
        path = os.path.join(self.folder, "events.parquet")
        if os.path.exists(path):
            os.remove(path)
        self.db.execute(
            f"COPY (SELECT * FROM read_json('{self.events}', format = 'newline_delimited', "
            f"columns = {columns})) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )
        self.db.execute(f"CREATE OR REPLACE VIEW events AS SELECT * FROM '{path}'")

    def run(self, query):
        return sorted(self.db.execute(query).fetchall())


def duck_queries(day, raw="message", ts="ts"):
    of_day = f"{ts} >= '{day}' AND {ts} < DATE '{day}' + INTERVAL 1 DAY"
    return {
        "word": f"SELECT count(*) FROM events WHERE {raw} ILIKE '%{WORD}%'",
        "part": f"SELECT count(*) FROM events WHERE {raw} ILIKE '%{PART}%'",
        "histogram": f"SELECT epoch(time_bucket(INTERVAL 10 MINUTES, {ts}))::BIGINT, count(*) FROM events WHERE "
        f"{of_day} AND action = '{ACTION}' AND protocol = '{PROTOCOL}' GROUP BY 1",
        "sources": f"SELECT count(*), coalesce(sum(bytes_out), 0)::BIGINT, src_ip FROM events WHERE {of_day} "
        "AND src_ip IS NOT NULL GROUP BY src_ip ORDER BY 1 DESC, 3 LIMIT 20",
        "users": "SELECT count(*), \"user\" FROM events WHERE \"user\" IS NOT NULL GROUP BY 2 "
        "ORDER BY 1 DESC, 2 LIMIT 20",
        "hours": f"SELECT epoch(date_trunc('hour', {ts}))::BIGINT, log_product, count(*) FROM events GROUP BY 1, 2",
    }


class House:
    """ClickHouse's engine, with its index of words."""

    def __init__(self, events, folder):
        self.events, self.folder = events, folder
        self.db = session.Session(folder)

    def bring_in(self, threads):
        text = lambda name: "String" if name in RARELY_REPEATED else "LowCardinality(String)"
        columns = ["ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1))"]
        columns += [f"`{name}` {text(name)} CODEC(ZSTD(1))" for name in TEXTS]
        columns += [f"{name} Nullable(Int64) CODEC(ZSTD(1))" for name in NUMBERS]
        self.db.query("CREATE DATABASE IF NOT EXISTS lake")
        self.db.query("DROP TABLE IF EXISTS lake.events SYNC")
        self.db.query(
            f"CREATE TABLE lake.events ({', '.join(columns)}, INDEX words lower(message) "
            "TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1) ENGINE = MergeTree ORDER BY ts"
        )
        self.db.query(
            f"INSERT INTO lake.events FROM INFILE '{self.events}' SETTINGS max_threads = {threads}, "
            f"max_insert_threads = {threads}, date_time_input_format = 'best_effort', "
            "input_format_null_as_default = 1, input_format_skip_unknown_fields = 1 FORMAT JSONEachRow"
        )

    def settle(self):
        self.db.query("OPTIMIZE TABLE lake.events FINAL")

    def bytes(self):
        text = self.db.query(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'lake' AND active", "CSV"
        )
        return int(str(text).strip())

    def run(self, query):
        rows = str(self.db.query(query + " SETTINGS max_threads = 2", "JSONCompactEachRow"))
        rows = [json.loads(line) for line in rows.splitlines()]
        whole = lambda cell: int(cell) if isinstance(cell, str) and cell.lstrip("-").isdigit() else cell
        return sorted(tuple(whole(cell) for cell in row) for row in rows)


def house_queries(day):
    of_day = f"ts >= '{day} 00:00:00' AND ts < toDateTime('{day} 00:00:00', 'UTC') + INTERVAL 1 DAY"
    return {
        "word": f"SELECT count() FROM lake.events WHERE hasToken(lower(message), '{WORD}')",
        "part": f"SELECT count() FROM lake.events WHERE message ILIKE '%{PART}%'",
        "histogram": "SELECT toUnixTimestamp(toStartOfInterval(ts, INTERVAL 10 MINUTE)), count() FROM lake.events "
        f"WHERE {of_day} AND action = '{ACTION}' AND protocol = '{PROTOCOL}' GROUP BY 1",
        "sources": f"SELECT count(), ifNull(sum(bytes_out), 0), src_ip FROM lake.events WHERE {of_day} "
        "AND src_ip != '' GROUP BY src_ip ORDER BY 1 DESC, 3 LIMIT 20",
        "users": "SELECT count(), user FROM lake.events WHERE user != '' GROUP BY user ORDER BY 1 DESC, 2 LIMIT 20",
        "hours": "SELECT toUnixTimestamp(toStartOfHour(ts)), log_product, count() FROM lake.events GROUP BY 1, 2",
    }


def ours(arguments, folder):
    command = [os.environ["LUYTRE_BINARY"], "bench", "lake", "--json", "--folder", folder, "--keep"]
    command += ["--repeat", str(arguments.repeat)]
    command += ["--input", arguments.input] if arguments.input else ["--events", str(arguments.events)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)} failed")
    return json.loads(done.stdout)


def measured(arguments, folder):
    own = ours(arguments, folder)
    [kept] = glob.glob(os.path.join(folder, "luytre-bench-lake-*"))
    events = arguments.input or os.path.join(kept, "events.ndjson")
    count = own["events"]
    table = {"ours": {"one": own["events_per_s_one_thread"], "two": own["events_per_s_two_threads"]}}
    table["ours"]["bytes"] = own["bytes_per_event"]
    for name, work in WORKS.items():
        table["ours"][name] = min(answer["ms"] for answer in own["answers"] if answer["work"] == work)
    duck = Duck(events, os.path.join(folder, "duck"))
    house = House(events, os.path.join(folder, "house"))
    rival = {"DuckDB": (duck, duck_queries(own["day"])), "ClickHouse": (house, house_queries(own["day"]))}
    answers = {}
    for name, (engine, queries) in rival.items():
        row = {}
        for threads, word in ((1, "one"), (2, "two")):
            taken, _ = seconds(lambda: engine.bring_in(threads))
            row[word] = count / taken
        if engine is house:
            row["merge_s"], _ = seconds(house.settle)
        row["bytes"] = (size(duck.folder) if engine is duck else house.bytes()) / count
        times, answers[name] = asked(queries, engine.run, arguments.repeat)
        table[name] = row | times
    files = os.path.join(kept, "two", "**", "day=*", "*.parquet")
    duck.db.execute(f"CREATE OR REPLACE VIEW events AS SELECT * FROM read_parquet('{files}')")
    duck.db.execute("SET TimeZone = 'UTC'")
    queries = duck_queries(own["day"], "raw", "occurred_at")
    table["DuckDB on our files"], answers["DuckDB on our files"] = asked(queries, duck.run, arguments.repeat)
    own_wrong = [answer["work"] for answer in own["answers"] if not answer["right"]]
    differ = [name for name in WORKS if len({str(answer[name]) for answer in answers.values()}) > 1]
    return {"events": count, "table": table, "wrong": own_wrong, "differ": differ, "answers": own["answers"]}


def show(result):
    table = result["table"]
    print(f"{result['events']} events, two threads where not said otherwise, milliseconds where not said otherwise\n")
    print("| work | " + " | ".join(f"{name} | ratio" if name != "ours" else name for name in table) + " |")
    print("| --- | " + " | ".join("--- | ---" if name != "ours" else "---" for name in table) + " |")
    works = {"one": "events/s in, one thread", "two": "events/s in, two threads", "bytes": "bytes an event"}
    for key, work in (works | WORKS).items():
        cells = []
        for name, row in table.items():
            value = row.get(key)
            cells.append("" if value is None else f"{value:,.0f}" if key in ("one", "two") else f"{value:,.1f}")
            if name != "ours":
                mine = table["ours"][key]
                ratio = None if value is None else mine / value if key in ("one", "two") else value / mine
                cells.append("" if ratio is None else f"{ratio:.2f}")
        print(f"| {work} | " + " | ".join(cells) + " |")
    print(f"\nClickHouse merges its parts afterwards in {table['ClickHouse']['merge_s']:.1f} s (not counted).")
    print("answers: " + ("all the same" if not result["wrong"] + result["differ"] else f"WRONG {result['wrong']} {result['differ']}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--input", help="flat JSON lines made elsewhere, with the needle words of the generator")
    parser.add_argument("--folder", help="where to work; needs room for three stores")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.input:
        arguments.input = os.path.abspath(arguments.input)
    folder = tempfile.mkdtemp(prefix="luytre-rivals-", dir=arguments.folder)
    try:
        result = measured(arguments, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result, indent=1)) if arguments.json else show(result)
    return 1 if result["wrong"] or result["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
