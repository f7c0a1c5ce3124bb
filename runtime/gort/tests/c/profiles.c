/* Profiles of CPU time, with stacks through C and Go. */
#define _GNU_SOURCE
#include "case.h"

#include <signal.h>

void burn(int64_t ms);
void burn_above_go(int64_t ms);
void burn_with_broken_frames(int64_t ms);
void burn_on_a_thread(int64_t ms);
void profile(int64_t hz);
int64_t samples(void);
int64_t samples_with(const void *const *functions, int64_t n);
int64_t samples_on_threads(void);
void raise_prof(void);

/* Some of it, until there are samples enough to say something of them: the system takes few of who has to share his processor. */
enum { ENOUGH = 20 };
#define until_sampled(samples, some_work) \
	for (int n = 0; n < 20 && (samples) < ENOUGH; n++) some_work

#ifdef GORT_GO_TEXT

GORT_CCALL(burn);
GORT_CCALL(burn_above_go);
GORT_CCALL(burn_with_broken_frames);
GORT_CCALL(burn_on_a_thread);
GORT_CCALL(profile);
GORT_CCALL(samples);
GORT_CCALL(samples_with);
GORT_CCALL(samples_on_threads);
GORT_CCALL(raise_prof);

#define NOINLINE __attribute__((noinline))

static volatile int64_t work;

NOINLINE static void spend_in_go(void)
{
	for (int64_t i = 0; i < 400000000; i++)
		work += i;
}

NOINLINE static void spends_in_c(void)
{
	go_burn(300);
	work++;
}

NOINLINE static void calls_spends(void)
{
	spends_in_c();
	work++;
}

__attribute__((used)) NOINLINE static void go_back_in_go(int64_t ms)
{
	go_burn(ms);
	work++;
}
void back_in_go(int64_t ms);
GORT_EXPORT(back_in_go, go_back_in_go);

NOINLINE static void spends_further(void)
{
	go_burn_above_go(300);
	work++;
}

NOINLINE static void spends_broken(void)
{
	go_burn_with_broken_frames(300);
	work++;
}

/*
 * Many of the samples have these functions, innermost first: the watcher burns time, too. Most of it where it interrupts goroutines all the time, so in
 * these cases it doesn't.
 */
#define check_many(...) \
	do { \
		const void *functions[] = {__VA_ARGS__}; \
		int64_t all = go_samples(), with = go_samples_with(functions, sizeof functions / sizeof *functions); \
		check(all >= ENOUGH); \
		if (with * 3 < all) \
			go_fail_numbers(with, all, "samples", __FILE__, __LINE__); \
	} while (0)

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_of_go)
{
	go_profile(1000);
	until_sampled(go_samples(), spend_in_go());
	go_profile(0);
	check_many((const void *)spend_in_go);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_of_c_called_by_go)
{
	go_profile(1000);
	until_sampled(go_samples(), calls_spends());
	go_profile(0);
	check_many((const void *)spends_in_c, (const void *)calls_spends);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_through_callbacks)
{
	go_profile(1000);
	until_sampled(go_samples(), spends_further());
	go_profile(0);
	check_many((const void *)go_back_in_go, (const void *)spends_further);
}

/* Go's frames are found although C's can't be. */
// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_of_broken_frames)
{
	go_profile(1000);
	until_sampled(go_samples(), spends_broken());
	go_profile(0);
	check_many((const void *)spends_broken);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_of_a_thread_of_c)
{
	go_profile(1000);
	until_sampled(go_samples_on_threads(), go_burn_on_a_thread(300));
	go_profile(0);
	check(go_samples_on_threads() >= ENOUGH);
}

// stderr runtime: cannot set rate until previous profile has finished.
CASE(a_profile_ends_when_it_is_told)
{
	go_profile(1000);
	go_profile(2000);
	until_sampled(go_samples(), go_burn(100));
	go_profile(0);
	int64_t before = go_samples();
	check(before > 0);
	go_burn(50);
	go_raise_prof();
	check_equal(go_samples(), before);
}

