/* Goroutines: starting, yielding, parking, their number, GOMAXPROCS. */
#include "case.h"

#ifdef GORT_GO_TEXT

static void done(void *wg)
{
	gort_waitgroup_done(wg);
}

CASE(main_returns)
{
}

// exit 7
CASE(exit_with_a_status)
{
	gort_exit(7);
}

static void for_ever(void *unused)
{
	for (;;)
		gort_gosched();
}

CASE(main_returns_while_others_run)
{
	for (int i = 0; i < 10; i++)
		gort_go(for_ever, NULL);
	gort_sleep(1000000);
}

CASE(a_hundred_thousand)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 100000);
	for (int i = 0; i < 100000; i++)
		gort_go(done, &wg);
	gort_waitgroup_wait(&wg);
	gort_gosched();
	/* The last of them may not be quite at its end. */
	for (int i = 0; i < 1000 && gort_numgoroutine() != 1; i++)
		gort_sleep(1000000);
	check_equal(gort_numgoroutine(), 1);
}

struct gate {
	gort_chan *open;
	struct gort_waitgroup wg;
	uint64_t sum;
};

static void behind_gate(void *arg)
{
	struct gate *gate = arg;
	gort_chanrecv(gate->open, NULL);
	__atomic_fetch_add(&gate->sum, 1, __ATOMIC_RELAXED);
	gort_waitgroup_done(&gate->wg);
}

static void many_parked(int n, uint64_t most_bytes)
{
	struct gate gate = {.open = gort_makechan(0, 0)};
	gort_waitgroup_add(&gate.wg, n);
	for (int i = 0; i < n; i++)
		gort_go(behind_gate, &gate);
	while (gort_numgoroutine() != n + 1)
		gort_gosched();
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	check((stats.stacks_inuse + stats.goroutines_inuse) / n <= most_bytes);
	gort_closechan(gate.open);
	gort_waitgroup_wait(&gate.wg);
	check_equal(gate.sum, n);
	gort_freechan(gate.open);
}

CASE(ten_thousand_parked)
{
	many_parked(10000, 2800);
}

// release
CASE(a_million_parked)
{
	many_parked(1000000, 2700);
}

static void tell_id(void *arg)
{
	uint64_t *id = arg;
	__atomic_store_n(id, gort_goid(), __ATOMIC_RELEASE);
}

CASE(numbers_of_goroutines)
{
	check_equal(gort_goid(), 1);
	uint64_t first = 0, second = 0;
	gort_go(tell_id, &first);
	while (__atomic_load_n(&first, __ATOMIC_ACQUIRE) == 0)
		gort_gosched();
	gort_go(tell_id, &second);
	while (__atomic_load_n(&second, __ATOMIC_ACQUIRE) == 0)
		gort_gosched();
	check(first > 1 && second > first);
}

static void count_turns(void *arg)
{
	volatile int64_t *turns = arg;
	for (;;) {
		++*turns;
		gort_gosched();
	}
}

// env GOMAXPROCS=1
CASE(yielding_is_fair)
{
	static volatile int64_t turns[16];
	for (int i = 0; i < 16; i++)
		gort_go(count_turns, (void *)&turns[i]);
	for (int i = 0; i < 2000; i++)
		gort_gosched();
	for (int i = 0; i < 16; i++)
		check(turns[i] >= 1990 && turns[i] <= 2010);
}

struct baton {
	void *waits;
	volatile int64_t passed;
};

static void take_baton(void *arg)
{
	struct baton *baton = arg;
	baton->passed = 1;
	gort_ready(baton->waits);
}

CASE(park_and_ready)
{
	for (int i = 0; i < 10000; i++) {
		struct baton baton = {.waits = gort_self()};
		gort_go(take_baton, &baton);
		while (!baton.passed)
			gort_park();
	}
}

CASE(ready_before_park_is_kept_once)
{
	gort_ready(gort_self());
	gort_ready(gort_self());
	gort_park();
	struct baton baton = {.waits = gort_self()};
	gort_go(take_baton, &baton);
	gort_park();
	check(baton.passed);
}

