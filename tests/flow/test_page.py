# SPDX-License-Identifier: Apache-2.0
"""The on-call page in a real browser, beside a real Kafka and Redis."""
import json
import os
import random
import time

import pytest

from board import Board, alert, put
from browser import Browser
from events import BY_CATEGORY, delivery, report
from world import wait_until

FIRE = BY_CATEGORY["fire"][0]
HOSTILE = ["<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">", "‮txt.exe‬ ‏ RTL ⁧",
           "😀🔥" * 1250, "\" onclick=\"document.title='owned'", "{{constructor}} ${7*7} javascript:alert(1)", "a" * 4000, "\u0000\u0007\u001b[31m"]
ROWS = "[...document.querySelectorAll('#feed > li')].map((row) => row.dataset.id)"


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.end()


@pytest.fixture
def make_page(world, browser):
    """Starts a board and opens its page; the board is ended after the test."""
    boards = []

    def make(query="", **settings):
        board = Board(world, board=settings).wait_ready()
        boards.append(board)
        browser.do("complaints.length = 0; await page.setViewportSize({ width: 1440, height: 900 }); await page.goto(argument)",
                   f"http://{board.listen}/{query}")
        browser.do("await page.waitForFunction(() => document.querySelector('#banner').hidden)")
        return board
    yield make
    browser.do("await page.goto('about:blank')")
    for board in boards:
        if board.runs:
            board.stop()


def wait_rows(browser, expected, timeout=10):
    wait_until(lambda: sorted(browser.see(ROWS)) == sorted(expected), timeout, lambda: browser.see(ROWS))


def show_alerts(world, browser, numbers, per_second=50):
    """Sends so many alerts a second. In ms, each sorted: how long they took from the broker's word to the screen, and how late a process
    that sleeps gets a processor on this machine."""
    visible, waits = {}, []

    def send(value):
        def delivered(error, _):
            assert not error
            visible[value["id"]] = time.time() * 1000
        world.producer.produce(world.topics["alerts_fire"], json.dumps(value, ensure_ascii=False).encode(), b"k", on_delivery=delivered)
    start = time.monotonic()
    for done, number in enumerate(numbers, 1):
        send(alert(number))
        while (before := time.monotonic()) < start + done / per_second:
            time.sleep(0.002)
            waits.append((time.monotonic() - before) * 1000 - 2)
            world.producer.poll(0)
    world.flush()
    seen = wait_until(lambda: (lambda all: all.keys() >= visible.keys() and all)(browser.see("window.seen")), 20, "all of them")
    assert len(visible) == len(numbers)
    return sorted(seen[id] - at for id, at in visible.items()), sorted(waits)


