/* SPDX-License-Identifier: MIT
 *
 * libsodium 1.0.18 maps, populates and unmaps the whole memory of argon2id for each hash, and a
 * caller cannot pass its own. The kernel then clears every page again. Processor time per hash,
 * measured on two cores: 18.2 ms (7 MiB, 5 passes), 12.5 ms in kept memory, 11.2 ms in kept huge
 * pages.
 *
 * So the program is linked with libsodium's archive and `--wrap=mmap,--wrap=munmap` (see the top
 * CMakeLists.txt). Calls of mmap from objects of this link, which means libsodium's, come here;
 * shared libraries are not affected. A call gets kept memory only between hash_memory_lend and
 * hash_memory_return on the same thread; all others go to the system. Argon2 writes each block
 * before it reads it, so old contents do not matter; the known-answer test proves it on used
 * memory.
 *
 * At most one region per pool thread is kept. The hasher unmaps them after a while without a
 * log-in.
 */
#include "hash_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "reeyo/core/memory.h"

static atomic_ulong reuses;

#ifdef REEYO_KEEP_HASH_MEMORY

#define HUGE_PAGE ((size_t)2 << 20)
#define REGIONS_KEPT 64 /* maximum number of threads of the work pool */

struct region {
	char *at;
	size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region kept[REGIONS_KEPT];
static unsigned kept_count;

/* The region lent on this thread, whether it was used before, and whether libsodium has taken
 * it. */
static _Thread_local struct region lent;
static _Thread_local bool reused, taken;

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);

/* Maps whole huge pages, aligned to a huge page. at is NULL on failure. */
static struct region region_map(size_t size)
{
	size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	char *raw = __real_mmap(NULL, whole + HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t skip;

	if (raw == MAP_FAILED)
		return (struct region){ NULL, 0 };
	skip = (HUGE_PAGE - (uintptr_t)raw % HUGE_PAGE) % HUGE_PAGE;
	if (skip)
		__real_munmap(raw, skip);
	if (skip < HUGE_PAGE)
		__real_munmap(raw + skip + whole, HUGE_PAGE - skip);
	(void)madvise(raw + skip, whole, MADV_HUGEPAGE);
	(void)madvise(raw + skip, whole, MADV_DONTDUMP); /* passwords were mixed into it */
	return (struct region){ raw + skip, whole };
}

static void region_lend(size_t size)
{
	struct region region = { NULL, 0 };

	pthread_mutex_lock(&lock);
	if (kept_count > 0)
		region = kept[--kept_count];
	pthread_mutex_unlock(&lock);
	if (region.at && region.size < size) {
		__real_munmap(region.at, region.size);
		region = (struct region){ NULL, 0 };
	}
	reused = region.at != NULL;
	lent = reused ? region : region_map(size);
	taken = false;
}

static void region_return(void)
{
	struct region region = lent;

	lent = (struct region){ NULL, 0 };
	if (!region.at)
		return;
	pthread_mutex_lock(&lock);
	if (kept_count < REGIONS_KEPT) {
		kept[kept_count++] = region;
		region.at = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (region.at)
		__real_munmap(region.at, region.size);
}

static void regions_unmap(void)
{
	pthread_mutex_lock(&lock);
	while (kept_count > 0) {
		kept_count--;
		__real_munmap(kept[kept_count].at, kept[kept_count].size);
	}
	pthread_mutex_unlock(&lock);
}

/* "used": link-time optimisation sees no caller, since the calls are in libsodium's archive. */
__attribute__((used)) void *__wrap_mmap(
	void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	bool fits = at == NULL && fd == -1 && (flags & MAP_ANONYMOUS) &&
		prot == (PROT_READ | PROT_WRITE);

	if (!lent.at || taken || !fits || size > lent.size)
		return __real_mmap(at, size, prot, flags, fd, offset);
	taken = true;
	if (reused)
		atomic_fetch_add(&reuses, 1);
	return lent.at;
}

__attribute__((used)) int __wrap_munmap(void *at, size_t size)
{
	if (lent.at && at == lent.at) {
		taken = false;
		return 0;
	}
	return __real_munmap(at, size);
}

#else

#define region_lend(size) ((void)(size))
#define region_return() ((void)0)
#define regions_unmap() ((void)0)

#endif

void hash_memory_lend(size_t size)
{
	region_lend(size);
}

void hash_memory_return(void)
{
	region_return();
}

void hash_memory_trim(void)
{
	regions_unmap();
}

unsigned long hash_memory_reuses(void)
{
	return atomic_load(&reuses);
}
