/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the tester: a rule that can be broken without anybody noticing is a rule that nothing guards. */
#include "planted.h"

#include "protocol/planted.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the program only when the protocol was compiled with -DPROTOCOL_PLANTED_BUGS. */
extern __attribute__((weak)) void protocol_plant(enum planted_protocol_bug bug);

static const struct {
	const char *name;
	const char *scenario;
	enum sim_bug sim;
	enum planted_protocol_bug protocol;
	uint64_t seeds; /* it must be found within so many */
} rows[] = {
	{ "apply before the commit", "crash", BUG_APPLY_BEFORE_COMMIT, 0, 20 },
	{ "apply without compare-and-set", "all", BUG_NO_CAS, 0, 200 },
	{ "journal not atomic with W", "all", BUG_JOURNAL_NOT_ATOMIC, 0, 200 },
	{ "function fails after its first write", "all", BUG_WRITE_THEN_FAIL, 0, 200 },
	{ "stream time not stored with W", "all", BUG_TIME_NOT_STORED, 0, 500 },
	{ "state read in two pieces", "all", BUG_READ_IN_PIECES, 0, 20000 },
	{ "decision state kept over a load", "all", BUG_STATE_KEPT, 0, 200 },
	{ "a missing W is taken as a first start", "store-lost", BUG_MISSING_IS_ZERO, 0, 2000 },
	{ "store uuid not checked", "store-lost", BUG_NO_UUID_CHECK, 0, 2000 },
	{ "W not watched", "failover", BUG_NO_WATCH, 0, 2000 },
	{ "offsets read without require_stable", "rebalance", BUG_UNSTABLE_READ, 0, 5000 },
	{ "C remembered from an earlier assignment", "rebalance", BUG_OLD_C, 0, 200 },
	{ "group metadata fetched at commit", "rebalance", BUG_METADATA_AT_COMMIT, 0, 20000 },
	{ "unknown outcome taken as abort", "crash", BUG_UNKNOWN_IS_ABORT, 0, 200 },
	{ "unknown outcome taken as commit", "crash", BUG_UNKNOWN_IS_COMMIT, 0, 200 },
	{ "group offset left behind", "rewind", BUG_BEHIND_LEFT, 0, 2000 },
	{ "load does not wait for the own transaction", "all", 0, PLANTED_LOAD_DOES_NOT_WAIT, 5000 },
	{ "load keeps unsent chunks", "all", 0, PLANTED_UNSENT_KEPT, 2000 },
	{ "aborted batch goes behind later ones", "crash", 0, PLANTED_RETRY_GOES_LAST, 500 },
	{ "aborted batch keeps void parts", "rebalance", 0, PLANTED_VOID_PARTS_STAY, 5000 },
	{ "nothing is muted below C", "crash", 0, PLANTED_NO_MUTE, 200 },
	{ "counting starts from C, not from W", "crash", 0, PLANTED_MUTED_START_FROM_C, 200 },
	{ "tainted producer goes on", "crash", 0, PLANTED_TAINT_IGNORED, 20000 },
	{ "kept chunks do not reach back to W", "kept", 0, PLANTED_KEPT_SHORT, 500 },
	{ "going back to W not remembered", "kept", 0, PLANTED_HEAL_KEEPS_W, 20000 },
	{ "second reader goes beyond what is committed", "behind", 0, PLANTED_CATCH_UP_BEYOND, 2000 },
	{ "live side takes over too early", "behind", 0, PLANTED_HAND_OVER_EARLY, 2000 },
	{ "applies not thrown away while behind", "behind", 0, PLANTED_BEHIND_APPLIES, 2000 },
	{ "live state dropped when Redis refuses", "behind", 0, PLANTED_LIVE_DROPPED, 200 },
	{ "second reader uses the live state", "behind", BUG_CATCH_UP_LIVE_STATE, 0, 500 },
	{ "log read from too far up", "alone", BUG_ALONE_WINDOW_SHORT, 0, 2000 },
	{ "set from the log under another key", "alone", BUG_ALONE_OTHER_KEY, 0, 2000 },
	{ "stream time of what is decided, not of C", "alone", BUG_ALONE_TIME_FROM_MEMORY, 0, 2000 },
	{ "log read without stream time at its start", "alone", BUG_ALONE_ANCHOR_WITHOUT_TIME, 0, 20000 },
	{ "start from the log at the group's offset", "alone", 0, PLANTED_ALONE_FROM_GROUP, 2000 },
	{ "start from the log takes C for W", "outage", 0, PLANTED_ALONE_ASSUMES_W, 20000 },
	{ "applies before the hand-over", "alone", 0, PLANTED_BEHIND_APPLIES, 2000 },
	{ "hands over early after a start from the log", "alone", 0, PLANTED_HAND_OVER_EARLY, 2000 },
	{ "what brokers forgot is always aborted", "forgotten", BUG_SWEEP_ABORTS, 0, 200 },
	{ "what brokers forgot is left open", "forgotten", BUG_NO_SWEEP, 0, 200 },
	{ "producer goes on after a lost connection", "forgotten", BUG_CUT_IGNORED, 0, 200 },
	{ "an offset below what was committed is believed", "stale", 0, PLANTED_OFFSETS_BELIEVED, 200 },
	{ "shadow group ignored", "rewind", 0, PLANTED_SHADOW_IGNORED, 500 },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static enum planted_protocol_bug planted;

bool protocol_bug_moves_c(void)
{
	return planted == PLANTED_ALONE_FROM_GROUP || planted == PLANTED_SHADOW_IGNORED;
}

static void plant(enum planted_protocol_bug bug)
{
	planted = bug;
	protocol_plant(bug);
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	MUST(!"a scenario of that name");
	return NULL;
}

static bool find(struct world *world, size_t row)
{
	const struct scenario *scenario = find_scenario(rows[row].scenario);
	struct counts counts = { 0 };
	uint64_t seed = 0;

	world->bug = rows[row].sim;
	plant(rows[row].protocol);
	while (seed < rows[row].seeds && world_run(world, scenario, seed, &counts))
		seed++;
	bool found = seed < rows[row].seeds;
	printf("%-44s %-12s ", rows[row].name, rows[row].scenario);
	if (found)
		printf("seed %5llu of %5llu  %s\n", (unsigned long long)seed, (unsigned long long)rows[row].seeds,
		       world->violation);
	else
		printf("NOT FOUND within %llu seeds\n", (unsigned long long)rows[row].seeds);
	fflush(stdout);
	return found;
}

/* The protocol in this program has no hook for bugs; build/planted/sim is compiled with one. */
static int run_other_program(void)
{
	char path[PATH_MAX + sizeof("/../planted/sim")];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

	if (length > 0) {
		path[length] = '\0';
		strcat(dirname(path), "/../planted/sim");
		execl(path, path, "--planted", (char *)NULL);
	}
	fprintf(stderr, "sim: --planted needs build/planted/sim: run make sim-program\n");
	return 2;
}

int planted_run(struct world *world)
{
	int missed = 0;

	if (protocol_plant == NULL)
		return run_other_program();
	for (size_t i = 0; i < ROW_COUNT; i++)
		missed += !find(world, i);
	plant(PLANTED_NONE);
	world->bug = BUG_NONE;
	printf("%d passed, %d failed\n", (int)ROW_COUNT - missed, missed);
	return missed > 0;
}