def percentile(values, percent):
    return values[len(values) * percent // 100]


def test_an_alert_is_on_screen_soon(world, browser, make_page):
    make_page()
    browser.do("""await page.evaluate(() => {
        window.seen = {};
        new MutationObserver((list) => list.forEach((change) => change.addedNodes.forEach((node) => {
            window.seen[node.dataset.id] ??= Date.now(); }))).observe(document.querySelector('#feed'), { childList: true });
    })""")
    show_alerts(world, browser, range(1, 51))
    # Once will do, since other tests may run beside this one; and on the way are some ten threads, each woken twice or so.
    for first in (1000, 2000, 3000):
        late, waits = show_alerts(world, browser, range(first, first + 500))
        p99, bound = percentile(late, 99), 200 + 20 * percentile(waits, 99)
        print(f"on screen after {percentile(late, 50):.0f} ms (p50), {p99:.0f} ms (p99), {late[-1]:.0f} ms (most); bound {bound:.0f} ms")
        if p99 < bound:
            break
    assert browser.see("document.querySelectorAll('#feed > li').length") == 300
    assert browser.do("return complaints") == []
    if p99 >= bound and os.getloadavg()[0] > 3 * os.cpu_count():
        pytest.skip(f"NOT JUDGED: on screen after {p99:.0f} ms, at a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors")
    assert p99 < bound


def test_filters_live_in_the_address(world, browser, make_page):
    board = make_page()
    put(world, alert(1, severity="Extreme"), alert(2, severity="Minor"), alert(3, category="food", agency="12315", text="后厨有老鼠", area="110101"))
    wait_rows(browser, ["alert-1", "alert-2", "alert-3"])
    browser.do("await page.getByLabel('Extreme').check()")
    wait_rows(browser, ["alert-1"])
    assert browser.see("location.search") == "?severity=Extreme"
    put(world, alert(4, severity="Extreme"), alert(5, severity="Severe"))
    wait_rows(browser, ["alert-1", "alert-4"])
    browser.do("await page.getByRole('button', { name: 'Clear' }).click()")
    wait_rows(browser, [f"alert-{n}" for n in range(1, 6)])
    browser.do("await page.getByLabel('Text').fill('老鼠')")
    wait_rows(browser, ["alert-3"])
    browser.do("await page.reload()")
    wait_rows(browser, ["alert-3"])
    for query, expected in (("agency=12315", ["alert-3"]), ("area=4403&severity=Minor,Severe", ["alert-2", "alert-5"]), ("category=food", ["alert-3"])):
        browser.do("await page.goto(argument)", f"http://{board.listen}/?{query}")
        wait_rows(browser, expected)


def test_points_of_the_map_open_the_alert(world, browser, make_page):
    make_page()
    put(world, alert(1), alert(40))
    browser.do("await page.waitForFunction(() => document.querySelectorAll('#map circle').length === 2)")
    browser.do("await page.getByRole('button', { name: 'Zoom out' }).click(); await page.locator('#map circle').first().click();"
               "await page.waitForSelector('#drawer h2')")
    assert "科技园路" in browser.see("document.querySelector('#drawer h2').textContent")
    browser.do("await page.keyboard.press('Escape')")


def test_repeats_fold_and_the_newest_is_on_top(world, browser, make_page):
    make_page()
    put(world, alert(1, key="same"), alert(2))
    wait_rows(browser, ["alert-1", "alert-2"])
    put(world, alert(3, key="same"))
    wait_rows(browser, ["alert-3", "alert-2"])
    assert browser.see(ROWS) == ["alert-3", "alert-2"]
    assert browser.see("document.querySelector('.repeats').textContent") == "×2"
    browser.do("await page.reload()")
    wait_rows(browser, ["alert-3", "alert-2"])
    assert browser.see("document.querySelector('.repeats').textContent") == "×2"


def test_pause_and_resume(world, browser, make_page):
    make_page()
    put(world, alert(1))
    wait_rows(browser, ["alert-1"])
    browser.do("await page.keyboard.press('p')")
    put(world, alert(2), alert(3))
    browser.do("await page.waitForFunction(() => document.querySelector('#pause').textContent === 'Resume (2 new)')")
    assert browser.see(ROWS) == ["alert-1"]
    browser.do("await page.locator('#pause').click()")
    wait_rows(browser, ["alert-1", "alert-2", "alert-3"])
    put(world, alert(4))
    wait_rows(browser, [f"alert-{n}" for n in range(1, 5)])


def test_the_drawer_says_why(world, browser, make_page):
    world.start()
    make_page(show_riders=True)
    event = report("rider-77", f"{FIRE}，电话13812345678", jurisdiction_id="440305", lat=22.55, long=114.05, crs="GCJ02")
    world.send(event)
    world.send(delivery("rider-77"))
    world.flush()
    browser.do("await page.waitForSelector('#feed > li')")
    (_, value), = world.alerts()
    data = value["data"]
    browser.do("await page.keyboard.press('j'); await page.keyboard.press('Enter'); await page.waitForSelector('#drawer h2')")
    marked = browser.see("[...document.querySelectorAll('#drawer mark')].map((mark) => mark.textContent)")
    texts = [span["text"] for span in data["decision"]["spans"] if span["weight"] > 0 and "text" in span]
    assert marked and all(any(piece in text for text in texts) for piece in marked), (marked, texts)
    assert browser.see("document.querySelector('#drawer .marked').textContent") == data["description"]
    drawer = browser.see("document.querySelector('#drawer').textContent")
    assert "[object" not in drawer
    for part in [data["decision"]["ruleset"], data["headline"], data["reporter_ref"], "kcat -b", *data["decision"]["rules"]]:
        assert part in drawer, part
    browser.do("await page.getByRole('button', { name: 'Read the report as it came' }).click()")
    browser.do("await page.waitForFunction(() => document.querySelector('#drawer').textContent.includes('rider-77'))")
    world.wait_applied()
    browser.do("await page.getByRole('button', { name: 'Show the rider' }).click(); await page.waitForSelector('#rider .cards')")
    assert "rider-77" in browser.see("document.querySelector('#rider h2').textContent")
    assert "1 / 20" in browser.see("document.querySelector('#rider').textContent")
    browser.do("await page.getByRole('button', { name: 'Totals' }).click(); await page.waitForSelector('#totals .cards')")
    wait_until(lambda: browser.see("document.querySelector('#totals .cards').textContent").count("440305") == 1, 5, "the area")
    browser.do("await page.locator('#totals select').selectOption('440305')")
    days = browser.see("[...document.querySelectorAll('#totals .card')].map((card) => card.textContent)")
    assert days[0].startswith("By categoryEmergency0Fire1Food0") and days[3].count("-") == 14, days
    browser.do("await page.getByRole('button', { name: 'Leaderboard' }).click(); await page.waitForSelector('#top .card')")
    assert browser.do("return complaints") == []


def test_it_comes_back_after_a_restart(world, browser, make_page):
    board = make_page()
    put(world, alert(1))
    wait_rows(browser, ["alert-1"])
    board.kill()
    browser.do("await page.waitForFunction(() => document.querySelector('#banner').textContent.startsWith('Disconnected, last update'))")
    assert browser.see("!document.querySelector('#banner').hidden")
    put(world, alert(2))
    board.start().wait_ready()
    browser.do("await page.waitForFunction(() => document.querySelector('#banner').hidden)")
    wait_rows(browser, ["alert-1", "alert-2"])
    put(world, alert(3))
    wait_rows(browser, ["alert-1", "alert-2", "alert-3"])


def test_hostile_texts_are_text(world, browser, make_page):
    board = make_page()
    for number, text in enumerate(HOSTILE):
        value = alert(number, text=text, agency=text[:200], reporter_ref=text)
        value["data"].update(headline=text, hazard_code=text[:100])
        value["data"]["area"].update(areaDesc=text, grid_id=text)
        value["data"]["decision"]["spans"] = [{"rule": text, "from": 1, "to": 2, "weight": 200, "text": text}, {"rule": "r", "from": 0, "to": 9999999, "weight": 1}]
        put(world, value)
    wait_rows(browser, [f"alert-{n}" for n in range(len(HOSTILE))])
    for number, text in enumerate(HOSTILE):
        shown = browser.see(f"document.querySelector('[data-id=alert-{number}] .headline').textContent")
        assert shown == text, number
        browser.do("await page.locator(argument).click(); await page.waitForSelector('#drawer h2')", f"[data-id=alert-{number}] .headline")
        assert browser.see("document.querySelector('#drawer h2').textContent") == text
        assert browser.see("document.querySelector('#drawer .marked').textContent") == text
        browser.shot(f"hostile-{number}")
        browser.do("await page.keyboard.press('Escape')")
    assert browser.see("Math.max(...[...document.querySelectorAll('#feed > li')].map((row) => row.offsetHeight))") < 200
    assert browser.see("document.title") == "riderwatch"
    assert browser.see("document.querySelectorAll('#feed script, #feed img, #drawer script, #drawer img').length") == 0
    assert browser.see("document.documentElement.scrollWidth <= innerWidth")
    assert browser.do("return complaints") == [] and board.runs


def test_a_token_is_asked_for(world, browser, make_page):
    (world.folder / "token").write_text("correct-horse-battery-staple\n")
    put(world, alert(1))
    board = Board(world, board={"token_file": "token"})
    try:
        wait_until(lambda: board.ask("/readyz")[0] == 200, 20, "ready")
        browser.do("await page.goto(argument); await page.waitForSelector('#token[open] input')", f"http://{board.listen}/")
        browser.do("await page.locator('#token input').fill('wrong-horse-battery-staple'); await page.keyboard.press('Enter')")
        browser.do("await page.waitForSelector('#token[open] input'); await page.locator('#token input').fill('correct-horse-battery-staple');"
                   "await page.keyboard.press('Enter')")
        wait_rows(browser, ["alert-1"])
        browser.do("await page.goto('about:blank')")
    finally:
        board.stop()


ZONES = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [
    [[114.052, 22.552], [114.088, 22.555], [114.085, 22.588], [114.06, 22.58], [114.052, 22.552]]]}}]}


