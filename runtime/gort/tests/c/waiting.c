/* WaitGroup, semaphores, sleeping, timers. */
#include "case.h"

#ifdef GORT_GO_TEXT

struct shared {
	struct gort_waitgroup wg;
	uint32_t sema;
	int64_t counter;
};

static void count(void *arg)
{
	struct shared *s = arg;
	for (int i = 0; i < 1000; i++) {
		gort_semacquire(&s->sema);
		int64_t was = s->counter;
		if (i % 100 == 0)
			gort_gosched();
		s->counter = was + 1;
		gort_semrelease(&s->sema);
	}
	gort_waitgroup_done(&s->wg);
}

CASE(a_semaphore_excludes)
{
	struct shared s = {.sema = 1};
	gort_waitgroup_add(&s.wg, 16);
	for (int i = 0; i < 16; i++)
		gort_go(count, &s);
	gort_waitgroup_wait(&s.wg);
	check_equal(s.counter, 16000);
}

static void done(void *wg)
{
	gort_waitgroup_done(wg);
}

struct waits {
	struct gort_waitgroup first, second;
};

static void wait_then_done(void *arg)
{
	struct waits *w = arg;
	gort_waitgroup_wait(&w->first);
	gort_waitgroup_done(&w->second);
}

CASE(many_wait_for_many)
{
	struct waits w = {0};
	for (int round = 0; round < 50; round++) {
		gort_waitgroup_add(&w.first, 20);
		gort_waitgroup_add(&w.second, 20);
		for (int i = 0; i < 20; i++) {
			gort_go(wait_then_done, &w);
			gort_go(done, &w.first);
		}
		gort_waitgroup_wait(&w.second);
	}
	gort_waitgroup_wait(&w.first);
}

// exit 2
// stderr panic: sync: negative WaitGroup counter
CASE(more_done_than_added)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_done(&wg);
}

struct sleeper {
	int64_t ns;
	int number;
	gort_chan *done;
};

static void sleeper(void *arg)
{
	struct sleeper *s = arg;
	int64_t before = gort_nanotime();
	gort_sleep(s->ns);
	check(gort_nanotime() - before >= s->ns);
	gort_chansend(s->done, &s->number);
}

// env GOMAXPROCS=1
CASE(sleepers_wake_in_order)
{
	enum { N = 10 };
	struct sleeper s[N];
	gort_chan *c = gort_makechan(sizeof(int), 0);
	for (int i = N - 1; i >= 0; i--) {
		s[i] = (struct sleeper){.ns = (i + 1) * 30000000LL, .number = i, .done = c};
		gort_go(sleeper, &s[i]);
	}
	for (int i = 0; i < N; i++) {
		int number;
		gort_chanrecv(c, &number);
		check_equal(number, i);
	}
	gort_sleep(0);
	gort_sleep(-5);
}

static void nap(void *arg)
{
	for (int i = 0; i < 20; i++)
		gort_sleep(100000 + i * 1000);
	gort_waitgroup_done(arg);
}

CASE(a_thousand_sleep)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 1000);
	for (int i = 0; i < 1000; i++)
		gort_go(nap, &wg);
	gort_waitgroup_wait(&wg);
}

static void expired(void *c)
{
	int64_t now = gort_nanotime();
	gort_chansend(c, &now);
}

CASE(timers)
{
	gort_chan *c = gort_makechan(8, 10);
	int64_t begin = gort_nanotime(), now;
	gort_timer *t = gort_timer_start(2000000, expired, c);
	gort_chanrecv(c, &now);
	check(now - begin >= 2000000);
	check(!gort_timer_stop(t));

	begin = gort_nanotime();
	check(!gort_timer_reset(t, 3000000));
	gort_chanrecv(c, &now);
	check(now - begin >= 3000000);

	check(!gort_timer_reset(t, 3600000000000LL));
	check(gort_timer_reset(t, 0));
	gort_chanrecv(c, &now);

	check(!gort_timer_reset(t, 3600000000000LL));
	check(gort_timer_stop(t));
	check(!gort_timer_stop(t));
	gort_timer_free(t);

	t = gort_timer_start(50000000, expired, c);
	gort_timer_free(t);
	gort_timer_free(NULL);
	gort_sleep(80000000);
	check_equal(gort_chanlen(c), 0);
}

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
CASE(nobody_is_left_when_timers_are_done)
{
	gort_chan *c = gort_makechan(8, 10);
	gort_timer_start(2000000, expired, c);
	gort_chanrecv(c, NULL);
	gort_chanrecv(c, NULL);
}

#endif
