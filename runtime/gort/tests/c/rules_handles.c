/* Handles: Go's values in C's hands. */
#include "case.h"

uintptr_t keep(uintptr_t handle);
void limit_memory(void);
void add_through_handle(uintptr_t handle);

#ifdef GORT_GO_TEXT

#include "rules_types.h"

GORT_CCALL(keep);
GORT_CCALL(limit_memory);
GORT_CCALL(add_through_handle);

static struct gort_any any_of(uintptr_t number)
{
	return (struct gort_any){(const struct gort_type *)(number * 16), (void *)number};
}

static void check_any(struct gort_any is, uintptr_t number)
{
	check_equal((uintptr_t)is.type, number * 16);
	check_equal((uintptr_t)is.data, number);
}

CASE(handle_goes_through_c_and_back)
{
	gort_handle h = gort_handle_new(any_of(42));
	check(h != 0);
	check_any(gort_handle_value(go_keep(h)), 42);
	gort_handle_delete(h);
}

__attribute__((used)) static void add_one(uintptr_t handle)
{
	++*(int *)gort_handle_value(handle).data;
}
GORT_EXPORT(add_one_in_go, add_one);

CASE(handle_gives_a_callback_its_value)
{
	volatile int number = 41;
	gort_handle h = gort_handle_new((struct gort_any){NULL, (void *)&number});
	go_add_through_handle(h);
	gort_handle_delete(h);
	check_equal(number, 42);
}

static struct gort_value caught;

static void catch(void *unused)
{
	check(gort_recover(&caught));
}

/* What fn(handle) panics with. */
static void check_misuse(void (*fn)(gort_handle), gort_handle h)
{
	struct gort_defer record;
	if (gort_defer_push(&record, catch, NULL)) {
		gort_defer_return(&record);
		check_equal(caught.kind, GORT_STRING);
		check(strcmp(caught.data.text.bytes, "runtime/cgo: misuse of an invalid Handle") == 0);
		return;
	}
	fn(h);
	gort_defer_return(&record);
	FAIL("a panic", __FILE__, __LINE__);
}

static void look(gort_handle h)
{
	gort_handle_value(h);
}

static void check_none(gort_handle h)
{
	check_misuse(look, h);
	check_misuse(gort_handle_delete, h);
}

CASE(handle_that_is_none_panics)
{
	gort_handle first = gort_handle_new(any_of(1));
	gort_handle_delete(first);
	/* The place is used again, and the old number is still none. */
	gort_handle second = gort_handle_new(any_of(2));
	check((uint32_t)first == (uint32_t)second && first != second);
	check_none(first);
	check_none(0);
	check_none(1);
	check_none(second + 1);
	check_none(second - 1);
	check_none((uint32_t)second);
	check_none(second ^ 1ull << 63);
	check_none(UINTPTR_MAX);
	check_any(gort_handle_value(second), 2);
	gort_handle_delete(second);
	check_none(second);
}

// exit 2
// stderr panic: runtime/cgo: misuse of an invalid Handle
// stderr case_handle_that_is_stale_ends_the_program
CASE(handle_that_is_stale_ends_the_program)
{
	gort_handle h = gort_handle_new(any_of(1));
	gort_handle_delete(h);
	gort_handle_value(h);
}

enum { MANY = 200000 };

CASE(handles_are_as_many_as_one_likes)
{
	gort_handle *handles = gort_malloc(MANY * sizeof *handles);
	for (int round = 0; round < 3; round++) {
		for (uintptr_t i = 0; i < MANY; i++)
			handles[i] = gort_handle_new(any_of(i + round));
		for (uintptr_t i = 0; i < MANY; i++)
			check_any(gort_handle_value(handles[i]), i + round);
		for (uintptr_t i = 0; i < MANY; i++)
			gort_handle_delete(handles[(i * 7919) % MANY]);
	}
	check_none(handles[0]);
	gort_free(handles);
}

/* Made by some, deleted by others: what is free moves between threads. */
struct relay {
	gort_chan *handles;
	struct gort_waitgroup done;
};

enum { RELAYED = 20000, RUNNERS = 4 };

static void make(void *arg)
{
	struct relay *relay = arg;
	for (uintptr_t i = 1; i <= RELAYED; i++) {
		gort_handle h = gort_handle_new(any_of(i));
		gort_chansend(relay->handles, &h);
	}
	gort_waitgroup_done(&relay->done);
}

