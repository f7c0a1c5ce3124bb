/* Channels and select. */
#include "case.h"

#ifdef GORT_GO_TEXT

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
// stderr goroutine 1 [chan receive (nil chan)]:
CASE(a_nil_channel_receives_nothing_for_ever)
{
	gort_chanrecv(NULL, NULL);
}

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
// stderr goroutine 1 [chan send (nil chan)]:
CASE(a_nil_channel_sends_nothing_for_ever)
{
	int x = 0;
	gort_chansend(NULL, &x);
}

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
// stderr goroutine 1 [select (no cases)]:
CASE(a_select_without_cases)
{
	gort_select(NULL, 0, false, NULL);
}

static void receive_for_ever(void *c)
{
	gort_chanrecv(c, NULL);
}

// exit 2
// stderr fatal error: all goroutines are asleep - deadlock!
// stderr goroutine 1 [chan receive]:
// stderr [chan send]:
CASE(a_deadlock_of_many)
{
	gort_chan *a = gort_makechan(8, 0);
	for (int i = 0; i < 100; i++)
		gort_go(receive_for_ever, a);
	gort_chan *b = gort_makechan(8, 0);
	for (int i = 0; i < 100; i++) {
		gort_chansend(a, &(int64_t){i});
	}
	/* A hundred got theirs and ended; who sends now waits for ever. */
	extern void send_for_ever(void *);
	gort_go(send_for_ever, b);
	gort_chanrecv(gort_makechan(0, 0), NULL);
}

void send_for_ever(void *c)
{
	gort_chansend(c, &(int64_t){1});
}

static void send_numbers(void *arg)
{
	for (int64_t i = 0; i < 1000; i++)
		gort_chansend(arg, &i);
	gort_closechan(arg);
}

static void in_order(size_t cap)
{
	gort_chan *c = gort_makechan(8, cap);
	gort_go(send_numbers, c);
	int64_t got, want = 0;
	while (gort_chanrecv(c, &got))
		check_equal(got, want++);
	check_equal(want, 1000);
	check_equal(got, 0);
	check(!gort_chanrecv(c, NULL));
	gort_freechan(c);
}

CASE(values_come_in_order)
{
	for (int round = 0; round < 20; round++) {
		in_order(0);
		in_order(1);
		in_order(3);
		in_order(2000);
	}
}

struct wide {
	int64_t words[41];
};

static void send_wide(void *arg)
{
	struct wide wide;
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < 41; j++)
			wide.words[j] = i * j;
		gort_chansend(arg, &wide);
	}
}

CASE(elements_of_many_words)
{
	gort_chan *c = gort_makechan(sizeof(struct wide), 5);
	gort_go(send_wide, c);
	for (int i = 0; i < 100; i++) {
		struct wide wide;
		check(gort_chanrecv(c, &wide));
		for (int j = 0; j < 41; j++)
			check_equal(wide.words[j], i * j);
	}
}

CASE(without_waiting)
{
	gort_chan *c = gort_makechan(4, 2);
	int32_t x = 5, y = 0;
	bool received = true;
	check(!gort_try_recv(c, &y, &received));
	check(received);
	check(gort_try_send(c, &x));
	x = 6;
	check(gort_try_send(c, &x));
	check(!gort_try_send(c, &x));
	check_equal(gort_chanlen(c), 2);
	check_equal(gort_chancap(c), 2);
	check(gort_try_recv(c, &y, NULL));
	check_equal(y, 5);
	gort_closechan(c);
	check(gort_try_recv(c, &y, &received));
	check(received);
	check_equal(y, 6);
	check(gort_try_recv(c, &y, &received));
	check(!received);
	check_equal(y, 0);
	check(!gort_try_recv(NULL, &y, NULL));
	check(!gort_try_send(NULL, &y));
	check_equal(gort_chanlen(NULL), 0);
	check_equal(gort_chancap(NULL), 0);
	gort_freechan(c);
}

// exit 2
// stderr panic: send on closed channel
CASE(sending_on_a_closed_channel)
{
	gort_chan *c = gort_makechan(4, 2);
	gort_closechan(c);
	gort_chansend(c, &(int32_t){1});
}

// exit 2
// stderr panic: send on closed channel
CASE(trying_to_send_on_a_closed_channel)
{
	gort_chan *c = gort_makechan(4, 2);
	gort_closechan(c);
	gort_try_send(c, &(int32_t){1});
}

static void close_soon(void *c)
{
	gort_sleep(1000000);
	gort_closechan(c);
}

// exit 2
// stderr panic: send on closed channel
CASE(a_close_wakes_who_sends)
{
	gort_chan *c = gort_makechan(4, 0);
	gort_go(close_soon, c);
	gort_chansend(c, &(int32_t){1});
}

// exit 2
// stderr panic: send on closed channel
CASE(selecting_to_send_on_a_closed_channel)
{
	gort_chan *c = gort_makechan(4, 0);
	int32_t x = 1;
	struct gort_case cases[] = {{.c = NULL, .dir = GORT_RECV}, {.c = c, .elem = &x, .dir = GORT_SEND}};
	gort_go(close_soon, c);
	gort_select(cases, 2, false, NULL);
}

