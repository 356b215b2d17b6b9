/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"
#include "board.h"

#include <inttypes.h>

/* Everything of one moment, that the rows below take their values from. */
struct moment {
	struct feed_state feed;
	struct streams_counts streams;
	uint64_t alerts, bytes, sequence;
};

#define VALUE(function, expression)                                                                                    \
	static double function(const struct moment *moment)                                                            \
	{                                                                                                              \
		return (double)(expression);                                                                           \
	}
VALUE(connected, moment->feed.connected)
VALUE(caught_up, moment->feed.caught_up)
VALUE(records, moment->feed.records)
VALUE(refused, moment->feed.refused)
VALUE(dead_letters, moment->feed.dead_letters_hour)
VALUE(alerts, moment->alerts)
VALUE(bytes, moment->bytes)
VALUE(sequence, moment->sequence)
VALUE(clients, moment->streams.open)
VALUE(opened, moment->streams.opened)
VALUE(dropped, moment->streams.dropped)
VALUE(turned_away, moment->streams.refused)

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct moment *moment);
} rows[] = {
	{ "riderwatch_board_kafka_connected", "gauge", "1 while the alert topics are being read", connected },
	{ "riderwatch_board_caught_up", "gauge", "1 when every partition was read to its end once", caught_up },
	{ "riderwatch_board_records_total", "counter", "Records of the alert topics read", records },
	{ "riderwatch_board_records_refused_total", "counter", "Records of the alert topics that are no alerts",
	  refused },
	{ "riderwatch_board_dead_letters_last_hour", "gauge", "Dead letters written in the last hour", dead_letters },
	{ "riderwatch_board_alerts", "gauge", "Alerts in memory", alerts },
	{ "riderwatch_board_alerts_bytes", "gauge", "Memory that they take", bytes },
	{ "riderwatch_board_alerts_total", "counter", "Alerts taken in", sequence },
	{ "riderwatch_board_streams", "gauge", "Live streams", clients },
	{ "riderwatch_board_streams_opened_total", "counter", "Live streams opened", opened },
	{ "riderwatch_board_streams_dropped_total", "counter", "Live streams dropped because their client did not read",
	  dropped },
	{ "riderwatch_board_streams_refused_total", "counter", "Live streams refused because of board.clients_max",
	  turned_away },
};

void board_metrics(const struct board *board, FILE *out)
{
	struct moment moment = { .streams = streams_counts(board->streams),
				 .alerts = ring_last(board->ring) - ring_first(board->ring) + 1,
				 .bytes = ring_bytes(board->ring),
				 .sequence = ring_last(board->ring) };
	feed_state(board->feed, &moment.feed);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", rows[i].name, rows[i].help, rows[i].name,
			rows[i].type, rows[i].name, rows[i].value(&moment));
}
