/* Compiled Go that calls Rust, and is called by it. The cases' names stand in rust_and_go.rs. */
#include "gort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t go_side(int64_t what);
int64_t rust_dropped(void);
int64_t rust_panics(int64_t what);
int64_t rust_calls_go(int64_t what);
int64_t rust_catches(int64_t what);
int64_t rust_takes_stack(int64_t depth);
void rust_program(void *unused);
void rust_program_that_ends(void *unused);
void fail(int line);
void go_main(void *name);

#ifdef GORT_GO_TEXT

GORT_CCALL(rust_dropped);
GORT_CCALL(rust_panics);
GORT_CCALL(rust_calls_go);
GORT_CCALL(rust_catches);
GORT_CCALL(rust_takes_stack);
GORT_CCALL(fail);

#define check(condition) ((condition) ? (void)0 : go_fail(__LINE__))

static bool same(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return a[n] == 0 || b[n] == 0;
}

static bool is(const char *a, const char *b)
{
	size_t n = 0;
	while (b[n])
		n++;
	return same(b, a, n) && a[n] == 0;
}

static int64_t goexits;

static void note_goexit(void *unused)
{
	goexits++;
}

__attribute__((used)) static int64_t go_go_side(int64_t what)
{
	struct gort_value code = {.kind = GORT_INT, .type = "main.Code", .data.integer = -7};
	struct gort_defer only;
	gort_chan *c;
	switch (what) {
	case 0:
		gort_panic_string("from Go");
	case 1:
		gort_gosched();
		gort_panic_string("from Go");
	case 2:
		c = gort_makechan(0, 1);
		gort_closechan(c);
		gort_chansend(c, NULL);
	case 3:
		gort_panic(&code);
	case 4:
		gort_defer_push(&only, note_goexit, NULL);
		gort_goexit();
	case 5:
		return go_rust_panics(0);
	}
	return what;
}
GORT_EXPORT(go_side, go_go_side);

static void recover_text(void *text)
{
	struct gort_value v;
	const char *want = text;
	check(gort_recover(&v));
	check(v.kind == GORT_STRING);
	check(same(v.data.text.bytes, want, v.data.text.length));
}

static void recover_other(void *unused)
{
	struct gort_value v;
	check(gort_recover(&v));
	check(v.kind == GORT_POINTER);
	check(is(v.type, "Box<dyn Any>"));
}

/* Calls Rust, which panics. */
__attribute__((noinline)) static int recovers(int64_t (*call)(int64_t), int64_t what, void (*recover)(void *), void *arg)
{
	struct gort_defer only;
	if (gort_defer_push(&only, recover, arg))
		return -1;
	call(what);
	gort_defer_return(&only);
	return 1;
}

static void go_recovers_from_rust(void)
{
	for (int i = 0; i < 200; i++) {
		check(recovers(go_rust_panics, 0, recover_text, "from Rust") == -1);
		check(go_rust_dropped() == 1);
		check(recovers(go_rust_panics, 1, recover_other, NULL) == -1);
		check(go_rust_dropped() == 1);
		check(go_rust_panics(7) == 7);
		check(go_rust_dropped() == 1);
		gort_gosched();
	}
}

static void a_panic_of_go_passes_rust(void)
{
	for (int i = 0; i < 200; i++) {
		check(recovers(go_rust_calls_go, i % 2, recover_text, "from Go") == -1);
		check(go_rust_dropped() == 1);
		/* Go, Rust, Go, Rust. */
		check(recovers(go_rust_calls_go, 5, recover_text, "from Rust") == -1);
		check(go_rust_dropped() == 2);
		check(go_rust_calls_go(9) == 9);
		check(go_rust_dropped() == 1);
	}
}

static void rust_catches_what_go_panics(void)
{
	for (int i = 0; i < 200; i++) {
		check(go_rust_catches(9) == 9);
		check(go_rust_catches(0) == -1);
		check(go_rust_catches(1) == -1);
		check(go_rust_catches(2) == -2);
		check(go_rust_catches(3) == -3);
	}
	gort_gosched();
}

static void exit_through(void *done)
{
	struct gort_defer only;
	gort_defer_push(&only, (void (*)(void *))gort_closechan, done);
	go_rust_calls_go(4);
	check(false);
}

static void exit_by_rust(void *done)
{
	struct gort_defer only;
	gort_defer_push(&only, (void (*)(void *))gort_closechan, done);
	go_rust_panics(2);
	check(false);
}

static void goexit_passes_rust(void)
{
	for (int i = 0; i < 50; i++) {
		gort_chan *done = gort_makechan(0, 0);
		gort_go(i % 2 ? exit_through : exit_by_rust, done);
		gort_chanrecv(done, NULL);
	}
	check(go_rust_dropped() == 50);
	check(goexits == 25);
}

__attribute__((noinline)) static int64_t at_depth(int depth)
{
	volatile char room[64];
	room[0] = 1;
	if (depth == 0)
		return go_rust_takes_stack(25);
	return at_depth(depth - 1) + room[0] - 1;
}

static void rust_has_stack_on_small_goroutines(void)
{
	for (int depth = 0; depth < 300; depth++)
		check(at_depth(depth) == 25);
}

void go_main(void *argument)
{
	const char *name = argument;
#define RUN(case)                                                                                                                                    \
	if (is(name, #case))                                                                                                                         \
	return case()
	RUN(go_recovers_from_rust);
	RUN(a_panic_of_go_passes_rust);
	RUN(rust_catches_what_go_panics);
	RUN(goexit_passes_rust);
	RUN(rust_has_stack_on_small_goroutines);
	if (is(name, "nobody_recovers_from_rust"))
		go_rust_panics(0);
	if (is(name, "nobody_recovers_from_go_below_rust"))
		go_rust_calls_go(2);
	check(false);
}

#else

void fail(int line)
{
	fprintf(stderr, "go_side.c:%d\n", line);
	_Exit(3);
}

int main(int argc, char **argv)
{
	if (strcmp(argv[1], "rust_program") == 0)
		rust_program(NULL);
	if (strcmp(argv[1], "rust_program_that_ends") == 0)
		rust_program_that_ends(NULL);
	if (strcmp(argv[1], "rust_on_a_strange_thread") == 0)
		rust_panics(0);
	return gort_main(argc, argv, go_main, argv[1]);
}

#endif