// exit 2
// stderr panic: close of closed channel
CASE(closing_twice)
{
	gort_chan *c = gort_makechan(4, 0);
	gort_closechan(c);
	gort_closechan(c);
}

// exit 2
// stderr panic: close of nil channel
CASE(closing_nil)
{
	gort_closechan(NULL);
}

// exit 2
// stderr panic: makechan: size out of range
CASE(too_large_a_channel)
{
	gort_makechan(8, SIZE_MAX / 8);
}

CASE(a_close_wakes_who_receives)
{
	gort_chan *c = gort_makechan(4, 0);
	gort_go(close_soon, c);
	int32_t x = 1;
	check(!gort_chanrecv(c, &x));
	check_equal(x, 0);
}

CASE(select_with_a_default)
{
	gort_chan *c = gort_makechan(4, 1);
	int32_t x = 1;
	bool received = true;
	struct gort_case cases[] = {
		{.c = NULL, .elem = &x, .dir = GORT_RECV},
		{.c = c, .elem = &x, .dir = GORT_RECV},
	};
	check_equal(gort_select(cases, 2, true, &received), -1);
	check(received);
	check_equal(gort_select(NULL, 0, true, NULL), -1);
	gort_chansend(c, &(int32_t){9});
	check_equal(gort_select(cases, 2, true, &received), 1);
	check(received);
	check_equal(x, 9);
	gort_closechan(c);
	check_equal(gort_select(cases, 2, true, &received), 1);
	check(!received);
	check_equal(x, 0);
}

CASE(select_is_fair)
{
	enum { N = 5 };
	gort_chan *c[N];
	struct gort_case cases[N];
	int taken[N] = {0};
	int32_t x;
	for (int i = 0; i < N; i++) {
		c[i] = gort_makechan(4, 1);
		gort_chansend(c[i], &(int32_t){i});
		cases[i] = (struct gort_case){.c = c[i], .elem = &x, .dir = GORT_RECV};
	}
	for (int i = 0; i < 10000; i++) {
		bool received = false;
		int chosen = gort_select(cases, N, false, &received);
		check(chosen >= 0 && chosen < N && received);
		check_equal(x, chosen);
		taken[chosen]++;
		gort_chansend(c[chosen], &x);
	}
	/* The standard deviation is 40. */
	for (int i = 0; i < N; i++)
		check(taken[i] > 1760 && taken[i] < 2240);
}

struct echo {
	gort_chan *in, *out, *quit;
	struct gort_waitgroup wg;
};

static void echo(void *arg)
{
	struct echo *e = arg;
	int64_t x = 0;
	for (;;) {
		struct gort_case in[] = {
			{.c = e->in, .elem = &x, .dir = GORT_RECV},
			{.c = e->quit, .dir = GORT_RECV},
		};
		if (gort_select(in, 2, false, NULL) == 1)
			break;
		struct gort_case out[] = {
			{.c = e->quit, .dir = GORT_RECV},
			{.c = e->out, .elem = &x, .dir = GORT_SEND},
			{.c = NULL, .dir = GORT_SEND},
		};
		if (gort_select(out, 3, false, NULL) == 0)
			break;
	}
	gort_waitgroup_done(&e->wg);
}

static void feed(void *arg)
{
	struct echo *e = arg;
	for (int64_t i = 1; i <= 1000; i++)
		gort_chansend(e->in, &i);
	gort_waitgroup_done(&e->wg);
}

CASE(selects_meet_selects)
{
	struct echo e = {.in = gort_makechan(8, 0), .out = gort_makechan(8, 0), .quit = gort_makechan(0, 0)};
	gort_waitgroup_add(&e.wg, 12);
	for (int i = 0; i < 8; i++)
		gort_go(echo, &e);
	for (int i = 0; i < 4; i++)
		gort_go(feed, &e);
	int64_t sum = 0, x;
	for (int i = 0; i < 4000; i++) {
		struct gort_case c = {.c = e.out, .elem = &x, .dir = GORT_RECV};
		bool received = false;
		check_equal(gort_select(&c, 1, false, &received), 0);
		check(received);
		sum += x;
	}
	check_equal(sum, 4 * 500500);
	gort_closechan(e.quit);
	gort_waitgroup_wait(&e.wg);
}

static void send_last(void *c)
{
	gort_sleep(1000000);
	gort_chansend(c, &(int32_t){77});
}

/* More cases than a select has room for on the goroutine's stack. */
CASE(a_select_of_many_cases)
{
	enum { N = 3000 };
	static struct gort_case cases[N];
	int32_t x = 0;
	for (int i = 0; i < N; i++)
		cases[i] = (struct gort_case){.c = gort_makechan(4, 0), .elem = &x, .dir = GORT_RECV};
	check_equal(gort_select(cases, N, true, NULL), -1);
	for (int i = 0; i < 10; i++) {
		int last = (i * 997 + 64) % N;
		gort_go(send_last, cases[last].c);
		check_equal(gort_select(cases, N, false, NULL), last);
		check_equal(x, 77);
	}
}

#endif