def fill(world):
    dice = random.Random(7)
    kinds = [("fire", "fire.exit_blocked", "安全出口锁闭或堵塞", "3号楼2单元楼道里堆满了纸箱和旧家具，安全出口被堵死了", "96119"),
             ("food", "food.pests", "虫鼠", "这家店后厨老鼠乱窜，案板发霉，苍蝇到处飞", "12315"),
             ("emergency", "emer.medical", "有人伤病", "老人突然晕倒在电梯口，叫不醒了，快打120", "120")]
    for number in range(1, 41):
        category, code, event, text, agency = dice.choice(kinds)
        value = alert(number, category=category, severity=dice.choice(["Extreme", "Severe", "Severe", "Moderate", "Minor"]), agency=agency,
                      text=text, key=f"{code}@shop:{dice.randrange(25)}")
        value["data"].update(hazard_code=code, event=event, headline=f"{event} · 科技园路{number}号")
        put(world, value)


def test_how_it_looks(world, browser, make_page):
    """Screenshots to be looked at, no serious complaint by axe-core, nothing wider than the screen."""
    (world.folder / "zones.json").write_text(json.dumps(ZONES))
    world.start()
    for number in range(30):
        world.send(report(f"rider-{number}", FIRE, jurisdiction_id=random.choice(["440305", "110101", "310115"])))
        world.send(delivery(f"rider-{number}"))
    world.flush()
    world.redis.zadd(time.strftime("rw:top:%Y%m", time.gmtime(time.time() + 8 * 3600)), {f"rider-{n}": 300 - 7 * n for n in range(20)})
    make_page(map_file="zones.json")
    fill(world)
    browser.do("await page.waitForFunction(() => document.querySelectorAll('#map circle').length > 10)")
    assert browser.see("document.querySelectorAll('#map path.zone').length") == 1
    for theme, width in ((theme, width) for theme in ("light", "dark") for width in (1440, 390)):
        browser.do("""await page.evaluate((theme) => localStorage.setItem('theme', theme), argument[0]);
            await page.evaluate((name) => localStorage.setItem('language', name), argument[0] === 'dark' ? 'zh' : 'en');
            await page.setViewportSize({ width: argument[1], height: argument[1] === 390 ? 844 : 900 });
            await page.goto(page.url().split('?')[0]); await page.waitForSelector('#map circle', { state: 'attached' })""", [theme, width])
        for view, filled in (("alerts", "#feed .headline"), ("totals", "#totals .card"), ("top", "#top td"), ("drawer", "#drawer .marked")):
            browser.do("await page.locator(`#views [data-name=${argument}]`).click()", "alerts" if view == "drawer" else view)
            if view == "drawer":
                browser.do("await page.locator('#feed .headline').first().click()")
            browser.do("""await page.locator(argument).first().waitFor();
                await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))""", filled)
            browser.shot(f"{view}-{theme}-{width}")
            assert browser.see("document.documentElement.scrollWidth <= innerWidth"), (view, theme, width)
            found = browser.do("""const { source } = require('axe-core');
                const session = await context.newCDPSession(page);
                await session.send('Runtime.evaluate', { expression: source });
                const { result } = await session.send('Runtime.evaluate', { awaitPromise: true, returnByValue: true, expression:
                    "axe.run().then((all) => all.violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 150)).slice(0, 3).join(' ')))" });
                return result.value""")
            assert found == [], (view, theme, width, found)
        browser.do("await page.keyboard.press('Escape')")
    browser.do("await page.evaluate(() => localStorage.clear())")
