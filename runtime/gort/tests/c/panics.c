/* Panics, deferred functions, recover and Goexit of compiled Go, with C between and without. */
#include "case.h"

void call_go(int64_t what);
void in_go(int64_t what);
int64_t add_in_c(int64_t a, int64_t b);
void start_thread_that_calls(int64_t what);

#ifdef GORT_GO_TEXT

GORT_CCALL(call_go);
GORT_CCALL(add_in_c);
GORT_CCALL(start_thread_that_calls);

/* What happened, as digits: each step appends one. */
static int64_t steps;

static void step(int digit)
{
	steps = steps * 10 + digit;
}

static void step_1(void *unused)
{
	step(1);
}

static void step_2(void *unused)
{
	step(2);
}

static bool is_text(const struct gort_value *v, const char *text)
{
	size_t n = 0;
	while (text[n])
		n++;
	if (v->data.text.length != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (v->data.text.bytes[i] != text[i])
			return false;
	return true;
}

/* Recovers and steps by 3; by 9 where there is nothing to recover. */
static void recover_3(void *unused)
{
	struct gort_value v;
	step(gort_recover(&v) ? 3 : 9);
}

static void recover_text(void *text)
{
	struct gort_value v;
	check(gort_recover(&v));
	check(v.kind == GORT_STRING || v.kind == GORT_RUNTIME_ERROR);
	check(is_text(&v, text));
	step(4);
}

static void expect(int64_t want)
{
	check_equal(steps, want);
	steps = 0;
	/* Nothing is left over: a recover finds nothing. */
	check(!gort_recover(NULL));
}

__attribute__((noinline)) static int defers(int how)
{
	struct gort_defer first, second;
	if (gort_defer_push(&first, step_1, NULL) || gort_defer_push(&second, step_2, NULL))
		return gort_defer_return(&first), -1;
	step(5);
	if (how == 1)
		gort_panic_string("out of defers");
	gort_defer_return(&first);
	return 7;
}

CASE(deferred_functions_run_at_the_end_last_first)
{
	check_equal(defers(0), 7);
	expect(521);
}

__attribute__((noinline)) static int recovers(int how)
{
	struct gort_defer first, second, third;
	if (gort_defer_push(&first, step_1, NULL) || gort_defer_push(&second, recover_3, NULL) || gort_defer_push(&third, step_2, NULL))
		return gort_defer_return(&first), -1;
	if (how == 1)
		gort_panic_string("here");
	if (how == 2)
		defers(1);
	gort_defer_return(&first);
	return 7;
}

CASE(a_panic_is_recovered_where_it_happens)
{
	check_equal(recovers(1), -1);
	expect(231);
	check_equal(recovers(0), 7);
	expect(291);
}

CASE(a_panic_is_recovered_further_out)
{
	for (int i = 0; i < 1000; i++) {
		check_equal(recovers(2), -1);
		expect(521231);
	}
}

/* The record is the first of the function that recovers: nothing is left to run. */
__attribute__((noinline)) static int recovers_with(void (*fn)(void *), void *arg, const char *panics)
{
	struct gort_defer only;
	if (gort_defer_push(&only, fn, arg))
		return gort_defer_return(&only), -1;
	gort_panic_string(panics);
}

CASE(a_panic_carries_its_text)
{
	check_equal(recovers_with(recover_text, "boom", "boom"), -1);
	expect(4);
}

__attribute__((noinline)) static int64_t deep(int depth)
{
	volatile char room[200];
	room[0] = (char)depth;
	if (depth == 0)
		gort_panic_string("deep");
	return deep(depth - 1) + room[0];
}

__attribute__((noinline)) static int recovers_deep(int depth)
{
	struct gort_defer only;
	if (gort_defer_push(&only, recover_3, NULL))
		return gort_defer_return(&only), -1;
	return (int)deep(depth);
}

__attribute__((noinline)) static int at_depth(int depth, int below)
{
	volatile char room[100];
	room[0] = 1;
	if (depth == 0)
		return recovers_deep(below);
	return at_depth(depth - 1, below) + room[0] - 1;
}

CASE(recovering_goes_back_over_many_segments)
{
	for (int i = 0; i < 200; i++) {
		check_equal(at_depth(i % 50, i), -1);
		expect(3);
	}
	check_equal(at_depth(3, 20000), -1);
	expect(3);
	/* The stack is as good as before. */
	check_equal(at_depth(10000, 10), -1);
	expect(3);
}

/* Registers that belong to the caller come back as they were. */
__attribute__((noinline)) static int64_t keeps_registers(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
	int how = recovers(1);
	return a + 2 * b + 3 * c + 4 * d + 5 * e + how;
}

CASE(recovering_restores_registers)
{
	check_equal(keeps_registers(1, 2, 3, 4, 5), 54);
	expect(231);
}

static void panic_again(void *text)
{
	struct gort_value v;
	check(gort_recover(&v));
	gort_panic_string(text);
}

static void panic_over(void *text)
{
	gort_panic_string(text);
}

__attribute__((noinline)) static int nested(void)
{
	struct gort_defer outer, inner;
	if (gort_defer_push(&outer, recover_text, "second") || gort_defer_push(&inner, panic_over, "second"))
		return gort_defer_return(&outer), -1;
	gort_panic_string("first");
}

CASE(a_panic_in_a_deferred_function_takes_the_others_place)
{
	check_equal(nested(), -1);
	expect(4);
}

static void recover_inside(void *unused)
{
	step(6);
	check_equal(recovers_with(recover_text, "inner", "inner"), -1);
}

__attribute__((noinline)) static int panics_while_panicking(void)
{
	struct gort_defer outer, inner;
	if (gort_defer_push(&outer, recover_text, "outer") || gort_defer_push(&inner, recover_inside, NULL))
		return gort_defer_return(&outer), -1;
	gort_panic_string("outer");
}

CASE(a_panic_within_a_deferred_function_leaves_the_outer_one)
{
	check_equal(panics_while_panicking(), -1);
	expect(644);
}

static void defer_normally(void *unused)
{
	struct gort_defer only;
	if (gort_defer_push(&only, recover_3, NULL))
		FAIL("returned twice", __FILE__, __LINE__);
	gort_defer_return(&only);
}

__attribute__((noinline)) static int recover_of_another(void)
{
	struct gort_defer outer, inner;
	if (gort_defer_push(&outer, recover_3, NULL) || gort_defer_push(&inner, defer_normally, NULL))
		return gort_defer_return(&outer), -1;
	gort_panic_string("x");
}

CASE(recover_is_for_who_was_deferred_over_the_panic)
{
	check_equal(recover_of_another(), -1);
	expect(93);
}

static void recover_nil(void *unused)
{
	struct gort_value v;
	check(gort_recover(&v));
	check_equal(v.kind, GORT_RUNTIME_ERROR);
	check(is_text(&v, "panic called with nil argument (use GODEBUG=panicnil=1 to disable)"));
}

__attribute__((noinline)) static int panics_nil(void)
{
	struct gort_defer only;
	struct gort_value v = {.kind = GORT_NIL};
	if (gort_defer_push(&only, recover_nil, NULL))
		return -1;
	gort_panic(&v);
}

CASE(a_panic_of_nil_is_an_error)
{
	check_equal(panics_nil(), -1);
}

/* ---- Goexit ---- */

static void exits(void *done)
{
	struct gort_defer first, second;
	if (gort_defer_push(&first, step_1, NULL) || gort_defer_push(&second, recover_3, NULL))
		FAIL("recovered", __FILE__, __LINE__);
	struct gort_defer tell;
	gort_defer_push(&tell, (void (*)(void *))gort_closechan, done);
	gort_goexit();
}

CASE(goexit_runs_what_is_deferred)
{
	gort_chan *done = gort_makechan(0, 0);
	gort_go(exits, done);
	gort_chanrecv(done, NULL);
	gort_sleep(20000000);
	expect(91);
	check_equal(gort_numgoroutine(), 1);
}

static void exits_in_vain(void *done)
{
	struct gort_defer outer, recovering, panicking;
	if (gort_defer_push(&outer, (void (*)(void *))gort_closechan, done) || gort_defer_push(&recovering, recover_3, NULL) ||
	    gort_defer_push(&panicking, panic_over, "while exiting"))
		FAIL("came back", __FILE__, __LINE__);
	gort_goexit();
}

CASE(a_recovered_panic_does_not_stop_goexit)
{
	gort_chan *done = gort_makechan(0, 0);
	gort_go(exits_in_vain, done);
	gort_chanrecv(done, NULL);
	gort_sleep(20000000);
	expect(3);
	check_equal(gort_numgoroutine(), 1);
}

// exit 2
// stderr fatal error: no goroutines (main called runtime.Goexit) - deadlock!
CASE(goexit_of_main)
{
	gort_goexit();
}

/* ---- Through C ---- */

__attribute__((used)) static void go_in_go(int64_t what)
{
	struct gort_defer only;
	switch (what) {
	case 0:
		gort_panic_string("from below");
	case 1:
		gort_goexit();
	case 2:
		gort_gosched();
		deep(100);
	case 3:
		if (gort_defer_push(&only, recover_3, NULL)) {
			gort_defer_return(&only);
			return;
		}
		go_call_go(0);
		FAIL("came back", __FILE__, __LINE__);
	case 4:
		if (gort_defer_push(&only, panic_again, "again"))
			FAIL("came back", __FILE__, __LINE__);
		go_call_go(0);
	}
}
GORT_EXPORT(in_go, go_in_go);

__attribute__((noinline)) static int recovers_from_c(int64_t what)
{
	struct gort_defer first, second;
	if (gort_defer_push(&first, step_1, NULL) || gort_defer_push(&second, recover_3, NULL))
		return gort_defer_return(&first), -1;
	go_call_go(what);
	gort_defer_return(&first);
	return 7;
}

CASE(a_panic_passes_c)
{
	for (int i = 0; i < 100; i++) {
		check_equal(recovers_from_c(0), -1);
		expect(31);
		check_equal(go_add_in_c(i, 1), i + 1);
		check_equal(recovers_from_c(2), -1);
		expect(31);
		check_equal(recovers_from_c(4), -1);
		expect(31);
	}
	/* C's frames are gone: the goroutine may go where it likes. */
	gort_gosched();
}

CASE(a_panic_is_recovered_before_it_comes_to_c)
{
	for (int i = 0; i < 100; i++) {
		check_equal(recovers_from_c(3), 7);
		expect(391);
	}
}

static void call_c_and_recover(void *unused)
{
	struct gort_value v;
	check_equal(go_add_in_c(20, 22), 42);
	gort_gosched();
	/* Deferred functions may call C that calls Go, on top of frames of C that are gone. */
	check_equal(recovers_from_c(3), 7);
	check_equal(recovers_from_c(0), -1);
	check(gort_recover(&v));
	check(is_text(&v, "from below"));
}

__attribute__((noinline)) static int calls_while_panicking(void)
{
	struct gort_defer only;
	if (gort_defer_push(&only, call_c_and_recover, NULL))
		return -1;
	go_call_go(0);
	return 7;
}

CASE(deferred_functions_call_c_on_the_way)
{
	for (int i = 0; i < 100; i++) {
		steps = 0;
		check_equal(calls_while_panicking(), -1);
		expect(39131);
	}
}

static void panics_in_other_goroutines(void *group)
{
	for (int i = 0; i < 200; i++) {
		struct gort_defer only;
		if (gort_defer_push(&only, (void (*)(void *))gort_recover, NULL) == 0)
			go_call_go(i % 2 * 2);
		gort_gosched();
	}
	gort_waitgroup_done(group);
}

CASE(panics_through_c_in_many_goroutines)
{
	static struct gort_waitgroup group;
	gort_waitgroup_add(&group, 50);
	for (int i = 0; i < 50; i++)
		gort_go(panics_in_other_goroutines, &group);
	gort_waitgroup_wait(&group);
}

static void exits_below_c(void *done)
{
	struct gort_defer tell, other;
	gort_defer_push(&tell, (void (*)(void *))gort_closechan, done);
	gort_defer_push(&other, step_1, NULL);
	go_call_go(1);
	FAIL("came back", __FILE__, __LINE__);
}

CASE(goexit_passes_c)
{
	for (int i = 0; i < 100; i++) {
		gort_chan *done = gort_makechan(0, 0);
		gort_go(exits_below_c, done);
		gort_chanrecv(done, NULL);
	}
	gort_sleep(20000000);
	steps = 0;
	check_equal(gort_numgoroutine(), 1);
	gort_gosched();
}

/* ---- Nobody recovers ---- */

// exit 2
// stderr panic: nobody is there
// stderr goroutine 1 [running]:
// stderr case_an_unrecovered_panic
CASE(an_unrecovered_panic)
{
	gort_panic_string("nobody is there");
}

// exit 2
// stderr panic: first
// stderr 	panic: second
CASE(an_unrecovered_panic_over_another)
{
	struct gort_defer only;
	gort_defer_push(&only, panic_over, "second");
	gort_panic_string("first");
}

// exit 2
// stderr panic: first [recovered]
// stderr 	panic: second
CASE(an_unrecovered_panic_over_a_recovered_one)
{
	struct gort_defer only;
	gort_defer_push(&only, panic_again, "second");
	gort_panic_string("first");
}

static void panic_with_the_same(void *unused)
{
	struct gort_value v;
	gort_recover(&v);
	gort_panic(&v);
}

// exit 2
// stderr panic: once [recovered, repanicked]
CASE(an_unrecovered_panic_of_the_same_value)
{
	struct gort_defer only;
	gort_defer_push(&only, panic_with_the_same, NULL);
	gort_panic_string("once");
}

// exit 2
// stderr panic: main.Code(-7)
CASE(an_unrecovered_panic_of_a_named_type)
{
	struct gort_value v = {.kind = GORT_INT, .type = "main.Code", .data.integer = -7};
	gort_panic(&v);
}

// exit 2
// stderr panic: 1.5e+10
CASE(an_unrecovered_panic_of_a_number)
{
	struct gort_value v = {.kind = GORT_FLOAT, .data.number = 1.5e10};
	gort_panic(&v);
}

// exit 2
// stderr panic: from below
// stderr goroutine 1 [running
CASE(an_unrecovered_panic_below_c)
{
	go_call_go(0);
}

// exit 2
// stderr panic: from below
// stderr would cross a C frame that no Go called
// stderr C stack of the thread
// stderr call_go
CASE(an_unrecovered_panic_on_a_thread_of_c)
{
	go_start_thread_that_calls(0);
}

// exit 2
// stderr fatal error: runtime.Goexit called in a thread that was not created by the Go runtime
// stderr call_go
CASE(goexit_on_a_thread_of_c)
{
	go_start_thread_that_calls(1);
}

CASE(a_thread_of_c_recovers)
{
	for (int i = 0; i < 20; i++)
		go_start_thread_that_calls(3);
}

#else

#include <pthread.h>

void call_go(int64_t what)
{
	/* Not a tail call: the frame is to be there. */
	volatile int64_t after = what;
	in_go(what);
	after++;
}

int64_t add_in_c(int64_t a, int64_t b)
{
	return a + b;
}

static void *thread(void *what)
{
	call_go((int64_t)what);
	return NULL;
}

void start_thread_that_calls(int64_t what)
{
	pthread_t t;
	pthread_create(&t, NULL, thread, (void *)what);
	pthread_join(t, NULL);
}

#endif