static void work(void *arg)
{
	struct gort_waitgroup *wg = arg;
	for (int i = 0; i < 200; i++) {
		gort_gosched();
		for (volatile int j = 0; j < 500; j++)
			;
	}
	gort_waitgroup_done(wg);
}

CASE(gomaxprocs_changes_while_others_run)
{
	struct gort_waitgroup wg = {0};
	int before = gort_gomaxprocs(0);
	check(before >= 1);
	gort_waitgroup_add(&wg, 64);
	for (int i = 0; i < 64; i++)
		gort_go(work, &wg);
	int last = before;
	for (int i = 0; i < 200; i++) {
		int next = 1 + i * 7 % 13;
		check_equal(gort_gomaxprocs(next), last);
		last = next;
		gort_gosched();
	}
	check_equal(gort_gomaxprocs(before), last);
	check_equal(gort_gomaxprocs(-1), before);
	gort_waitgroup_wait(&wg);
}

static void change_procs(void *arg)
{
	for (int i = 0; i < 50; i++)
		gort_gomaxprocs(1 + i % 5);
	gort_waitgroup_done(arg);
}

CASE(gomaxprocs_is_changed_by_many_at_once)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 8);
	for (int i = 0; i < 8; i++)
		gort_go(change_procs, &wg);
	gort_waitgroup_wait(&wg);
}

static void end_locked(void *arg)
{
	gort_lock_os_thread();
	gort_gosched();
	gort_waitgroup_done(arg);
}

static void end_locked_last(void *unused)
{
	gort_lock_os_thread();
	gort_sleep(3000000);
}

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
CASE(a_thread_ends_last)
{
	gort_go(end_locked_last, NULL);
	gort_chanrecv(NULL, NULL);
}

// exit 2
// stderr fatal error: no goroutines (main called runtime.Goexit) - deadlock!
CASE(main_ends_with_its_thread)
{
	gort_lock_os_thread();
	gort_goexit();
}

// exit 2
// stderr fatal error: no goroutines (main called runtime.Goexit) - deadlock!
CASE(main_ends_before_others)
{
	gort_go(end_locked_last, NULL);
	gort_lock_os_thread();
	gort_goexit();
}

/* The program ends as C's do: what was written is flushed, and who wanted to know is told, in Go if need be. */
void end_like_c(void);
void the_end_in_go(void);
GORT_CCALL(end_like_c);

__attribute__((used)) static void go_the_end_in_go(void)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 1);
	gort_go(done, &wg);
	gort_waitgroup_wait(&wg);
	go_say("Go knows that it ends");
}
GORT_EXPORT(the_end_in_go, go_the_end_in_go);

// stdout not flushed
// stdout Go knows that it ends
CASE(main_returns_as_in_c)
{
	go_end_like_c();
}

int64_t thread_number(void);
GORT_CCALL(thread_number);
int64_t process_number(void);
GORT_CCALL(process_number);

CASE(locked_to_its_thread)
{
	struct gort_waitgroup wg = {0};
	gort_lock_os_thread();
	int64_t thread = go_thread_number();
	check_equal(thread, go_process_number());
	for (int i = 0; i < 100; i++) {
		gort_waitgroup_add(&wg, 1);
		gort_go(end_locked, &wg);
		gort_waitgroup_wait(&wg);
		gort_sleep(1000);
		check_equal(go_thread_number(), thread);
	}
	gort_unlock_os_thread();
	gort_waitgroup_add(&wg, 1);
	gort_go(done, &wg);
	gort_waitgroup_wait(&wg);
}

#else

#include <sys/syscall.h>
#include <unistd.h>

int64_t thread_number(void)
{
	return syscall(SYS_gettid);
}

void the_end_in_go(void);

void end_like_c(void)
{
	printf("not flushed");
	atexit(the_end_in_go);
}

int64_t process_number(void)
{
	return getpid();
}

#endif
