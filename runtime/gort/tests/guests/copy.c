/* A library of compiled Go: COPY is its name. Compiled twice, as the cases in ../c are. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "copy.h"
#include "gort.h"

#define PASTED(copy, name) copy##_##name
#define NAMED(copy, name) PASTED(copy, name)
#define EXPORT(name) EXPORT_AS(NAMED(COPY, name), go_##name)
#define EXPORT_AS(c_name, go_name) GORT_EXPORT(c_name, go_name)

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN int64_t call(function fn, void *arg);
HIDDEN int64_t call_quickly(function fn, void *arg);
HIDDEN int64_t call_panic(void);
HIDDEN int64_t panic_in_go(void);
HIDDEN void broken(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(call);
GORT_CCALL_NONBLOCKING(call_quickly);
GORT_CCALL(call_panic);
GORT_CCALL(broken);

#define GO __attribute__((used, noinline)) static

GO int64_t go_deep(int64_t depth)
{
	volatile int64_t local[20];
	for (int i = 0; i < 20; i++)
		local[i] = depth + i;
	if (depth == 0)
		return 0;
	int64_t sum = go_deep(depth - 1) + 1;
	for (int i = 0; i < 20; i++)
		if (local[i] != depth + i)
			go_broken();
	return sum;
}
EXPORT(deep);

GO int64_t go_through(function fn, void *arg)
{
	go_deep(200);
	int64_t result = go_call(fn, arg);
	go_deep(2000);
	return result + 1;
}
EXPORT(through);

GO int64_t go_through_quickly(function fn, void *arg)
{
	go_deep(200);
	int64_t result = go_call_quickly(fn, arg);
	go_deep(2000);
	return result + 1;
}
EXPORT(through_quickly);

struct job {
	function fn;
	void *arg;
	int64_t result;
	struct gort_waitgroup wg;
};

GO void do_job(void *arg)
{
	struct job *job = arg;
	job->result = go_through(job->fn, job->arg);
	gort_waitgroup_done(&job->wg);
}

GO int64_t go_on_goroutine(function fn, void *arg)
{
	struct job job = {fn, arg};
	gort_waitgroup_add(&job.wg, 1);
	gort_go(do_job, &job);
	go_deep(500);
	gort_waitgroup_wait(&job.wg);
	go_deep(500);
	return job.result;
}
EXPORT(on_goroutine);

GO void echo(void *arg)
{
	gort_chan **c = arg;
	int64_t x;
	while (gort_chanrecv(c[0], &x)) {
		go_deep(x % 50);
		gort_chansend(c[1], &x);
	}
	gort_closechan(c[1]);
}

GO int64_t go_talk(int64_t n)
{
	gort_chan *c[2] = {gort_makechan(8, 0), gort_makechan(8, 1)};
	gort_go(echo, c);
	int64_t x = -1;
	for (int64_t i = 0; i < n; i++) {
		gort_chansend(c[0], &i);
		if (!gort_chanrecv(c[1], &x) || x != i)
			go_broken();
	}
	gort_closechan(c[0]);
	gort_chanrecv(c[1], NULL);
	gort_freechan(c[0]);
	gort_freechan(c[1]);
	return n;
}
EXPORT(talk);

/* Goroutines that spin until they are told. */
struct spinning {
	int64_t stop;
	int64_t left; /* who hasn't ended */
};

GO void spin(void *arg)
{
	struct spinning *s = arg;
	while (__atomic_load_n(&s->stop, __ATOMIC_RELAXED) == 0)
		;
	__atomic_sub_fetch(&s->left, 1, __ATOMIC_RELEASE);
}

GO int64_t go_preempt(int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		struct spinning s = {.left = gort_gomaxprocs(0)};
		for (int64_t j = s.left; j > 0; j--)
			gort_go(spin, &s);
		gort_sleep(1000000);
		__atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&s.left, __ATOMIC_ACQUIRE) != 0)
			gort_gosched();
		gort_sleep(1000000);
	}
	return n;
}
EXPORT(preempt);

GO int64_t go_busy(int64_t ms)
{
	int64_t end = gort_nanotime() + ms * 1000000, n = 0;
	for (; gort_nanotime() < end; n++)
		go_deep(n % 3000);
	return n;
}
EXPORT(busy);

GO int64_t go_panic_in_go(void)
{
	go_deep(300);
	gort_panic_string("beyond C");
}
GORT_EXPORT(panic_in_go, go_panic_in_go);

GO void recovers(void *recovered)
{
	*(bool *)recovered = gort_recover(NULL);
}

GO int64_t go_recover(void)
{
	struct gort_defer record;
	volatile bool recovered = false;
	if (gort_defer_push(&record, recovers, (void *)&recovered) == 0)
		go_call_panic();
	gort_defer_return(&record);
	go_deep(2000);
	return recovered ? 7 : 0;
}
EXPORT(recover);

GO int64_t go_fault(void)
{
	struct gort_defer record;
	volatile bool recovered = false;
	int *volatile nowhere = NULL;
	if (gort_defer_push(&record, recovers, (void *)&recovered) == 0)
		*nowhere = 1;
	gort_defer_return(&record);
	go_deep(2000);
	return recovered ? 7 : 0;
}
EXPORT(fault);

GO int64_t go_recover_from(function fn, void *arg)
{
	struct gort_defer record;
	volatile bool recovered = false;
	if (gort_defer_push(&record, recovers, (void *)&recovered) == 0)
		go_call(fn, arg);
	gort_defer_return(&record);
	go_deep(2000);
	return recovered ? 7 : 0;
}
EXPORT(recover_from);

