/* SPDX-License-Identifier: Apache-2.0 */
/* Do Sentinels say where Redis is, and with one voice? */
#include "check_internal.h"

#include <inttypes.h>
#include "redis_sentinel.h"
#include "store_reply.h"

struct survey {
	struct redis_sentinels sentinels;
	struct redis_sentinel_answer answers[SENTINELS_MAX];
	const struct redis_sentinel_answer *newest; /* NULL: nobody names a master */
	size_t agreed;
};

static bool agrees(const struct survey *survey, size_t i)
{
	const struct redis_sentinel_answer *answer = &survey->answers[i];
	return answer->result == SENTINEL_NAMES && address_equal(&answer->master, &survey->newest->master);
}

static void ask_all(struct survey *survey, const struct config *config)
{
	MUST(redis_sentinels_parse(&survey->sentinels, config->redis_sentinels));
	for (size_t i = 0; i < survey->sentinels.count; i++) {
		struct redis_sentinel_answer *answer = &survey->answers[i];
		redis_sentinel_ask(answer, &survey->sentinels.at[i], config);
		if (answer->result == SENTINEL_NAMES && (!survey->newest || answer->epoch > survey->newest->epoch))
			survey->newest = answer;
	}
	for (size_t i = 0; survey->newest && i < survey->sentinels.count; i++)
		survey->agreed += agrees(survey, i);
}

static void report_one(struct check *check, const struct survey *survey, size_t i)
{
	const struct redis_sentinel_answer *answer = &survey->answers[i];
	char sentinel[ADDRESS_TEXT_SIZE], own[ADDRESS_TEXT_SIZE], newest[ADDRESS_TEXT_SIZE];
	address_text(&survey->sentinels.at[i], sentinel);
	if (answer->result != SENTINEL_NAMES)
		check_find(check, CHECK_WARNING, 0, "Sentinel %s: %s", sentinel, answer->error);
	else if (!agrees(survey, i))
		check_find(check, CHECK_WARNING, 0,
			   "Sentinel %s names %s (failover %" PRId64 "), another one %s (failover %" PRId64
			   "); if that lasts, see whether they reach each other",
			   sentinel, address_text(&answer->master, own), answer->epoch,
			   address_text(&survey->newest->master, newest), survey->newest->epoch);
	else if (answer->epoch < 0)
		check_find(check, CHECK_WARNING, 0,
			   "Sentinel %s does not tell this user how new its answer is; grant +sentinel|master",
			   sentinel);
}

/* That there is no master at all is said where Redis is to answer. */
void check_sentinels(struct check *check)
{
	const struct config *config = check->config;
	struct survey survey = { 0 };
	char master[ADDRESS_TEXT_SIZE];
	if (!config->redis_sentinels[0])
		return;
	ask_all(&survey, config);
	size_t count = survey.sentinels.count;
	for (size_t i = 0; i < count && (survey.newest || count > 1); i++)
		report_one(check, &survey, i);
	if (!survey.newest)
		return;
	address_text(&survey.newest->master, master);
	if (survey.agreed * 2 > count)
		check_find(check, CHECK_NOTE, 0, "%zu of %zu Sentinels name %s the master of %s", survey.agreed, count,
			   master, config->redis_sentinel_master);
	else
		check_find(check, CHECK_WARNING, 0,
			   "%zu of %zu Sentinels name %s the master of %s, no majority: start those that are down, or "
			   "wait until a failover has ended",
			   survey.agreed, count, master, config->redis_sentinel_master);
}

/* What Sentinels need of the master itself. */
void check_failover(struct check *check)
{
	int64_t replicas;
	if (!check->config->redis_sentinels[0])
		return;
	if (check->redis.role_unknown)
		check_find(check, CHECK_WARNING, 0,
			   "this user may not ask whether Redis is the master or a replica; grant +role");
	redisReply *reply = redis_link_ask(&check->redis, "CONFIG GET min-replicas-to-write");
	if (reply && reply_setting(reply, &replicas) && replicas == 0)
		check_find(
			check, CHECK_NOTE, 0,
			"min-replicas-to-write is 0: a master that is cut off from its replicas goes on counting, and "
			"after a failover all that is counted again from the log; set it to 1");
	freeReplyObject(reply);
}
