# SPDX-License-Identifier: Apache-2.0
"""An event counts once: same source and id on one partition, within 24 hours of stream time."""
import time

from events import BY_CATEGORY, SHAPES, delivery, report

FIRE = BY_CATEGORY["fire"][0]
HOUR = 3600 * 1000


def test_the_same_event_again_in_any_shape(world):
    world.start()
    event = report("rider-1", FIRE)
    for shape in SHAPES * 2:
        world.send(event, shape)
    fold = world.check()
    assert (fold.counted, fold.duplicates, len(fold.alerts)) == (1, 5, 1)


def test_the_same_id_of_another_source_is_another_event(world):
    world.start()
    world.send(delivery("rider-1", id="same", source="//a"))
    world.send(delivery("rider-1", id="same", source="//b"))
    world.send(report("rider-1", FIRE, id="same", source="//a"))
    fold = world.check()
    assert (fold.counted, fold.duplicates) == (3, 0)


def test_a_duplicate_after_a_restart(world):
    daemon = world.start()
    event = report("rider-1", FIRE)
    world.send(event)
    world.check()
    assert daemon.stop() == 0
    world.send(event)
    world.flush()
    world.start()
    fold = world.check()
    assert (fold.counted, fold.duplicates) == (1, 1)


def test_the_window_is_stream_time_and_every_sighting_renews_it(make_world):
    world = make_world(timestamp_type="CreateTime")
    world.start()
    # On an hour's border, so that whole hours are what is compared.
    now = int(time.time() * 1000) // HOUR * HOUR
    event = report("rider-1", FIRE)
    for hours_ago in range(100, 0, -1):
        world.send(event if hours_ago in (100, 76, 52, 27, 1) else delivery("rider-1"), timestamp=now - hours_ago * HOUR)
        if hours_ago not in (100, 76, 52, 27, 1):
            world.send(report("rider-1", BY_CATEGORY["other"][0]), timestamp=now - hours_ago * HOUR)
    fold = world.check()
    # 100 h new, 76 and 52 within 24 h of the last sighting, 27 (25 h later) new, 1 (26 h later) new.
    assert fold.duplicates == 2
    assert len(fold.alerts) == 3


def test_an_absurd_clock_moves_stream_time_by_an_hour_at_most(make_world):
    world = make_world(timestamp_type="CreateTime")
    world.start()
    now = int(time.time() * 1000) - 50 * HOUR
    event = delivery("rider-1")
    world.send(event, timestamp=now)
    world.send(delivery("rider-1"), timestamp=now + 50 * HOUR)
    world.send(delivery("rider-1"), timestamp=1000)
    world.send(event, timestamp=now)
    fold = world.check()
    assert fold.duplicates == 1
