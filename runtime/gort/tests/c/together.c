/* Everything at once, for a while. */
#include "case.h"

int64_t there_and_back(int64_t depth);
int64_t back_and_there(int64_t depth);
int64_t started_in_go(int64_t x);
void start_strangers(int threads);
int64_t join_strangers(void);
void start_one_in_c(void *wg);
extern void (*const one_is_done)(void *);

#ifdef GORT_GO_TEXT

GORT_CCALL(there_and_back);
GORT_CCALL(start_strangers);
GORT_CCALL(join_strangers);
GORT_CCALL(start_one_in_c);

#define NOINLINE __attribute__((noinline))

static volatile bool over;
static struct gort_waitgroup all;
static int64_t rounds[8];

static void ended(int kind, int64_t n)
{
	__atomic_fetch_add(&rounds[kind], n, __ATOMIC_RELAXED);
	gort_waitgroup_done(&all);
}

NOINLINE static int64_t deep(int64_t depth)
{
	volatile int64_t local[20];
	local[0] = depth;
	if (depth == 0)
		return 0;
	if (depth % 64 == 0)
		gort_gosched();
	int64_t sum = deep(depth - 1) + 1;
	check_equal(local[0], depth);
	return sum;
}

static void growers(void *unused)
{
	int64_t n = 0;
	for (; !over; n++)
		check_equal(deep(n * 37 % 2000), n * 37 % 2000);
	ended(0, n);
}

__attribute__((used)) static int64_t go_back_and_there(int64_t depth)
{
	deep(depth * 5);
	return depth == 0 ? 0 : go_there_and_back(depth - 1) + 1;
}
GORT_EXPORT(back_and_there, go_back_and_there);

static void callers(void *unused)
{
	int64_t n = 0;
	for (; !over; n++)
		check_equal(go_there_and_back(n % 20), n % 20);
	ended(1, n);
}

static void echo(void *arg)
{
	gort_chan **c = arg;
	int64_t x;
	while (gort_chanrecv(c[0], &x))
		gort_chansend(c[1], &x);
	gort_closechan(c[1]);
}

static void talkers(void *unused)
{
	int64_t n = 0, x;
	gort_chan *c[2] = {gort_makechan(8, 0), gort_makechan(8, 1)};
	gort_go(echo, c);
	for (; !over; n++) {
		gort_chansend(c[0], &n);
		check(gort_chanrecv(c[1], &x));
		check_equal(x, n);
	}
	gort_closechan(c[0]);
	check(!gort_chanrecv(c[1], NULL));
	ended(2, n);
}

static void sleepers(void *unused)
{
	int64_t n = 0;
	for (; !over; n++)
		gort_sleep(n * 1000 % 300000);
	ended(3, n);
}

static void done(void *wg)
{
	gort_waitgroup_done(wg);
}
void (*const one_is_done)(void *) = done;

static void starters(void *unused)
{
	int64_t n = 0;
	for (; !over; n++) {
		struct gort_waitgroup wg = {0};
		gort_waitgroup_add(&wg, 3);
		gort_go(done, &wg);
		go_start_one_in_c(&wg);
		gort_timer *t = gort_timer_start(n % 50000, done, &wg);
		gort_waitgroup_wait(&wg);
		gort_timer_free(t);
	}
	ended(4, n);
}

static void spinners(void *unused)
{
	volatile int64_t n = 0;
	while (!over)
		n++;
	ended(5, 1);
}

static void stoppers(void *unused)
{
	int64_t n = 0;
	for (; !over; n++) {
		gort_gomaxprocs(1 + n % 5);
		gort_sleep(500000);
	}
	ended(6, n);
}

static void locked(void *unused)
{
	int64_t n = 0;
	for (; !over; n++) {
		gort_lock_os_thread();
		gort_gosched();
		check_equal(go_there_and_back(3), 3);
		gort_unlock_os_thread();
		gort_gosched();
	}
	ended(7, n);
}

__attribute__((used)) static int64_t go_started_in_go(int64_t x)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 1);
	gort_go(done, &wg);
	gort_waitgroup_wait(&wg);
	return over ? -1 : deep(x % 500);
}
GORT_EXPORT(started_in_go, go_started_in_go);

static void (*const kinds[])(void *) = {growers, callers, talkers, sleepers, starters, spinners, stoppers, locked};

static void everything(int64_t ns)
{
	go_start_strangers(4);
	for (int i = 0; i < 8; i++) {
		int n = i == 5 || i == 6 ? 1 : 4;
		gort_waitgroup_add(&all, n);
		for (int j = 0; j < n; j++)
			gort_go(kinds[i], NULL);
	}
	gort_sleep(ns);
	over = true;
	gort_waitgroup_wait(&all);
	for (int i = 0; i < 8; i++)
		check(rounds[i] > 0);
	check(go_join_strangers() > 0);
}

CASE(everything_at_once)
{
	everything(1500000000);
}

// env GORT_DEBUG=nomembarrier
CASE(everything_at_once_without_membarrier)
{
	everything(700000000);
}

#else

#include <pthread.h>

int64_t there_and_back(int64_t depth)
{
	return depth == 0 ? 0 : back_and_there(depth - 1) + 1;
}

void start_one_in_c(void *wg)
{
	gort_go(one_is_done, wg);
}

static pthread_t strangers[16];
static int count;
static int64_t calls;

static void *stranger(void *unused)
{
	for (int64_t n = 0;; n++) {
		int64_t got = started_in_go(n);
		if (got < 0)
			return unused;
		check_equal(got, n % 500);
		__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	}
}

void start_strangers(int threads)
{
	for (count = 0; count < threads; count++)
		check_equal(pthread_create(&strangers[count], NULL, stranger, NULL), 0);
}

int64_t join_strangers(void)
{
	while (count > 0)
		pthread_join(strangers[--count], NULL);
	return calls;
}

#endif
