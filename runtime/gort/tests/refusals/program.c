/*
 * A program that asks for some of everything that the runtime may be refused. Compiled twice: as Go (GORT_GO_TEXT) and as C.
 *
 *   program              runs, and says "done"
 *   program exhaust      takes memory until there is none
 *   program large N      takes N bytes at once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gort.h"

GORT_DECLARE_STUB(puts);
int callback(int n);
int call_back(int n);
void *a_thread(void *);
int threads(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(puts);
GORT_DECLARE_STUB(call_back);
GORT_CCALL(call_back);
GORT_DECLARE_STUB(threads);
GORT_CCALL(threads);

struct node {
	struct node *next;
	uint64_t words[5];
};

static const uint8_t first_word[] = {1};
static const struct gort_type node_type = {
	.size = sizeof(struct node),
	.ptrdata = sizeof(void *),
	.ptrmask = first_word,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
};
static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1};

struct shared {
	struct gort_waitgroup wg;
	gort_chan *c;
	volatile int64_t sum;
};

static __attribute__((noinline)) int64_t deep(int n)
{
	volatile char frame[300];
	frame[0] = (char)n;
	return n == 0 ? 0 : 1 + deep(n - 1) + (frame[0] & 0);
}

static struct node *list(int length)
{
	struct node *first = NULL;
	for (int i = 0; i < length; i++) {
		struct node *n = gort_new(&node_type);
		n->next = first;
		first = n;
	}
	return first;
}

static void worker(void *arg)
{
	struct shared *s = arg;
	int64_t n;
	while (gort_chanrecv(s->c, &n)) {
		n += deep(200) + go_call_back(0);
		__atomic_fetch_add(&s->sum, n, __ATOMIC_RELAXED);
		int64_t length = 0;
		for (struct node *at = list(100); at; at = at->next)
			length++;
		__atomic_fetch_add(&s->sum, length - 100, __ATOMIC_RELAXED);
		gort_keep_alive(gort_new_array(&byte_type, 100000));
	}
	gort_waitgroup_done(&s->wg);
}

static void work(struct shared *s)
{
	s->c = gort_makechan(sizeof(int64_t), 4);
	gort_waitgroup_add(&s->wg, 8);
	for (int i = 0; i < 8; i++)
		gort_go(worker, s);
	for (int64_t i = 0; i < 40; i++)
		gort_chansend(s->c, &i);
	gort_closechan(s->c);
	gort_waitgroup_wait(&s->wg);
}

static void note(void *arg, void *closure)
{
	(void)arg;
	__atomic_fetch_add((int64_t *)closure, 1, __ATOMIC_RELAXED);
}

static void tick(void *arg)
{
	gort_waitgroup_done(arg);
}

static void attached(int64_t *notes)
{
	struct node *n = list(1);
	gort_set_finalizer(n, note, notes);
	gort_cleanup_stop(gort_add_cleanup(n, note, NULL, notes));
	if (gort_weak_value(gort_weak_make(n)) != n)
		gort_panic_string("a weak pointer points elsewhere");
}

__attribute__((used)) static int go_callback(int n)
{
	return n + (int)deep(20);
}
GORT_EXPORT(callback, go_callback);

void everything(void *arg)
{
	(void)arg;
	struct shared s = {0};
	work(&s);
	struct gort_waitgroup ticks = {0};
	int64_t notes = 0;
	gort_waitgroup_add(&ticks, 1);
	gort_timer *t = gort_timer_start(100000, tick, &ticks);
	gort_sleep(200000);
	gort_waitgroup_wait(&ticks);
	gort_timer_free(t);
	for (int i = 0; i < 20; i++)
		attached(&notes);
	gort_gc();
	gort_free_os_memory();
	int fds[2];
	char byte = 1;
	if (gort_pipe(fds) == 0) {
		gort_write(fds[1], &byte, 1);
		gort_read(fds[0], &byte, 1);
		gort_close(fds[0]);
		gort_close(fds[1]);
	}
	go_threads();
	if (s.sum != 40 * 39 / 2 + 40 * (200 + 20))
		gort_panic_string("the sum is wrong");
	go_puts("done");
}

/* A list of all that there is; with garbage, while the collector runs. */
static void take_all(void *arg)
{
	(void)arg;
	struct node *volatile first = NULL;
	for (;;) {
		struct node *n = gort_new_array(&node_type, 100);
		gort_store(&n->next, first);
		first = n;
		gort_keep_alive(gort_new_array(&byte_type, 3000));
	}
}

void exhaust(void *arg)
{
	for (int i = 0; i < 3; i++)
		gort_go(take_all, arg);
	take_all(arg);
}

void large(void *arg)
{
	gort_keep_alive(gort_new_array(&byte_type, (size_t)arg));
	go_puts("done");
}

#else

#include <pthread.h>

void everything(void *), exhaust(void *), large(void *);

int call_back(int n)
{
	return callback(n);
}

void *a_thread(void *sum)
{
	*(int *)sum = callback(1);
	return NULL;
}

/* Two threads call in. The system may refuse to make them. */
int threads(void)
{
	pthread_t made[2];
	int sums[2] = {21, 21};
	bool there[2];
	for (int i = 0; i < 2; i++)
		there[i] = pthread_create(&made[i], NULL, a_thread, &sums[i]) == 0;
	for (int i = 0; i < 2; i++)
		if (there[i])
			pthread_join(made[i], NULL);
	return sums[0] + sums[1];
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exhaust") == 0)
		return gort_main(argc, argv, exhaust, NULL);
	if (argc == 3 && strcmp(argv[1], "large") == 0)
		return gort_main(argc, argv, large, (void *)strtoull(argv[2], NULL, 0));
	return gort_main(argc, argv, everything, NULL);
}

#endif
