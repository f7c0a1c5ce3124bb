/* Stacks that grow: deep recursion, and arguments and results that cross from segment to segment. */
#include "case.h"

#ifdef GORT_GO_TEXT

#define NOINLINE __attribute__((noinline))

struct three {
	int64_t a, b, c;
};

struct wide {
	int64_t words[25];
};

struct mixed {
	int64_t whole;
	double part;
};

/* How far the recursion is to go before `function` is called. */
struct descent {
	int depth;
	void (*function)(void *);
	void *arg;
};

NOINLINE static int descend(const struct descent *d, int depth)
{
	if (depth == 0) {
		d->function(d->arg);
		return 0;
	}
	return descend(d, depth - 1) + 1;
}

/* Frames that differ by 16 bytes. */
#define SHIFTED(bytes) \
	NOINLINE static void shifted_by_##bytes(void *d) \
	{ \
		char room[bytes]; \
		room[0] = bytes; \
		__asm__ volatile("" : : "r"(room) : "memory"); \
		((struct descent *)d)->function(((struct descent *)d)->arg); \
		__asm__ volatile("" : : "r"(room) : "memory"); \
		check_equal(room[0], bytes); \
	}
SHIFTED(16)
SHIFTED(32)
SHIFTED(48)
SHIFTED(64)
static void (*const shifted[])(void *) = {shifted_by_16, shifted_by_32, shifted_by_48, shifted_by_64};

/* Calls the function below so many frames that wherever a segment ends, some calls end there. */
static void at_every_depth(void (*function)(void *), void *arg)
{
	for (int depth = 0; depth < 150; depth++) {
		struct descent inner = {.function = function, .arg = arg};
		for (int i = 0; i < 4; i++) {
			struct descent d = {.function = shifted[i], .arg = &inner};
			check_equal(descend(&d, depth), depth);
		}
	}
}

NOINLINE static int64_t on_stack(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, int64_t i, int64_t j)
{
	volatile int64_t local[40] = {a};
	local[39] = j;
	return local[0] + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h + 19 * i + 23 * local[39];
}

NOINLINE static double doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j)
{
	volatile double local[8] = {a};
	return local[0] + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h + 19 * i + 23 * j;
}

NOINLINE static int64_t by_value(struct three t, struct wide w, struct mixed m, int64_t last)
{
	int64_t sum = t.a + 2 * t.b + 3 * t.c + m.whole + (int64_t)m.part + last;
	for (int i = 0; i < 25; i++)
		sum += w.words[i] * i;
	/* Its own arguments are a function's to change: nobody else may see it. */
	w.words[0] = sum;
	t.a = -1;
	return w.words[0] + t.a;
}

NOINLINE static struct wide large_result(int64_t x)
{
	struct wide w;
	for (int i = 0; i < 25; i++)
		w.words[i] = x + i;
	return w;
}

NOINLINE static struct mixed in_two_registers(int64_t x, double y)
{
	volatile int64_t local[20] = {x};
	return (struct mixed){.whole = local[0] + 1, .part = y * 2};
}

struct two_doubles {
	double a, b;
};

NOINLINE static struct two_doubles in_two_vectors(double a, double b)
{
	volatile double local[30] = {a};
	return (struct two_doubles){b, local[0]};
}

NOINLINE static long double in_x87(long double x)
{
	volatile long double local[10] = {x};
	return local[0] * 3;
}

NOINLINE static __int128 in_128_bits(__int128 x, int64_t y)
{
	volatile int64_t local[10] = {y};
	return x * 5 + local[0];
}

NOINLINE static int small_and_many(char a, short b, bool c, float d, char e, short f, bool g, float h, char i, short j, unsigned char k)
{
	volatile char local[260] = {a};
	return local[0] + b * 2 + c * 3 + (int)(d * 4) + e * 5 + f * 6 + g * 7 + (int)(h * 8) + i * 9 + j * 10 + k * 11;
}

