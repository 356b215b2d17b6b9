/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody pushes: the process, the log, the versions. */
#include <dirent.h>
#include <stdlib.h>
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>
#include "log.h"
#include "metrics_internal.h"
#include "must.h"
#include "versions.h"

static double cpu_seconds(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return NAN;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
	unsigned long pages;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return NAN;
	int read = fscanf(file, "%*u %lu", &pages);
	fclose(file);
	return read == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : NAN;
}

static double open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		return NAN;
	int count = -1; /* the folder's own */
	for (struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static double descriptor_limit(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : NAN;
}

static void describe_build(struct metrics *metrics)
{
	size_t size;
	if (metrics->texts[METRIC_BUILD_INFO])
		return;
	FILE *out = open_memstream(&metrics->texts[METRIC_BUILD_INFO], &size);
	MUST(out);
	for (size_t i = 0; i < version_count; i++) {
		fputs(i ? "," : "", out);
		metric_label_print(out, i ? versions[i].name : "version", version_running(&versions[i]));
	}
	fclose(out);
}

void metrics_collect(struct metrics *metrics)
{
	describe_build(metrics);
	for (int level = 0; level < LOG_LEVEL_COUNT; level++)
		metrics_set(metrics, METRIC_LOG_LINES, level, 0, (double)log_lines((enum log_level)level));
	metrics_set(metrics, METRIC_LOG_SUPPRESSED, 0, 0, (double)log_lines_suppressed());
	metrics_set(metrics, METRIC_PROCESS_CPU, 0, 0, cpu_seconds());
	metrics_set(metrics, METRIC_PROCESS_MEMORY, 0, 0, resident_bytes());
	metrics_set(metrics, METRIC_PROCESS_FDS, 0, 0, open_descriptors());
	metrics_set(metrics, METRIC_PROCESS_FDS_MAX, 0, 0, descriptor_limit());
	metrics_set(metrics, METRIC_PROCESS_START, 0, 0, metrics->start_seconds);
}
