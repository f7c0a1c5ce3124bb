/*
 * Loaded before a program (LD_PRELOAD), it refuses what the program asks of the system, by order of the environment:
 *
 *   REFUSE=malloc:7     the eighth call of malloc and its like returns null
 *   REFUSE=map:7+       the eighth and all later mappings, and changes of what they allow, fail with ENOMEM
 *   REFUSE=thread:0+    no thread is made: EAGAIN
 *   REFUSED=path        where there is a file after something was refused
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum what { NOTHING, MALLOC, MAP, THREAD };

static enum what what;
static atomic_long left;
static bool all_later;
static const char *refused_path;

__attribute__((constructor)) static void read_orders(void)
{
	static const char *const names[] = {[MALLOC] = "malloc:", [MAP] = "map:", [THREAD] = "thread:"};
	const char *order = getenv("REFUSE");
	refused_path = getenv("REFUSED");
	for (enum what kind = MALLOC; order && kind <= THREAD; kind++) {
		size_t length = strlen(names[kind]);
		if (strncmp(order, names[kind], length) != 0)
			continue;
		atomic_store(&left, atol(order + length));
		all_later = strchr(order, '+') != NULL;
		what = kind;
	}
}

/* Whether this request is to be refused. */
static bool refuse(enum what kind)
{
	if (what != kind)
		return false;
	long before = atomic_fetch_sub(&left, 1);
	if (before > 0 || (before < 0 && !all_later))
		return false;
	if (before == 0 && refused_path) {
		long file = syscall(SYS_openat, AT_FDCWD, refused_path, O_CREAT | O_WRONLY, 0600);
		syscall(SYS_close, file);
	}
	return true;
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t bytes)
{
	return refuse(MALLOC) ? no_memory() : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return refuse(MALLOC) ? no_memory() : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
	return refuse(MALLOC) ? no_memory() : __libc_realloc(block, bytes);
}

void *memalign(size_t align, size_t bytes)
{
	return refuse(MALLOC) ? no_memory() : __libc_memalign(align, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

int posix_memalign(void **block, size_t align, size_t bytes)
{
	*block = memalign(align, bytes);
	return *block ? 0 : ENOMEM;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (refuse(MAP))
		return no_memory(), MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
	return mmap(at, bytes, protection, flags, fd, offset);
}

int mprotect(void *at, size_t bytes, int protection)
{
	if (refuse(MAP))
		return no_memory(), -1;
	return syscall(SYS_mprotect, at, bytes, protection);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
	return refuse(THREAD) ? EAGAIN : next(thread, attributes, run, arg);
}
