/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to standard error: logfmt or JSON. One call site says the same thing at most once in ten seconds; the next
 * line then carries suppressed=N. Safe from several threads. */
#pragma once
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };
enum log_format { LOG_TEXT, LOG_JSON };

void log_init(enum log_level level, enum log_format format, const char *component);
/* The names were checked with the configuration. */
void log_configure(const char *level, const char *format);
const char *log_level_name(enum log_level level);
/* Each returns 0, or -1 for an unknown name. */
int log_level_parse(const char *name, enum log_level *level);
int log_format_parse(const char *name, enum log_format *format);
/* Lines written so far at this level, and lines that call sites held back; for the metrics. */
uint64_t log_lines(enum log_level level);
uint64_t log_lines_suppressed(void);

struct log_site {
	int64_t window_ms; /* start of the current window */
	uint32_t suppressed;
};

/* fields: logfmt pairs made with the format, e.g. "topic=%s partition=%d"; NULL or "" when there are none. message is
 * fixed text. Values are quoted and escaped here: a %s may hold any bytes, spaces and line ends included. */
void log_write(enum log_level level, struct log_site *site, const char *message, const char *fields, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(message, ...) log_write(LOG_ERROR, NULL, message, __VA_ARGS__)
#define log_warning(message, ...) log_write(LOG_WARNING, NULL, message, __VA_ARGS__)
#define log_info(message, ...) log_write(LOG_INFO, NULL, message, __VA_ARGS__)
#define log_debug(message, ...) log_write(LOG_DEBUG, NULL, message, __VA_ARGS__)
/* Rate limited per call site: for anything an input record or a flapping connection can cause. */
#define log_limited(level, message, ...)                                                                               \
	do {                                                                                                           \
		static struct log_site log_site_here;                                                                  \
		log_write(level, &log_site_here, message, __VA_ARGS__);                                                \
	} while (0)
