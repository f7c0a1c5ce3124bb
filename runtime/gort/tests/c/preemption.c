/* Goroutines that don't give way are made to; threads that are in C, or in system calls, don't hold up the others. */
#include "case.h"

void nap(int64_t us);
/* Spins until *counter has reached that, or for very long; what it is. */
int64_t spin(volatile int64_t *counter, int64_t until);
double in_c(double x, double y);
double churn_in_go(int64_t seed);
void churn_on_threads(void);
void meet(volatile int64_t *mine, volatile int64_t *other);

#ifdef GORT_GO_TEXT

GORT_CCALL(nap);
GORT_CCALL(spin);
GORT_CCALL(in_c);
GORT_CCALL(churn_on_threads);

#define NOINLINE __attribute__((noinline))

static volatile int64_t counter;

static void tight(void *unused)
{
	for (;;)
		counter++;
}

/* Lets the others run, which don't come back by themselves. */
static void come_back(void)
{
	for (int i = 0; i < 5; i++) {
		int64_t before = counter;
		while (counter == before)
			gort_gosched();
	}
}

// env GOMAXPROCS=1
CASE(a_loop_without_calls_is_preempted)
{
	gort_go(tight, NULL);
	come_back();
}

NOINLINE static void step(void)
{
	volatile char local[300];
	local[0] = 1;
	counter += local[0];
}

static void with_calls(void *unused)
{
	for (;;)
		step();
}

// env GOMAXPROCS=1
CASE(a_loop_with_calls_is_preempted)
{
	gort_go(with_calls, NULL);
	come_back();
}

static void runtime_only(void *arg)
{
	gort_chan *c = arg;
	for (;;) {
		gort_try_recv(c, NULL, NULL);
		counter++;
	}
}

// env GOMAXPROCS=1
CASE(a_loop_of_operations_is_preempted)
{
	gort_go(runtime_only, gort_makechan(4, 4));
	come_back();
}

static void c_only(void *unused)
{
	for (;;)
		counter += (int64_t)go_in_c(1, 0);
}

// env GOMAXPROCS=1
CASE(a_loop_of_calls_to_c_is_preempted)
{
	gort_go(c_only, NULL);
	come_back();
}

/* Keeps many registers of all kinds in use, and the red zone: whatever preemption loses shows in the result. */
NOINLINE static double churn(uint64_t seed)
{
	uint64_t a = seed, b = seed * 3, c = ~seed, d = seed << 7, e = seed ^ 0x5555, f = seed + 99;
	double u = 1.0, v = 0.5, w = 0.25, x = 3.0, y = 7.0, z = 0.125;
	float s[16];
	for (int i = 0; i < 16; i++)
		s[i] = (float)i;
	for (int i = 0; i < 1500000; i++) {
		a = a * 6364136223846793005u + b;
		b ^= a >> 29;
		c += b * 31;
		d = (d << 5 | d >> 59) ^ c;
		e -= d;
		f = f * 7 + (e > f);
		u = u * 0.999 + v;
		v = v * 0.5 + w * 0.25;
		w = w * 0.75 + x * 0.125;
		x = x * 0.5 + (double)(a & 15);
		y = y * 0.25 + u;
		z += y * 0.001;
		for (int j = 0; j < 16; j++)
			s[j] = s[j] * 0.5f + (float)j;
	}
	double sum = u + v + w + x + y + z + (double)((a ^ b ^ c ^ d ^ e ^ f) & 0xffff);
	for (int i = 0; i < 16; i++)
		sum += s[i];
	return sum;
}

struct churner {
	struct gort_waitgroup *wg;
	uint64_t seed;
	double result;
};

static void churner(void *arg)
{
	struct churner *c = arg;
	c->result = churn(c->seed);
	gort_waitgroup_done(c->wg);
}

static void churn_all(void)
{
	enum { N = 12 };
	struct churner all[N];
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, N);
	for (int i = 0; i < N; i++) {
		all[i] = (struct churner){.wg = &wg, .seed = i % 3};
		gort_go(churner, &all[i]);
	}
	gort_waitgroup_wait(&wg);
	for (int i = 0; i < N; i++)
		check(all[i].result == all[i % 3].result);
	check(all[0].result == churn(0));
}

// env GOMAXPROCS=1
CASE(preemption_keeps_all_registers)
{
	churn_all();
}

CASE(preemption_keeps_all_registers_across_threads)
{
	gort_gomaxprocs(4);
	churn_all();
}

__attribute__((used)) static double go_churn_in_go(int64_t seed)
{
	return churn((uint64_t)seed);
}
GORT_EXPORT(churn_in_go, go_churn_in_go);

/* Neither returns before both have run. */
__attribute__((used)) static void go_meet(volatile int64_t *mine, volatile int64_t *other)
{
	for (*mine = 1; *other == 0;)
		;
}
GORT_EXPORT(meet, go_meet);

// env GOMAXPROCS=1
CASE(callbacks_are_preempted)
{
	go_churn_on_threads();
}