static void end(void *arg)
{
	struct relay *relay = arg;
	for (uintptr_t i = 1; i <= RELAYED; i++) {
		gort_handle h;
		gort_chanrecv(relay->handles, &h);
		struct gort_any value = gort_handle_value(h);
		check((uintptr_t)value.type == 16 * (uintptr_t)value.data);
		gort_handle_delete(h);
	}
	gort_waitgroup_done(&relay->done);
}

CASE(handles_are_made_and_deleted_on_many_threads)
{
	struct relay relay = {gort_makechan(sizeof(gort_handle), 100)};
	gort_waitgroup_add(&relay.done, 2 * RUNNERS);
	for (int i = 0; i < RUNNERS; i++) {
		gort_go(make, &relay);
		gort_go(end, &relay);
	}
	gort_waitgroup_wait(&relay.done);
	gort_freechan(relay.handles);
}

// exit 2
// stderr runtime/cgo: cannot allocate
// stderr fatal error: runtime: out of memory (handles)
CASE(handles_without_memory_end_the_program)
{
	go_limit_memory();
	for (;;)
		gort_handle_new(any_of(1));
}

static __attribute__((noinline)) void make_numbered(gort_handle *handles, int n)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t *number = gort_new(&int_type);
		*number = i;
		handles[i] = gort_handle_new(ANY(pointer_to_int, number));
	}
}

// env GORT_DEBUG=poison,checkheap
CASE(handles_keep_their_values)
{
	enum { MANY = 1000 };
	gort_handle *handles = gort_malloc(MANY * sizeof *handles);
	make_numbered(handles, MANY);
	for (int round = 0; round < 3; round++) {
		gort_gc();
		for (int64_t i = 0; i < MANY; i++)
			check_equal(*(int64_t *)gort_handle_value(handles[i]).data, i);
	}
	gort_weak **volatile weak = gort_new_array(&unsafe_pointer, MANY);
	for (int i = 0; i < MANY; i++)
		gort_store(&((void **)weak)[i], gort_weak_make(gort_handle_value(handles[i]).data));
	for (int i = 0; i < MANY; i++)
		gort_handle_delete(handles[i]);
	gort_gc();
	gort_gc();
	int gone = 0;
	for (int i = 0; i < MANY; i++)
		gone += gort_weak_value(weak[i]) == NULL;
	/* Some word of the stack may look like one of them. */
	check(gone >= MANY - 10);
	gort_free(handles);
}

/* From handle to handle, of which the old is deleted, while the collector marks: the value is always in one, or in a local. */
static void pass_on(void *arg)
{
	struct gort_waitgroup *done = arg;
	gort_handle handles[50];
	make_numbered(handles, 50);
	for (int round = 0; round < 4000; round++) {
		int from = round * 7 % 50;
		struct gort_any value = gort_handle_value(handles[from]);
		check_equal(*(int64_t *)value.data, from);
		gort_handle_delete(handles[from]);
		if (round % 3 == 0)
			gort_new(&int_type);
		handles[from] = gort_handle_new(value);
		if (round % 500 == 0)
			gort_gosched();
	}
	for (int i = 0; i < 50; i++)
		gort_handle_delete(handles[i]);
	gort_waitgroup_done(done);
}

// env GORT_DEBUG=poison,checkheap
CASE(handles_while_the_collector_marks)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 6);
	for (int i = 0; i < 6; i++)
		gort_go(pass_on, &done);
	for (int i = 0; i < 20; i++)
		gort_gc();
	gort_waitgroup_wait(&done);
}

#else

#include <sys/resource.h>
#include <unistd.h>

void add_one_in_go(uintptr_t handle);

uintptr_t keep(uintptr_t handle)
{
	static uintptr_t kept;
	kept = handle;
	return kept;
}

void add_through_handle(uintptr_t handle)
{
	add_one_in_go(handle);
}

/* Little more than what the process has already. */
void limit_memory(void)
{
	char line[64] = "";
	FILE *statm = fopen("/proc/self/statm", "r");
	if (!statm || !fgets(line, sizeof line, statm))
		_exit(4);
	fclose(statm);
	rlim_t limit = strtoull(line, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) + (1 << 20);
	if (setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) != 0)
		_exit(4);
}

#endif