static void stirs(void *group)
{
	for (int i = 0; i < 300; i++) {
		go_burn_above_go(0);
		gort_gosched();
		gort_sleep(1000);
	}
	gort_waitgroup_done(group);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_profile_of_everything_at_once)
{
	static struct gort_waitgroup group;
	go_profile(10000);
	gort_waitgroup_add(&group, 20);
	for (int i = 0; i < 20; i++)
		gort_go(stirs, &group);
	spend_in_go();
	gort_waitgroup_wait(&group);
	go_profile(0);
	check(go_samples() > 0);
}

#else

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

void back_in_go(int64_t ms);

enum { MOST = 20000, FRAMES = 24 };

static struct sample {
	int n, thread;
	uintptr_t pcs[FRAMES];
} taken[MOST];
static atomic_int count;

static void take(void *argument, const uintptr_t *pcs, int n)
{
	int i = count++;
	if (i >= MOST || argument != &count)
		return;
	taken[i].n = n < FRAMES ? n : FRAMES;
	taken[i].thread = gettid();
	for (int f = 0; f < taken[i].n; f++)
		taken[i].pcs[f] = pcs[f];
}

void profile(int64_t hz)
{
	gort_set_cpu_profile_rate((int)hz, take, &count);
}

int64_t samples(void)
{
	return count;
}

/* Of the cases' functions none has more bytes of code than this, and they are called from their middle. */
static bool lies_in(uintptr_t pc, const void *function)
{
	return pc > (uintptr_t)function && pc < (uintptr_t)function + 256;
}

int64_t samples_with(const void *const *functions, int64_t n)
{
	int64_t found = 0;
	for (int i = 0; i < count && i < MOST; i++) {
		int64_t next = 0;
		for (int f = 0; f < taken[i].n && next < n; f++)
			next += lies_in(taken[i].pcs[f], functions[next]);
		found += next == n;
	}
	return found;
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static volatile int64_t burnt;

__attribute__((noinline)) void burn(int64_t ms)
{
	for (int64_t end = now() + ms; now() < end;)
		for (int i = 0; i < 10000; i++)
			burnt += i;
}

__attribute__((noinline)) void burn_above_go(int64_t ms)
{
	back_in_go(ms);
	burnt++;
}

/* Whoever follows its frames gets to addresses that are none. */
void burn_with_broken_frames(int64_t ms)
{
	uintptr_t *frame = __builtin_frame_address(0), kept[2] = {frame[0], frame[1]};
	frame[0] = 0x10;
	frame[1] = 0x20;
	__asm__ volatile("" : : "r"(frame) : "memory");
	burn(ms);
	__asm__ volatile("" : : "r"(frame) : "memory");
	frame[0] = kept[0];
	frame[1] = kept[1];
	__asm__ volatile("" : : "r"(frame) : "memory");
}

static int thread_of_c;

static void *burns(void *ms)
{
	thread_of_c = gettid();
	burn(*(int64_t *)ms);
	return NULL;
}

void burn_on_a_thread(int64_t ms)
{
	pthread_t t;
	pthread_create(&t, NULL, burns, &ms);
	pthread_join(t, NULL);
}

int64_t samples_on_threads(void)
{
	int64_t found = 0;
	for (int i = 0; i < count && i < MOST; i++) {
		bool in_burns = false;
		for (int f = 0; f < taken[i].n; f++)
			in_burns |= lies_in(taken[i].pcs[f], burns);
		found += in_burns && taken[i].thread == thread_of_c;
	}
	return found;
}

void raise_prof(void)
{
	raise(SIGPROF);
}

C_CASE(a_profile_in_a_guest)
{
	profile(1000);
	until_sampled(samples(), back_in_go(200));
	profile(0);
	check(samples() >= ENOUGH);
	int before = count;
	burn(20);
	raise(SIGPROF);
	check_equal(count, before);
}

static atomic_int hosts;

static void on_prof(int number)
{
	hosts++;
}

/* What the host had for the signal it has again afterwards. */
C_CASE(a_profile_beside_the_hosts)
{
	signal(SIGPROF, on_prof);
	back_in_go(1);
	raise(SIGPROF);
	check_equal(hosts, 1);
	profile(1000);
	until_sampled(samples(), back_in_go(100));
	profile(0);
	check(samples() >= ENOUGH);
	check_equal(hosts, 1);
	raise(SIGPROF);
	check_equal(hosts, 2);
}

#endif