GO int64_t go_panic(void *unused)
{
	gort_panic_string("nobody recovers this");
}
EXPORT(panic);

GO void nothing(void *unused)
{
}

GO void write_later(void *fd)
{
	gort_write(*(int *)fd, "x", 1);
}

GO void wait_for_ever(void *unused)
{
	gort_chanrecv(NULL, NULL);
}

GO int64_t go_with_own_thread(function fn, void *arg)
{
	int64_t sum = 0;
	gort_lock_os_thread();
	for (int i = 0; i < 50; i++) {
		sum += go_call(fn, arg);
		gort_gosched();
		gort_sleep(10000);
	}
	gort_unlock_os_thread();
	return sum;
}
EXPORT(with_own_thread);

GO void go_end(int64_t status)
{
	gort_exit(status);
}
EXPORT(end);

struct node {
	struct node *next;
	int64_t value;
};

static const struct gort_type node_type = {.size = sizeof(struct node), .ptrdata = 8, .kind = GORT_KIND_STRUCT, .align = 8};

GO int64_t go_collect(int64_t n)
{
	struct node *volatile list = NULL;
	for (int64_t i = 0; i < 20 * n; i++) {
		struct node *node = gort_new(&node_type);
		node->value = i;
		node->next = i % 20 == 0 ? list : NULL;
		if (i % 20 == 0)
			list = node;
	}
	gort_gc();
	int64_t count = 0;
	for (struct node *node = list; node != NULL; node = node->next)
		count += node->value % 20 == 0;
	return count;
}
EXPORT(collect);

static function main_function;

static void first(void *arg)
{
	go_call(main_function, arg);
}

int NAMED(COPY, main)(int argc, char **argv, function fn, void *arg)
{
	main_function = fn;
	return gort_main(argc, argv, first, arg);
}

/* Whatever may have the thread ask the system for something that fails, or has it sleep. */
GO int64_t go_wait_and_fail(void)
{
	int fds[2];
	char byte;
	if (gort_pipe(fds) != 0)
		go_broken();
	gort_sleep(1000000);
	gort_go(nothing, NULL);
	gort_gosched();
	gort_timer *timer = gort_timer_start(500000, write_later, &fds[1]);
	if (gort_read(fds[0], &byte, 1) != 1)
		go_broken();
	gort_timer_free(timer);
	gort_close(fds[0]);
	gort_close(fds[1]);
	if (gort_read(-1, &byte, 1) != -EBADF)
		go_broken();
	go_talk(20);
	return 1;
}
EXPORT(wait_and_fail);

GO int64_t go_read_pipe(void)
{
	int fds[2];
	char byte;
	if (gort_pipe(fds) != 0)
		go_broken();
	return gort_read(fds[0], &byte, 1);
}
EXPORT(read_pipe);

static const struct gort_type words_type = {.size = 16, .ptrdata = 16, .kind = GORT_KIND_STRUCT, .align = 8};

GO void count_one(void *arg, void *count)
{
	__atomic_fetch_add((int64_t *)count, 1, __ATOMIC_RELAXED);
}

struct garbage {
	int64_t n, count;
	struct gort_waitgroup wg;
};

/* In a goroutine of its own, which leaves nothing on anybody's stack. */
GO void make_garbage(void *arg)
{
	struct garbage *garbage = arg;
	for (int64_t i = 0; i < garbage->n; i++) {
		void *volatile object = gort_new(&words_type);
		if (gort_weak_value(gort_weak_make(object)) != object)
			go_broken();
		gort_add_cleanup(object, count_one, NULL, &garbage->count);
		gort_set_finalizer(object, count_one, &garbage->count);
	}
	gort_waitgroup_done(&garbage->wg);
}

GO int64_t go_attach(int64_t n)
{
	struct garbage garbage = {.n = n};
	gort_waitgroup_add(&garbage.wg, 1);
	gort_go(make_garbage, &garbage);
	gort_waitgroup_wait(&garbage.wg);
	while (__atomic_load_n(&garbage.count, __ATOMIC_RELAXED) < 2 * n) {
		gort_gc();
		gort_sleep(100000);
	}
	return n;
}
EXPORT(attach);

GO void stay(void *object, void *called)
{
	__atomic_store_n((int64_t *)called, 1, __ATOMIC_RELAXED);
	gort_chanrecv(NULL, NULL);
}

static int64_t stays;

GO void make_one_that_stays(void *unused)
{
	gort_set_finalizer(gort_new(&words_type), stay, &stays);
}

GO void go_leave_finalizing(void)
{
	gort_go(make_one_that_stays, NULL);
	while (__atomic_load_n(&stays, __ATOMIC_RELAXED) == 0) {
		gort_gc();
		gort_sleep(100000);
	}
}
EXPORT(leave_finalizing);

GO void go_leave_waiting(void)
{
	gort_go(wait_for_ever, NULL);
}
EXPORT(leave_waiting);

GO void go_leave_timer(int64_t ms)
{
	gort_timer_start(ms * 1000000, nothing, NULL);
}
EXPORT(leave_timer);

#else

int64_t call(function fn, void *arg)
{
	return fn(arg);
}

int64_t call_quickly(function fn, void *arg)
{
	return fn(arg);
}

int64_t call_panic(void)
{
	return panic_in_go();
}

void broken(void)
{
	abort();
}

int NAMED(COPY, close)(void)
{
	return gort_shutdown();
}

const char *NAMED(COPY, close_error)(int error)
{
	return gort_shutdown_error(error);
}

void NAMED(COPY, detach)(void)
{
	gort_detach();
}

#endif
