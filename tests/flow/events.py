# SPDX-License-Identifier: Apache-2.0
"""Events as upstream systems send them, in each of the three shapes, and report texts whose category nobody doubts."""
import itertools
import json

REPORT, REVIEW, DELIVERY = "rider.report.created.v1", "rider.report.reviewed.v1", "rider.delivery.completed.v1"
SHAPES = ("structured", "binary", "bare")
TOPIC_OF = {REPORT: "reports", REVIEW: "reports", DELIVERY: "deliveries"}

# text -> category. The tests rely on these being clear, not on how the rest of the world is classified.
TEXTS = {
    "3号楼2单元楼道里堆满了纸箱和旧家具，安全出口被堵死了": "fire",
    "地下车库消防通道被私家车占用，消防车根本进不去": "fire",
    "有人把电动车推进楼道里充电，电线从窗户飞下来": "fire",
    "这家店后厨老鼠乱窜，案板发霉，苍蝇到处飞": "food",
    "取餐时看到厨师没戴口罩手套，生熟混放，抹布很脏": "food",
    "路口刚刚发生车祸，有人倒在地上流血不止，快叫救护车": "emergency",
    "老人突然晕倒在电梯口，叫不醒了，快打120": "emergency",
    "今天小区门口的保安很热情，帮我指了路": "other",
    "今天天气不错，送单很顺利": "other",
}
BY_CATEGORY = {category: [text for text, its in TEXTS.items() if its == category]
               for category in ("fire", "food", "emergency", "other")}

_numbers = itertools.count(1)


def fresh(prefix):
    """An id that no other event of this session has."""
    return f"{prefix}-{next(_numbers):06d}"


class Event:
    """One event; shaped() gives key, value and headers of the record."""

    def __init__(self, type, data, id=None, source="//tests/rider-app", **attributes):
        self.type, self.data, self.source, self.attributes = type, data, source, attributes
        self.id = id or fresh("event")

    @property
    def kind(self):
        return TOPIC_OF[self.type]

    @property
    def rider(self):
        return self.data["rider_id"]

    def shaped(self, shape="structured"):
        body = json.dumps(self.data, ensure_ascii=False).encode()
        attributes = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, **self.attributes}
        if shape == "binary":
            headers = [("content-type", b"application/json")]
            return body, headers + [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
        if shape == "bare":
            envelope = {name: attributes[name] for name in attributes if name != "specversion"}
            return json.dumps({**envelope, **self.data}, ensure_ascii=False).encode(), []
        envelope = {**attributes, "datacontenttype": "application/json", "data": self.data}
        return json.dumps(envelope, ensure_ascii=False).encode(), \
            [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def report(rider, text, id=None, source="//tests/rider-app", attributes=None, **data):
    return Event(REPORT, {"rider_id": rider, "description": text, **data}, id, source, **(attributes or {}))


def review(rider, report_id, decision, id=None, **data):
    return Event(REVIEW, {"rider_id": rider, "report_id": report_id, "decision": decision, **data}, id)


def delivery(rider, id=None, source="//tests/dispatch", **data):
    return Event(DELIVERY, {"rider_id": rider, "order_id": fresh("order"), **data}, id, source)


def mixed(random, count, riders=40):
    """A stream as riders make it: mostly deliveries, some reports, some reviews of them, some sent twice. Yields (event, shape)."""
    reports, sent = [], []
    for _ in range(count):
        rider, shape, dice = f"rider-{random.randrange(riders)}", random.choice(SHAPES), random.random()
        if dice < 0.35:
            event = report(rider, random.choice(list(TEXTS)), jurisdiction_id=random.choice(["440305", "110101", ""]))
            reports.append(event)
        elif dice < 0.45 and reports:
            event = random.choice(reports[-50:])
            event = review(event.rider, event.id, random.choice(["upheld", "rejected", "duplicate", "fraud"]))
        elif dice < 0.55 and sent:
            event = random.choice(sent[-50:])
        else:
            event = delivery(rider, charity=random.random() < 0.1, jurisdiction_id="440305")
        sent.append(event)
        yield event, shape