static void stop_the_world(void *arg)
{
	for (int i = 0; i < 100; i++)
		gort_gomaxprocs(2 + i % 3);
	gort_waitgroup_done(arg);
}

CASE(the_world_stops_beside_loops_and_c)
{
	struct gort_waitgroup wg = {0};
	gort_gomaxprocs(4);
	gort_go(tight, NULL);
	gort_go(with_calls, NULL);
	gort_go(c_only, NULL);
	gort_go(runtime_only, gort_makechan(4, 4));
	gort_waitgroup_add(&wg, 1);
	gort_go(stop_the_world, &wg);
	gort_waitgroup_wait(&wg);
}

static void sleep_in_c(void *wg)
{
	go_nap(100000);
	gort_waitgroup_done(wg);
}

// env GOMAXPROCS=2
CASE(many_sleep_in_c_at_once)
{
	struct gort_waitgroup wg = {0};
	int64_t begin = gort_nanotime();
	gort_waitgroup_add(&wg, 100);
	for (int i = 0; i < 100; i++)
		gort_go(sleep_in_c, &wg);
	gort_waitgroup_wait(&wg);
	/* One after the other it would be 10 seconds, two and two half of that. */
	check(gort_nanotime() - begin < 4000000000);
}

static void count(void *unused)
{
	for (;;) {
		counter++;
		gort_gosched();
	}
}

/* A system call of Go's own, on the goroutine's stack. */
static long sleep_by_system_call(int64_t ns)
{
	struct {
		int64_t seconds, nanoseconds;
	} time = {0, ns};
	long result;
	gort_entersyscall();
	__asm__ volatile("syscall" : "=a"(result) : "a"(35L), "D"(&time), "S"(0L) : "rcx", "r11", "memory");
	gort_exitsyscall();
	return result;
}

// env GOMAXPROCS=1
CASE(others_run_during_a_system_call)
{
	gort_go(count, NULL);
	for (int i = 0; i < 3; i++) {
		int64_t until = counter + 10;
		for (int j = 0; j < 100 && counter < until; j++) {
			int64_t begin = gort_nanotime();
			/* A signal that was to preempt the goroutine may come when it is there already: EINTR. */
			long result = sleep_by_system_call(40000000);
			check(result == 0 || result == -4);
			/* It has a P of its own again. */
			check_equal(gort_gomaxprocs(0), 1);
			check(result != 0 || gort_nanotime() - begin >= 40000000);
		}
		check(counter >= until);
	}
	for (int i = 0; i < 100000; i++) {
		gort_entersyscall();
		gort_exitsyscall();
	}
}

// env GOMAXPROCS=1
CASE(others_run_during_a_call_to_c)
{
	gort_go(count, NULL);
	for (int i = 0; i < 3; i++) {
		int64_t until = counter + 10;
		check(go_spin(&counter, until) >= until);
	}
}

// env GOMAXPROCS=1
// env GORT_DEBUG=nomembarrier
CASE(others_run_during_a_call_to_c_without_membarrier)
{
	gort_go(count, NULL);
	for (int i = 0; i < 3; i++) {
		int64_t until = counter + 10;
		check(go_spin(&counter, until) >= until);
	}
}

static void calls_and_floats(void *arg)
{
	for (int i = 0; i < 100000; i++)
		check(go_in_c(i, 0.5) == i + 0.5);
	gort_waitgroup_done(arg);
}

CASE(results_of_c_survive_a_lost_p)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 8);
	for (int i = 0; i < 8; i++)
		gort_go(calls_and_floats, &wg);
	for (int i = 0; i < 50; i++) {
		gort_gomaxprocs(1 + i % 4);
		gort_sleep(1000000);
	}
	gort_waitgroup_wait(&wg);
}

#else

#include <pthread.h>
#include <unistd.h>

static void *churn_on_thread(void *arg)
{
	double *result = arg;
	*result = churn_in_go(5);
	return NULL;
}

void churn_on_threads(void)
{
	enum { N = 6 };
	pthread_t threads[N];
	double results[N];
	for (int i = 0; i < N; i++)
		check_equal(pthread_create(&threads[i], NULL, churn_on_thread, &results[i]), 0);
	double own = churn_in_go(5);
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		check(results[i] == own);
	}
}

static volatile int64_t met[2];

static void *meet_on_thread(void *arg)
{
	meet(&met[0], &met[1]);
	return arg;
}

// env GOMAXPROCS=1
C_CASE(a_librarys_go_is_preempted)
{
	pthread_t thread;
	check_equal(pthread_create(&thread, NULL, meet_on_thread, NULL), 0);
	meet(&met[1], &met[0]);
	pthread_join(thread, NULL);
}

void nap(int64_t us)
{
	usleep(us);
}

int64_t spin(volatile int64_t *counter, int64_t until)
{
	int64_t end = gort_nanotime() + 20000000000LL;
	while (*counter < until && gort_nanotime() < end)
		;
	return *counter;
}

double in_c(double x, double y)
{
	return x + y;
}

#endif
