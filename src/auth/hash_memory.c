/* SPDX-License-Identifier: MIT
 *
 * libsodium 1.0.18 maps, populates and unmaps the whole memory of argon2id for each hash and offers
 * no way to bring one's own. The kernel then clears every page again: measured on two cores, 18.2
 * ms of processor time a hash (7 MiB, 5 passes) where kept memory takes 12.5 ms, and 11.2 ms in
 * huge pages.
 *
 * So the program is linked with libsodium's archive and `--wrap=mmap,--wrap=munmap` (see the top
 * CMakeLists.txt): calls of mmap from objects of this very link, which means libsodium's, come
 * here, while libraries outside are not touched. A call is only answered differently between
 * hash_memory_lend and hash_memory_back on the same thread; everything else goes straight to the
 * system. Argon2 writes each block before it reads it, so old contents do not matter; the
 * known-answer test proves it on used memory.
 *
 * At most one region a pool thread is kept; the hasher gives them back when no log-in came for a
 * while.
 */
#include "hash_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "reeyo/core/memory.h"

#ifdef REEYO_KEEP_HASH_MEMORY

#define HUGE_PAGE ((size_t)2 << 20)
#define REGIONS_KEPT 64 /* the most threads a work pool can have */

struct region {
	char *at;
	size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region kept[REGIONS_KEPT];
static unsigned kept_count;
static atomic_ulong reuses;

/* What this thread has lent, whether it served before, and whether libsodium has taken it. */
static _Thread_local struct region lent;
static _Thread_local bool again, taken;

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);

/* Whole huge pages at a huge page's boundary, or no region (at NULL). */
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
	(void)madvise(raw + skip, whole, MADV_DONTDUMP); /* what passwords were mixed into */
	return (struct region){ raw + skip, whole };
}

void hash_memory_lend(size_t size)
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
	again = region.at != NULL;
	lent = again ? region : region_map(size);
	taken = false;
}

void hash_memory_back(void)
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

void hash_memory_trim(void)
{
	pthread_mutex_lock(&lock);
	while (kept_count > 0) {
		kept_count--;
		__real_munmap(kept[kept_count].at, kept[kept_count].size);
	}
	pthread_mutex_unlock(&lock);
}

unsigned long hash_memory_reuses(void)
{
	return atomic_load(&reuses);
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
	if (again)
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

void hash_memory_lend(size_t size)
{
	(void)size;
}

void hash_memory_back(void)
{
}

void hash_memory_trim(void)
{
}

unsigned long hash_memory_reuses(void)
{
	return 0;
}

#endif
