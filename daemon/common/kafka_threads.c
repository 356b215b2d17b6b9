/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_threads.h"

#include <sys/prctl.h>

/* A wait for whole milliseconds that ends so much later has seen the timer's time come. */
#define LENIENCE_NS 1000000UL

/* Broker threads wait for sockets, and round up. */
static rd_kafka_resp_err_t on_thread_start(rd_kafka_t *handle, rd_kafka_thread_type_t type, const char *name,
					   void *context)
{
	(void)handle, (void)name, (void)context;
	if (type == RD_KAFKA_THREAD_MAIN)
		prctl(PR_SET_TIMERSLACK, LENIENCE_NS); /* where it is refused, time is kept as before */
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *context, char *error,
				  size_t error_size)
{
	(void)conf, (void)error, (void)error_size;
	return rd_kafka_interceptor_add_on_thread_start(handle, "lenience", on_thread_start, context);
}

void kafka_threads_be_lenient(rd_kafka_conf_t *conf)
{
	rd_kafka_conf_interceptor_add_on_new(conf, "lenience", on_new, NULL);
}
