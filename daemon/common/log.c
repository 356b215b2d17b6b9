/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "log_line.h"
#include "must.h"

enum { WINDOW_MS = 10000, FIELDS_MAX_BYTES = 4096, TEMPLATE_MAX_BYTES = 512 };

/* priority: what the journal reads from a line's "<N>". */
static const struct {
	const char *name;
	char priority;
} levels[LOG_LEVEL_COUNT] = {
	[LOG_ERROR] = { "error", '3' },
	[LOG_WARNING] = { "warning", '4' },
	[LOG_INFO] = { "info", '6' },
	[LOG_DEBUG] = { "debug", '7' },
};

static const char *const format_names[] = { [LOG_TEXT] = "text", [LOG_JSON] = "json" };

static struct {
	_Atomic enum log_level level; /* a reload may change both while other threads write */
	_Atomic enum log_format format;
	const char *component;
	bool journal;
	pthread_mutex_t lock; /* sites, and whole lines on standard error */
	atomic_uint_fast64_t lines[LOG_LEVEL_COUNT], suppressed;
} logger = { .level = LOG_INFO, .component = "riderwatchd", .lock = PTHREAD_MUTEX_INITIALIZER };

/* JOURNAL_STREAM names the device and inode of the journal's socket; standard error may have been redirected since. */
static bool writes_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
	       status.st_dev == device && status.st_ino == inode;
}

void log_init(enum log_level level, enum log_format format, const char *component)
{
	logger.level = level;
	logger.format = format;
	logger.component = component;
	logger.journal = writes_to_journal();
}

void log_configure(const char *level, const char *format)
{
	enum log_level new_level;
	enum log_format new_format;
	MUST(log_level_parse(level, &new_level) == 0 && log_format_parse(format, &new_format) == 0);
	logger.level = new_level;
	logger.format = new_format;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

int log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

int log_format_parse(const char *name, enum log_format *format)
{
	for (size_t i = 0; i < sizeof(format_names) / sizeof(*format_names); i++) {
		if (strcmp(format_names[i], name) == 0) {
			*format = (enum log_format)i;
			return 0;
		}
	}
	return -1;
}

uint64_t log_lines(enum log_level level)
{
	return logger.lines[level];
}

uint64_t log_lines_suppressed(void)
{
	return logger.suppressed;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Returns whether the site may speak; then *suppressed is how often it was silent before. */
static bool site_may_speak(struct log_site *site, uint32_t *suppressed)
{
	*suppressed = 0;
	if (!site)
		return true;
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	pthread_mutex_lock(&logger.lock);
	bool speaks = site->window_ms == 0 || now - site->window_ms >= WINDOW_MS;
	if (speaks) {
		*suppressed = site->suppressed;
		*site = (struct log_site){ .window_ms = now };
	} else {
		site->suppressed++;
		logger.suppressed++;
	}
	pthread_mutex_unlock(&logger.lock);
	return speaks;
}

static void start_line(struct log_line *line, enum log_level level, const char *message)
{
	char time_text[40];
	int64_t now = clock_ms(CLOCK_REALTIME);
	time_t seconds = now / 1000;
	struct tm utc;
	gmtime_r(&seconds, &utc);
	size_t size = strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(time_text + size, sizeof(time_text) - size, ".%03dZ", (int)(now % 1000));

	log_line_start(line, logger.format == LOG_JSON, logger.journal ? levels[level].priority : '\0');
	log_line_text(line, "ts", time_text);
	log_line_text(line, "level", levels[level].name);
	log_line_text(line, "component", logger.component);
	log_line_text(line, "msg", message);
}

static void write_line(const struct log_line *line)
{
	pthread_mutex_lock(&logger.lock);
	for (size_t done = 0; done < line->size;) {
		ssize_t written = write(STDERR_FILENO, line->data + done, line->size - done);
		if (written < 0 && errno != EINTR)
			break; /* there is nowhere left to complain */
		done += written > 0 ? (size_t)written : 0;
	}
	pthread_mutex_unlock(&logger.lock);
}

void log_write(enum log_level level, struct log_site *site, const char *message, const char *fields, ...)
{
	uint32_t suppressed;
	if (level > logger.level || !site_may_speak(site, &suppressed))
		return;
	int saved_errno = errno;
	struct log_line line;
	start_line(&line, level, message);
	if (fields && *fields) {
		char marked[TEMPLATE_MAX_BYTES], values[FIELDS_MAX_BYTES];
		log_fields_mark(fields, marked, sizeof(marked));
		va_list arguments;
		va_start(arguments, fields);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int size = vsnprintf(values, sizeof(values), marked, arguments);
#pragma GCC diagnostic pop
		va_end(arguments);
		if (size >= 0)
			log_line_fields(&line, marked, values);
		if (size >= FIELDS_MAX_BYTES)
			log_line_number(&line, "cut_bytes", size - FIELDS_MAX_BYTES + 1);
	}
	if (suppressed)
		log_line_number(&line, "suppressed", suppressed);
	log_line_end(&line);
	write_line(&line);
	logger.lines[level]++;
	errno = saved_errno;
}
