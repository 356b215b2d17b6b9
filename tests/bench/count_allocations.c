/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, it counts allocations: in the file named by ALLOCATIONS, which whoever looks on may read at any time
 * (struct tally). Not for timed runs. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum { MAIN_THREAD, OTHER_THREADS };

/* Native byte order; the main thread's, then those of all others. */
struct tally {
	_Atomic uint64_t calls[2], bytes[2];
};

static struct tally before_start, *tally = &before_start;
static __thread int thread_kind __attribute__((tls_model("initial-exec"))) = -1;

__attribute__((constructor)) static void open_tally(void)
{
	const char *path = getenv("ALLOCATIONS");
	int file = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (file < 0)
		return;
	if (!ftruncate(file, sizeof(*tally))) {
		void *shared = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (shared != MAP_FAILED)
			tally = shared;
	}
	close(file);
}

static void count(size_t size)
{
	if (thread_kind < 0)
		thread_kind = gettid() == getpid() ? MAIN_THREAD : OTHER_THREADS;
	atomic_fetch_add_explicit(&tally->calls[thread_kind], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&tally->bytes[thread_kind], size, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count(size);
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count(number * size);
	return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
	count(size);
	return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
	count(size);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	*memory = memalign(alignment, size);
	return *memory ? 0 : ENOMEM;
}