static void all_kinds(void *unused)
{
	check_equal(on_stack(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 1 + 4 + 9 + 20 + 35 + 66 + 91 + 136 + 171 + 230);
	check(doubles(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 1 + 4 + 9 + 20 + 35 + 66 + 91 + 136 + 171 + 230);
	struct three t = {100, 200, 300};
	struct wide w;
	for (int i = 0; i < 25; i++)
		w.words[i] = i;
	struct mixed m = {7, 8.5};
	check_equal(by_value(t, w, m, 9), 100 + 400 + 900 + 7 + 8 + 9 + 4900 - 1);
	check_equal(w.words[0], 0);
	check_equal(t.a, 100);
	struct wide r = large_result(1000);
	for (int i = 0; i < 25; i++)
		check_equal(r.words[i], 1000 + i);
	m = in_two_registers(41, 1.25);
	check(m.whole == 42 && m.part == 2.5);
	struct two_doubles d = in_two_vectors(1.5, 2.5);
	check(d.a == 2.5 && d.b == 1.5);
	check(in_x87(1.25L) == 3.75L);
	check(in_128_bits((__int128)1 << 100, 7) == ((__int128)5 << 100) + 7);
	check_equal(small_and_many(1, -2, true, 2.5f, 3, -4, true, 0.5f, 5, 6, 250), 1 - 4 + 3 + 10 + 15 - 24 + 7 + 4 + 45 + 60 + 2750);
}

CASE(arguments_and_results_across_segments)
{
	at_every_depth(all_kinds, NULL);
}

static void on_other_stacks(void *wg)
{
	at_every_depth(all_kinds, NULL);
	gort_waitgroup_done(wg);
}

CASE(arguments_and_results_across_segments_of_many)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		gort_go(on_other_stacks, &wg);
	gort_waitgroup_wait(&wg);
}

NOINLINE static int64_t deep(int64_t depth)
{
	volatile char local[1000];
	local[0] = local[999] = (char)depth;
	if (depth == 0)
		return 0;
	int64_t below = deep(depth - 1);
	check(local[0] == (char)depth && local[999] == (char)depth);
	return below + 1;
}

CASE(a_gigabyte_deep)
{
	check_equal(deep(930000), 930000);
	check_equal(deep(930000), 930000);
}

struct job {
	int64_t depth;
	struct gort_waitgroup *wg;
};

NOINLINE static int64_t deep_and_yielding(int64_t depth)
{
	volatile char local[200];
	local[100] = (char)depth;
	if (depth % 50 == 0)
		gort_gosched();
	if (depth == 0)
		return 0;
	int64_t below = deep_and_yielding(depth - 1);
	check(local[100] == (char)depth);
	return below + 1;
}

static void job(void *arg)
{
	struct job *job = arg;
	for (int i = 0; i < 5; i++)
		check_equal(deep_and_yielding(job->depth), job->depth);
	gort_waitgroup_done(job->wg);
}

CASE(many_grow_and_yield)
{
	struct gort_waitgroup wg = {0};
	static struct job jobs[200];
	gort_waitgroup_add(&wg, 200);
	for (int i = 0; i < 200; i++) {
		jobs[i] = (struct job){.depth = 10 * i, .wg = &wg};
		gort_go(job, &jobs[i]);
	}
	gort_waitgroup_wait(&wg);
}

NOINLINE static int64_t without_end(int64_t depth)
{
	volatile char local[60000];
	local[0] = (char)depth;
	return depth == INT64_MAX ? 0 : without_end(depth + 1) + local[0];
}

// exit 2
// stderr runtime: goroutine stack exceeds 1000000000-byte limit
// stderr fatal error: stack overflow
// stderr goroutine 1 [running]:
CASE(without_end)
{
	without_end(0);
}

static void frame_of_two_megabytes(void *unused)
{
	volatile char local[2 << 20];
	for (size_t i = 0; i < sizeof local; i += 1000)
		local[i] = (char)i;
	for (size_t i = 0; i < sizeof local; i += 1000)
		check(local[i] == (char)i);
}

CASE(a_frame_larger_than_a_segment)
{
	for (int i = 0; i < 10; i++)
		frame_of_two_megabytes(NULL);
	struct descent d = {.function = frame_of_two_megabytes};
	check_equal(descend(&d, 50), 50);
}

/*
 * The runtime's functions need what there is below the limit, not more. Functions with frames of less than 256 bytes compare the stack pointer as it
 * is when they are called, so these begin at the limit, and end far below.
 */
#define AT_THE_LIMIT(name, ...) \
	NOINLINE static void name##_at_the_limit(gort_chan *c) \
	{ \
		int64_t room[24]; \
		room[0] = room[23] = (intptr_t)c; \
		__asm__ volatile("" : : "r"(room) : "memory"); \
		__VA_ARGS__; \
		__asm__ volatile("" : : "r"(room) : "memory"); \
		check(room[0] == (intptr_t)c && room[23] == (intptr_t)c); \
	}

static int64_t five = 5, got;
static bool received;
static struct gort_case cases[2];
static struct gort_waitgroup group;
static uint32_t semaphore;

int c_function(int x);
GORT_CCALL(c_function);

AT_THE_LIMIT(chansend, gort_chansend(c, &five))
AT_THE_LIMIT(chanrecv, gort_chanrecv(c, &got))
AT_THE_LIMIT(try_send, gort_try_send(c, &five))
AT_THE_LIMIT(try_recv, gort_try_recv(c, &got, &received))
AT_THE_LIMIT(select_default, gort_select(cases, 2, true, &received))
AT_THE_LIMIT(gosched, gort_gosched())
AT_THE_LIMIT(add, gort_waitgroup_add(&group, 1))
AT_THE_LIMIT(done, gort_waitgroup_done(&group))
AT_THE_LIMIT(wait, gort_waitgroup_wait(&group))
AT_THE_LIMIT(acquire, gort_semacquire(&semaphore))
AT_THE_LIMIT(release, gort_semrelease(&semaphore))
AT_THE_LIMIT(ready, gort_ready(gort_self()))
AT_THE_LIMIT(park, gort_park())
AT_THE_LIMIT(nanotime, check(gort_nanotime() > 0))
AT_THE_LIMIT(chan, gort_freechan(gort_makechan(4, 4)))
AT_THE_LIMIT(sleep, gort_sleep(0))
AT_THE_LIMIT(timer, gort_timer_free(gort_timer_start(1000000000, NULL, NULL)))
AT_THE_LIMIT(gomaxprocs, gort_gomaxprocs(0))
AT_THE_LIMIT(close, gort_close(-1))
AT_THE_LIMIT(read, gort_read(-1, &got, 8))
AT_THE_LIMIT(ccall, check_equal(go_c_function(1), 2))
AT_THE_LIMIT(syscall, gort_entersyscall(); gort_exitsyscall())

static void (*const at_the_limit[])(gort_chan *) = {
	try_send_at_the_limit, try_recv_at_the_limit, chansend_at_the_limit, select_default_at_the_limit, chansend_at_the_limit,
	chanrecv_at_the_limit, gosched_at_the_limit, add_at_the_limit, done_at_the_limit, wait_at_the_limit, release_at_the_limit,
	acquire_at_the_limit, ready_at_the_limit, park_at_the_limit, nanotime_at_the_limit, chan_at_the_limit, sleep_at_the_limit,
	timer_at_the_limit, gomaxprocs_at_the_limit, close_at_the_limit, read_at_the_limit, ccall_at_the_limit, syscall_at_the_limit,
};

static void use_the_runtime(void *arg)
{
	cases[0] = (struct gort_case){.c = arg, .elem = &got, .dir = GORT_RECV};
	for (size_t i = 0; i < sizeof at_the_limit / sizeof *at_the_limit; i++)
		at_the_limit[i](arg);
}

CASE(the_runtime_is_called_at_every_depth)
{
	gort_chan *c = gort_makechan(8, 1);
	at_every_depth(use_the_runtime, c);
}

static void deep_once(void *wg)
{
	deep(20000);
	gort_waitgroup_done(wg);
}

CASE(what_has_grown_is_given_back)
{
	struct gort_memstats before, after;
	for (int i = 0; i < 50; i++) {
		struct gort_waitgroup wg = {0};
		gort_waitgroup_add(&wg, 1);
		gort_go(deep_once, &wg);
		gort_waitgroup_wait(&wg);
		while (gort_numgoroutine() != 1)
			gort_gosched();
		gort_read_memstats(i < 5 ? &before : &after);
	}
	check(after.stacks_inuse <= before.stacks_inuse + (1 << 20));
	check(after.stacks_inuse < 60 << 20);
}

#else

int c_function(int x)
{
	return x + 1;
}

#endif
