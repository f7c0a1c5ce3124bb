/* Calls that are known, for a trace of them: compiled twice, like Go and like C. The first argument says which; see ../trace.rs. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gort.h"

int add(int a, int b);
double mean(double a, double b);
int64_t sum_of_eight(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h);
int quick(int a);
void sleep_ms(int ms);
bool sleep_beside(const int64_t *rounds, int ms);
int down(int depth);
int call_and_forget(void);
void on_a_thread(int n);
void by_address(void *place);
void kill_us(void);
const char *what_to_do(void);
void show_code(const void *stub, const void *entry);
void wrong(const char *what);

int up(int depth);
int64_t up_of_eight(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h);
int give_up(void);
int touch(int i);

#ifdef GORT_GO_TEXT

GORT_CCALL(add);
GORT_CCALL(mean);
GORT_CCALL_STACK(sum_of_eight, 16);
GORT_CCALL_NONBLOCKING(quick);
GORT_CCALL(sleep_ms);
GORT_CCALL(sleep_beside);
GORT_CCALL(down);
GORT_CCALL(call_and_forget);
GORT_CCALL(on_a_thread);
GORT_CCALL(kill_us);
GORT_CCALL(what_to_do);
GORT_CCALL(show_code);
GORT_CCALL(wrong);

#define check(condition) ((condition) ? (void)0 : go_wrong(#condition))

__attribute__((used)) static int go_up(int depth)
{
	return depth == 0 ? 0 : go_down(depth - 1);
}
GORT_EXPORT(up, go_up);

__attribute__((used)) static int64_t go_up_of_eight(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h)
{
	return a + b + c + d + e + f + g + 8 * h;
}
GORT_EXPORT_STACK(up_of_eight, go_up_of_eight, 16);

__attribute__((used)) static int go_give_up(void)
{
	gort_panic_string("given up");
}
GORT_EXPORT(give_up, go_give_up);

__attribute__((used)) static int go_touch(int i)
{
	return i + 1;
}
GORT_EXPORT(touch, go_touch);

extern void gort_ccall(void);

static void recover_it(void *unused)
{
	struct gort_value value;
	check(gort_recover(&value));
}

static int unwinds(void)
{
	struct gort_defer first;
	if (gort_defer_push(&first, recover_it, NULL))
		return gort_defer_return(&first), 1;
	go_call_and_forget();
	gort_defer_return(&first);
	return 0;
}

static void all_kinds(void)
{
	for (int i = 0; i < 100; i++)
		check(go_add(i, 2) == i + 2);
	check(go_mean(1, 2) == 1.5);
	check(go_sum_of_eight(1, 2, 3, 4, 5, 6, 7, 8) == 1 + 2 + 3 + 4 + 5 + 6 + 7 + 64);
	check(go_quick(20) == 21);
	check(go_down(3) == 6);
	check(unwinds() == 1);
	go_on_a_thread(5);
	int place = 1;
	check(gort_cgocall(by_address, &place) == 0 || true);
	check(place == 42);
}

static int64_t rounds;
static int over;

static void spins(void *unused)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
		gort_gosched();
	}
}

/* With one P: if somebody else runs while C sleeps, the P has been taken. A busy machine may need a few times for that. */
static void taken(void)
{
	gort_go(spins, NULL);
	gort_gosched();
	while (!go_sleep_beside(&rounds, 50))
		;
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	gort_gosched();
}

static void sleeps_long(void *unused)
{
	go_sleep_ms(100000);
}

static void many(void)
{
	for (int i = 0; i < 100000; i++)
		check(go_add(i, 2) == i + 2);
}

static bool is(const char *what, const char *name)
{
	while (*what && *what == *name)
		what++, name++;
	return *what == *name;
}

void main_goroutine(void *unused)
{
	const char *what = go_what_to_do();
	if (is(what, "kinds"))
		return all_kinds();
	if (is(what, "taken"))
		return taken();
	if (is(what, "many"))
		return many();
	if (is(what, "collects"))
		return gort_gc(), gort_gc();
	if (is(what, "code"))
		return go_show_code(go_add, gort_ccall);
	gort_go(sleeps_long, NULL);
	gort_sleep(20000000);
	go_add(1, 2);
	if (is(what, "unfinished"))
		return;
	if (is(what, "exits"))
		gort_exit(7);
	if (is(what, "panics"))
		gort_panic_string("the end");
	gort_sleep(300000000);
	go_kill_us();
}

#else

static const char *wish;

const char *what_to_do(void)
{
	return wish;
}

int add(int a, int b)
{
	return a + b;
}

double mean(double a, double b)
{
	return (a + b) / 2;
}

int64_t sum_of_eight(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h)
{
	return up_of_eight(a, b, c, d, e, f, g, h);
}

int quick(int a)
{
	return a + 1;
}

void sleep_ms(int ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

/* Whether the number has grown meanwhile. */
bool sleep_beside(const int64_t *rounds, int ms)
{
	int64_t before = __atomic_load_n(rounds, __ATOMIC_RELAXED);
	sleep_ms(ms);
	return __atomic_load_n(rounds, __ATOMIC_RELAXED) != before;
}

/* Twice as deep as it says, half of it in Go; the deeper the less it sleeps. */
int down(int depth)
{
	sleep_ms(2);
	return up(depth) + depth;
}

int call_and_forget(void)
{
	return give_up();
}

static void *thread_main(void *n)
{
	for (int i = 0; i < (int)(intptr_t)n; i++)
		if (touch(i) != i + 1)
			wrong("touch");
	return NULL;
}

void on_a_thread(int n)
{
	pthread_t thread;
	pthread_create(&thread, NULL, thread_main, (void *)(intptr_t)n);
	pthread_join(thread, NULL);
}

void by_address(void *place)
{
	*(int *)place = 42;
}

static void show(const unsigned char *bytes, int count)
{
	for (int i = 0; i < count; i++)
		printf("%02x%c", bytes[i], i + 1 < count ? ' ' : '\n');
}

void show_code(const void *stub, const void *entry)
{
	show(stub, 48);
	show(entry, 16);
	fflush(stdout);
}

void kill_us(void)
{
	kill(getpid(), SIGKILL);
}

void wrong(const char *what)
{
	fprintf(stderr, "not so: %s\n", what);
	_exit(3);
}

void main_goroutine(void *unused);

int main(int argc, char **argv)
{
	wish = argc > 1 ? argv[1] : "kinds";
	return gort_main(argc, argv, main_goroutine, NULL);
}

#endif
