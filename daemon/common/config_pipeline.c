/* SPDX-License-Identifier: Apache-2.0 */
#include "config_pipeline.h"

#include "kafka_conf.h"

struct pipeline_settings config_pipeline(const struct config *config, const char *application)
{
	return (struct pipeline_settings){
		.input_topics = { [INPUT_REPORTS] = config->topics_reports,
				  [INPUT_DELIVERIES] = config->topics_deliveries },
		.dead_letter_topic = config->topics_dead_letters,
		.alert_topics = { [CATEGORY_EMERGENCY] = config->topics_alerts_emergency,
				  [CATEGORY_FIRE] = config->topics_alerts_fire,
				  [CATEGORY_FOOD] = config->topics_alerts_food },
		.partitions = 1,
		.max_event_bytes = (size_t)config->events_max_bytes,
		.max_record_bytes = (size_t)config->events_max_bytes + KAFKA_RECORD_OVERHEAD,
		.dedup_hours = (uint32_t)config->events_dedup_hours,
		.application = application,
		.group = config->kafka_group,
	};
}
