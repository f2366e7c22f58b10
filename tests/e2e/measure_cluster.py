"""What an intake node takes end to end where several machines share PostgreSQL and an S3 server, all on loopback:
events acknowledged each second, how long a sender waits, how soon an event is found on another node.

    LUYTRE_BINARY=… scripts/postgres python3 tests/e2e/measure_cluster.py [SECONDS] [SENDERS]
"""

import json
import os
import sys
import threading
import time

from cluster import Cluster
from installation import http_call, marker, wait_for

EVENTS, BYTES = 1000, 500


def line(number):
    text = (f"<189>date=2026-11-23 time=10:00:00 devname=\"FG{number % 40:02}\" type=\"traffic\" level=\"notice\" "
            f"srcip=10.1.{number % 250}.{number % 40} srcport={1024 + number % 60000} dstip=192.0.2.{number % 250} "
            f"dstport=443 proto=6 action=\"accept\" sentbyte={number}")
    return text + " x" * ((BYTES - len(text)) // 2)


def cpu_s(node):
    """Returns the processor time that a node took so far."""
    told = open(f"/proc/{node.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def main():
    seconds, senders = (int(given) for given in (sys.argv[1:] + ["30", "8"])[:2])
    with Cluster() as here:
        web, intake = here.node("web1", "web"), here.node("log1", "intake")
        agency = web.agency()
        _, token = web.source(agency, "Nguồn tải")
        address = f"http://127.0.0.1:{intake.http}/ingest"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        wait_for("the source to be known", lambda: http_call("POST", address, b"a first record", headers).status == 200)
        bodies = ["\n".join(line(part * EVENTS + number) for number in range(EVENTS)).encode() for part in range(8)]
        over, waits, found, lock, wait_told = threading.Event(), [], [], threading.Lock(), [0]

        def send(number):
            turn = number
            while not over.is_set():
                began = time.monotonic()
                answer = http_call("POST", address, bodies[turn % len(bodies)], headers)
                turn += 1
                if answer.status == 200:
                    with lock:
                        waits.append(time.monotonic() - began)
                else:
                    wait_told[0] += 1
                    over.wait(0.1)

        def probe():
            while not over.is_set():
                word = marker("tham")
                if http_call("POST", address, f"a probe {word}".encode(), headers).status != 200:
                    continue
                acknowledged = time.monotonic()
                while not over.is_set() and not web.count(word):
                    time.sleep(0.02)
                with lock:
                    found.append(time.monotonic() - acknowledged)
                over.wait(0.5)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(senders)]
        threads.append(threading.Thread(target=probe))
        spent = [cpu_s(intake), cpu_s(web)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        over.set()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        accepted = len(waits) * EVENTS
        wait_for("everything to be found", lambda: web.count('devname:FG*') >= accepted, 300)

        def judged():
            _, told = here.told(web)
            return told["judged"] == told["last_change"]

        behind = time.monotonic()
        wait_for("detection to catch up", judged, 600)
        spent = [cpu_s(node) - before for node, before in zip((intake, web), spent)]
        share = lambda of, part: sorted(of)[min(len(of) - 1, int(len(of) * part))] if of else None
        print(json.dumps({
            "seconds": round(took, 1), "senders": senders, "accepted": accepted, "events_a_second": round(accepted / took),
            "told_to_wait": wait_told[0], "acknowledged_s": {"p50": share(waits, 0.5), "p99": share(waits, 0.99)},
            "found_after_acknowledgement_s": {"p50": share(found, 0.5), "p99": share(found, 0.99), "probes": len(found)},
            "detection_behind_s": round(time.monotonic() - behind, 1),
            "cpu_us_an_event": {"intake": round(spent[0] / accepted * 1e6, 1), "web": round(spent[1] / accepted * 1e6, 1)},
            "intake_peak_mib": intake.memory_peak_kib() // 1024, "web_peak_mib": web.memory_peak_kib() // 1024,
        }, indent=1))


if __name__ == "__main__":
    main()
