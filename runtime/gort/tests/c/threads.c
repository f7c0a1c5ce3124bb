/* C uses the runtime: from within calls by Go, and on threads of its own. */
#include "case.h"

void start_from_c(struct gort_waitgroup *wg, int n);
void use_from_c(void);
void start_from_thread(struct gort_waitgroup *wg, int n);
void use_from_c_quickly(void);
void start_ponger(void *g);
void pong(void);
void ready_many(void **gs, int n);
void exit_from_c(int status);
void too_large_from_c(void);
void more_done(void *wg);
void timer_from_c(struct gort_waitgroup *wg);
extern void (*const done_in_go)(void *);

#ifdef GORT_GO_TEXT

GORT_CCALL(start_from_c);
GORT_CCALL(start_from_thread);
GORT_CCALL(use_from_c);
GORT_CCALL_NONBLOCKING(use_from_c_quickly);
GORT_CCALL(start_ponger);
GORT_CCALL(pong);
GORT_CCALL(ready_many);
GORT_CCALL(exit_from_c);
GORT_CCALL(too_large_from_c);
GORT_CCALL(timer_from_c);

static void done(void *wg)
{
	gort_waitgroup_done(wg);
}
void (*const done_in_go)(void *) = done;

CASE(c_starts_goroutines)
{
	struct gort_waitgroup wg = {0};
	for (int i = 0; i < 20; i++) {
		gort_waitgroup_add(&wg, 2000);
		go_start_from_c(&wg, 1000);
		go_start_from_thread(&wg, 1000);
		gort_waitgroup_wait(&wg);
	}
}

CASE(c_uses_what_anyone_may_use)
{
	go_use_from_c();
	go_use_from_c_quickly();
}

CASE(c_starts_timers)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 100);
	go_timer_from_c(&wg);
	gort_waitgroup_wait(&wg);
}

CASE(a_thread_of_c_readies_a_goroutine)
{
	go_start_ponger(gort_self());
	for (int i = 0; i < 5000; i++) {
		go_pong();
		gort_park();
	}
}

struct parked {
	struct gort_waitgroup wg;
	int64_t woken, parked;
	void *g[100];
};

static void park(void *arg)
{
	struct parked *p = arg;
	p->g[__atomic_fetch_add(&p->parked, 1, __ATOMIC_ACQ_REL)] = gort_self();
	gort_park();
	__atomic_fetch_add(&p->woken, 1, __ATOMIC_RELAXED);
	gort_waitgroup_done(&p->wg);
}

CASE(c_readies_many)
{
	struct parked p = {0};
	gort_waitgroup_add(&p.wg, 100);
	for (int i = 0; i < 100; i++)
		gort_go(park, &p);
	while (__atomic_load_n(&p.parked, __ATOMIC_ACQUIRE) < 100)
		gort_gosched();
	go_ready_many(p.g, 100);
	gort_waitgroup_wait(&p.wg);
	check_equal(p.woken, 100);
}

// exit 9
CASE(c_ends_the_program)
{
	go_exit_from_c(9);
}

// exit 2
// stderr panic: makechan: size out of range
CASE(c_makes_too_large_a_channel)
{
	go_too_large_from_c();
}

__attribute__((used)) static void go_more_done(void *wg)
{
	gort_waitgroup_done(wg);
}
GORT_EXPORT(more_done, go_more_done);

#else

#include <pthread.h>
#include <semaphore.h>

void start_from_c(struct gort_waitgroup *wg, int n)
{
	for (int i = 0; i < n; i++)
		gort_go(done_in_go, wg);
}

struct start {
	struct gort_waitgroup *wg;
	int n;
};

static void *start(void *arg)
{
	struct start *s = arg;
	start_from_c(s->wg, s->n);
	return NULL;
}

void start_from_thread(struct gort_waitgroup *wg, int n)
{
	struct start s = {wg, n};
	pthread_t thread;
	check_equal(pthread_create(&thread, NULL, start, &s), 0);
	pthread_join(thread, NULL);
}

/* What is no call into Go, from C either. */
void use_from_c_quickly(void)
{
	gort_chan *c = gort_makechan(8, 3);
	check_equal(gort_chanlen(c), 0);
	check_equal(gort_chancap(c), 3);
	gort_freechan(c);
	check(gort_nanotime() > 0);
	check_equal(gort_numgoroutine(), 1);
	gort_timer *t = gort_timer_start(3600000000000LL, done_in_go, NULL);
	check(gort_timer_reset(t, 7200000000000LL));
	check(gort_timer_stop(t));
	gort_timer_free(t);
}

void use_from_c(void)
{
	use_from_c_quickly();
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	check(stats.threads >= 1 && stats.stacks_inuse > 0 && stats.goroutines_inuse > 0);
}

void timer_from_c(struct gort_waitgroup *wg)
{
	for (int i = 0; i < 100; i++)
		gort_timer_start(i * 100000, done_in_go, wg);
}

static sem_t ball;

static void *ponger(void *g)
{
	for (;;) {
		while (sem_wait(&ball) != 0)
			;
		gort_ready(g);
	}
	return NULL;
}

void start_ponger(void *g)
{
	pthread_t thread;
	sem_init(&ball, 0, 0);
	check_equal(pthread_create(&thread, NULL, ponger, g), 0);
}

void pong(void)
{
	sem_post(&ball);
}

void ready_many(void **gs, int n)
{
	for (int i = 0; i < n; i++)
		gort_ready(gs[i]);
}

void exit_from_c(int status)
{
	gort_exit(status);
}

void too_large_from_c(void)
{
	gort_makechan(8, SIZE_MAX / 8);
}

/* Nobody has started the runtime: what needs it does. */
C_CASE(a_stranger_starts_goroutines)
{
	static struct gort_waitgroup wg = {.state = (uint64_t)(1 + 100) << 32};
	gort_chan *c = gort_makechan(8, 3);
	gort_freechan(c);
	start_from_c(&wg, 100);
	while (__atomic_load_n(&wg.state, __ATOMIC_ACQUIRE) >> 32 != 1)
		;
	more_done(&wg);
	check_equal(wg.state, 0);
}

C_CASE(a_stranger_starts_timers)
{
	static struct gort_waitgroup wg = {.state = (uint64_t)100 << 32};
	timer_from_c(&wg);
	while (__atomic_load_n(&wg.state, __ATOMIC_ACQUIRE) != 0)
		;
}

// exit 5
C_CASE(a_stranger_ends_the_program)
{
	gort_exit(5);
}

#endif
