# SPDX-License-Identifier: Apache-2.0
"""What Redis and the output topics must hold, computed again from the input topics: an independent reading of the contract.

Verdicts are not computed again: an alert says what its report was judged to be, and a report without an alert must have one of the
texts that need none."""
import hashlib
import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone

from events import DELIVERY, REPORT, REVIEW, TEXTS

HOUR = 3600 * 1000
FIRST_TIME, LAST_TIME = 1420070400000, 4102444800000  # 2015-01-01, 2100-01-01
STAKES = {"Minor": (100, 5), "Moderate": (300, 10), "Severe": (600, 25), "Extreme": (1000, 50)}
HAZARD_POINTS = {"fire.clutter": 200, "food.no_licence": 200, "food.foreign": 200, "fire.exit_blocked": 800,
                 "food.licence_mismatch": 800}
DAILY_REPORTS, DAILY_POINTS = 20, 5000
KEPT = {"pending": lambda grant, score: {"points_pending": grant},
        "upheld": lambda grant, score: {"points": grant, "score": score, "upheld": 1},
        "rejected": lambda grant, score: {"rejected": 1},
        "duplicate": lambda grant, score: {"duplicates": 1},
        "fraud": lambda grant, score: {"frauds": 1, "score": -50}}


def alert_id(source, id, category):
    return hashlib.sha256(f"{source}\n{id}\n{category}".encode()).hexdigest()[:32]


def rider_key(rider):
    plain = "".join(chr(byte) if chr(byte).isalnum() and byte < 128 or chr(byte) in "_.-" else f"%{byte:02X}"
                    for byte in rider.encode())
    return plain if len(plain) <= 128 else "~" + hashlib.sha256(rider.encode()).hexdigest()[:32]


def understand(record):
    """(type, source, id, data) of a good record, None of a bad one, "skip" of a tombstone."""
    if record.value is None:
        return "skip"
    headers = dict(record.headers)
    try:
        value = json.loads(record.value.decode())
        if "ce_type" in headers:
            envelope = {name[3:]: text.decode() for name, text in headers.items() if name.startswith("ce_")}
            data = value
        else:
            envelope, data = value, value["data"] if "specversion" in value else value
        known = data["rider_id"] and envelope["id"] and envelope["type"] in (REPORT, REVIEW, DELIVERY)
        return (envelope["type"], envelope.get("source", ""), envelope["id"], data) if known else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class Stream:
    """Time and dedup of one topic-partition."""

    def __init__(self):
        self.time, self.seen = None, {}

    def advance(self, timestamp):
        if FIRST_TIME <= timestamp < LAST_TIME:
            self.time = timestamp if self.time is None else max(self.time, min(timestamp, self.time + HOUR))

    def is_duplicate(self, identity, window):
        hour = (self.time or 0) // HOUR
        before = self.seen.get(identity)
        self.seen[identity] = hour
        return before is not None and hour - before <= window

    @property
    def day(self):
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=self.time or 0)
        return "19700101" if self.time is None else (moment + timedelta(hours=8)).strftime("%Y%m%d")


class Fold:
    """expected: Redis key -> field -> number; alerts: (partition, offset) -> event; dead: (topic, partition, offset)."""

    def __init__(self, verdicts, window=24):
        self.verdicts, self.window = verdicts, window
        self.hashes = defaultdict(Counter)
        self.reports, self.last_ms = {}, {}
        self.alerts, self.dead, self.counted, self.duplicates = {}, set(), 0, 0

    def run(self, partition, records):
        """All records of one topic-partition, in order."""
        stream = Stream()
        for record in records:
            stream.advance(record.timestamp)
            event = understand(record)
            if event == "skip":
                continue
            if event is None:
                self.dead.add((record.topic, partition, record.offset))
                continue
            type, source, id, data = event
            if stream.is_duplicate((source, id), self.window):
                self.duplicates += 1
                continue
            self.counted += 1
            self.heard(partition, data, stream)
            {REPORT: self.report, REVIEW: self.review, DELIVERY: self.delivery}[type](partition, record, event, stream)

    def heard(self, partition, data, stream):
        key = f"rw:{{{partition}}}:rider:{rider_key(data['rider_id'])}"
        if stream.time is not None:
            self.last_ms[key] = max(self.last_ms.get(key, 0), stream.time)

    def add(self, partition, rider, jurisdiction, day, changes):
        area = jurisdiction if len(jurisdiction or "") == 6 and jurisdiction.isdigit() else None
        totals = f"rw:{{{partition}}}:totals"
        for counter, by in changes.items():
            self.hashes[f"rw:{{{partition}}}:rider:{rider_key(rider)}"][counter] += by
            for key in (totals, f"{totals}:{day}"):
                self.hashes[key][counter] += by
                if area:
                    self.hashes[key][f"{area}:{counter}"] += by

    def verdict(self, partition, record, data):
        """(category, severity, hazard code) as the alert says; a report that needs an alert and has none is lost."""
        found = self.verdicts.get((partition, record.offset))
        wanted = TEXTS.get(data["description"])
        if wanted and wanted != "other":
            assert found, f"lost alert: {record.topic} {partition}:{record.offset} {data['description']}"
            assert found[0] == wanted, f"{data['description']} is {wanted}, not {found[0]}"
        return found or ("other", "None", "other")

    def report(self, partition, record, event, stream):
        _, source, id, data = event
        rider, jurisdiction = data["rider_id"], data.get("jurisdiction_id") or ""
        category, severity, hazard = self.verdict(partition, record, data)
        if category != "other":
            self.alerts[partition, record.offset] = (source, id, category)
        self.add(partition, rider, jurisdiction, stream.day, {"reports": 1, f"reports_{category}": 1})
        stake, score = STAKES.get(severity, (0, 0)) if category != "other" else (0, 0)
        stake = HAZARD_POINTS.get(hazard, stake) if stake else 0
        if (partition, rider, id) in self.reports:
            return
        day = self.hashes[f"rw:{{{partition}}}:rider:{rider_key(rider)}:{stream.day}"]
        grant = 0 if day["paid"] >= DAILY_REPORTS else min(stake, 1000, DAILY_POINTS - day["points"])
        if grant > 0:
            day.update(paid=1, points=grant)
            self.add(partition, rider, jurisdiction, stream.day, {"points_pending": grant})
        self.reports[partition, rider, id] = {
            "rider": rider_key(rider), "category": category, "points": str(max(grant, 0)), "score": str(score), "state": "pending",
            "jurisdiction": jurisdiction if len(jurisdiction) == 6 and jurisdiction.isdigit() else ""}

    def review(self, partition, record, event, stream):
        data = event[3]
        kept = self.reports.get((partition, data["rider_id"], data["report_id"]))
        if not kept:
            self.hashes[f"rw:{{{partition}}}:totals"]["reviews_unmatched"] += 1
            return
        grant, score = int(kept["points"]), int(kept["score"])
        changes = Counter(KEPT[data["decision"]](grant, score))
        changes.subtract(KEPT[kept["state"]](grant, score))
        self.add(partition, data["rider_id"], kept["jurisdiction"], stream.day, changes)
        kept["state"] = data["decision"]

    def delivery(self, partition, record, event, stream):
        data = event[3]
        changes = {"deliveries": 1, **({"deliveries_charity": 1, "score": 2} if data.get("charity") else {})}
        self.add(partition, data["rider_id"], data.get("jurisdiction_id"), stream.day, changes)
