/* runtime.Pinner. */
#include "case.h"

void limit_to_what_there_is(void);

#ifdef GORT_GO_TEXT

#include "rules_types.h"

GORT_DECLARE_STUB(limit_to_what_there_is);

static char panicked[300];

static void catch(void *unused)
{
	struct gort_value value;
	if (!gort_recover(&value))
		return;
	check_equal(value.kind, GORT_RUNTIME_ERROR);
	check(value.data.text.length < sizeof panicked);
	memcpy(panicked, value.data.text.bytes, value.data.text.length);
	panicked[value.data.text.length] = 0;
}

/* Whether C may be given a struct with a pointer in it. */
static bool may_pass(void **s)
{
	struct gort_defer record;
	panicked[0] = 0;
	if (gort_defer_push(&record, catch, NULL)) {
		gort_defer_return(&record);
		check(strstr(panicked, "unpinned Go pointer") != NULL);
		return false;
	}
	gort_check_pointer(ANY(pointer_to_has_pointer, s), (struct gort_any){0});
	gort_defer_return(&record);
	return true;
}

static void pin(struct gort_pinner *pinner, void *p)
{
	gort_pinner_pin(pinner, ANY(pointer_to_int, p));
}

CASE(pinned_pointers_may_be_passed)
{
	struct gort_pinner pinner = {0};
	void **volatile s = gort_new(&has_pointer);
	s[0] = gort_new(&int_type);
	check(!may_pass((void **)s));
	pin(&pinner, s[0]);
	check(may_pass((void **)s));
	gort_pinner_unpin(&pinner);
	check(!may_pass((void **)s));
	/* Again, with what is at hand. */
	pin(&pinner, s[0]);
	check(may_pass((void **)s));
	gort_pinner_unpin(&pinner);
	gort_pinner_unpin(&pinner);
	check(!may_pass((void **)s));
}

/* Any address inside pins the object, and any is looked at. */
CASE(interior_pointers_pin_the_object)
{
	struct gort_pinner pinner = {0};
	int64_t *volatile numbers = gort_new_array(&int_type, 100);
	void **volatile s = gort_new(&has_pointer);
	s[0] = (void *)&numbers[99];
	pin(&pinner, (void *)&numbers[50]);
	check(may_pass((void **)s));
	gort_store((void *)&s[0], (void *)numbers);
	check(may_pass((void **)s));
	gort_pinner_unpin(&pinner);
	check(!may_pass((void **)s));
}

CASE(pins_are_counted)
{
	struct gort_pinner first = {0}, second = {0};
	void **volatile s = gort_new(&has_pointer);
	s[0] = gort_new(&int_type);
	for (int i = 0; i < 300; i++)
		pin(&first, s[0]);
	pin(&second, s[0]);
	gort_pinner_unpin(&first);
	check(may_pass((void **)s));
	gort_pinner_unpin(&second);
	check(!may_pass((void **)s));
}

CASE(many_objects_are_pinned)
{
	enum { MANY = 5000 };
	struct gort_pinner pinner = {0};
	void **volatile s = gort_new(&has_pointer);
	void **volatile all = gort_new_array(&unsafe_pointer, MANY);
	for (int i = 0; i < MANY; i++) {
		all[i] = gort_new_array(&int_type, 1 + i % 100);
		if (i % 2)
			pin(&pinner, all[i]);
	}
	for (int i = 0; i < MANY; i++) {
		gort_store((void *)&s[0], all[i]);
		check_equal(may_pass((void **)s), i % 2);
	}
	gort_pinner_unpin(&pinner);
	for (int i = 0; i < MANY; i++) {
		gort_store((void *)&s[0], all[i]);
		check(!may_pass((void **)s));
	}
}

/* What a pinned object refers to isn't pinned. */
CASE(pins_are_of_one_object)
{
	struct gort_pinner pinner = {0};
	void **volatile inner = gort_new(&has_pointer);
	inner[0] = gort_new(&int_type);
	void **volatile outer = gort_new(&has_pointer);
	outer[0] = (void *)inner;
	pin(&pinner, (void *)inner);
	/* Only the first level is looked at of what nothing is known of. */
	check(may_pass((void **)outer));
	check(!may_pass((void **)inner));
	gort_pinner_unpin(&pinner);
}

CASE(other_memory_needs_no_pin)
{
	struct gort_pinner pinner = {0};
	static int64_t variable;
	int64_t local = 0;
	void *c = gort_malloc(8);
	pin(&pinner, &variable);
	pin(&pinner, &local);
	pin(&pinner, c);
	pin(&pinner, NULL);
	gort_pinner_pin(&pinner, ANY(unsafe_pointer, c));
	gort_pinner_unpin(&pinner);
	gort_free(c);
}

static void check_refused(struct gort_any value, const char *why)
{
	struct gort_pinner pinner = {0};
	struct gort_defer record;
	panicked[0] = 0;
	if (gort_defer_push(&record, catch, NULL)) {
		gort_defer_return(&record);
		check(strcmp(panicked, why) == 0);
		return;
	}
	gort_pinner_pin(&pinner, value);
	FAIL("a panic", __FILE__, __LINE__);
}

CASE(only_pointers_are_pinned)
{
	static const struct gort_type named = {.size = 8, .kind = GORT_KIND_INT, .align = 8, .name = "main.Number"};
	int64_t number = 0;
	check_refused((struct gort_any){0}, "runtime error: runtime.Pinner: argument is nil");
	check_refused(ANY(named, &number), "runtime error: runtime.Pinner: argument is not a pointer: main.Number");
}

// exit 2
// stderr panic: runtime error: runtime.Pinner: argument is nil
CASE(pinning_nil_ends_the_program)
{
	struct gort_pinner pinner = {0};
	gort_pinner_pin(&pinner, (struct gort_any){0});
}

/* The collector would want threads. */
// env GOGC=off
// exit 2
// stderr runtime.Pinner: cannot allocate
// stderr fatal error: runtime: out of memory (pins)
CASE(pin_without_memory_ends_the_program)
{
	struct gort_pinner pinner = {0};
	/* Far from each other in the heap. */
	void *volatile first = gort_new_array(&int_type, 2 << 20);
	void *volatile second = gort_new_array(&int_type, 2 << 20);
	pin(&pinner, first);
	go_limit_to_what_there_is();
	pin(&pinner, second);
}

static void pin_all_the_time(void *arg)
{
	void **shared = *(void ***)arg;
	for (int i = 0; i < 3000; i++) {
		struct gort_pinner pinner = {0};
		for (int k = 0; k < 1 + i % 8; k++)
			pin(&pinner, shared[k]);
		void **s = gort_new(&has_pointer);
		s[0] = shared[0];
		gort_check_pointer(ANY(pointer_to_has_pointer, s), (struct gort_any){0});
		gort_pinner_unpin(&pinner);
	}
	gort_waitgroup_done(((struct gort_waitgroup **)arg)[1]);
}

CASE(many_goroutines_pin_the_same)
{
	enum { RUNNERS = 8 };
	struct gort_waitgroup done = {0};
	void **volatile shared = gort_new_array(&unsafe_pointer, 8);
	for (int i = 0; i < 8; i++)
		shared[i] = gort_new(&int_type);
	void *arg[2] = {(void *)shared, &done};
	gort_waitgroup_add(&done, RUNNERS);
	for (int i = 0; i < RUNNERS; i++)
		gort_go(pin_all_the_time, arg);
	gort_waitgroup_wait(&done);
	void **volatile s = gort_new(&has_pointer);
	s[0] = shared[0];
	check(!may_pass((void **)s));
}


/* What only C's memory and the pinner point to stays, whatever the collector does. */
static __attribute__((noinline)) void give_pinned(struct gort_pinner *pinner, int64_t **c_memory, gort_weak **weak)
{
	for (int64_t i = 0; i < 20; i++) {
		int64_t *number = gort_new(&int_type);
		*number = i;
		pin(pinner, number);
		c_memory[i] = number;
		weak[i] = gort_weak_make(number);
	}
}

// env GORT_DEBUG=poison,checkheap
CASE(pinned_objects_live)
{
	enum { MANY = 20 };
	struct gort_pinner pinner = {0};
	int64_t **c_memory = gort_malloc(MANY * sizeof *c_memory);
	gort_weak **volatile weak = gort_new_array(&unsafe_pointer, MANY);
	give_pinned(&pinner, c_memory, (gort_weak **)weak);
	for (int round = 0; round < 3; round++) {
		gort_gc();
		for (int64_t i = 0; i < MANY; i++)
			check_equal(*c_memory[i], i);
	}
	gort_pinner_unpin(&pinner);
	gort_gc();
	gort_gc();
	int gone = 0;
	for (int i = 0; i < MANY; i++)
		gone += gort_weak_value(weak[i]) == NULL;
	/* Some word of the stack may look like one of them. */
	check(gone >= MANY - 2);
	gort_free(c_memory);
}

static __attribute__((noinline)) void lose_pinner(void)
{
	struct gort_pinner *pinner = gort_new(&has_pointer);
	pin(pinner, gort_new(&int_type));
}

static __attribute__((noinline)) void overwrite_stack(void)
{
	volatile char room[4000];
	for (unsigned i = 0; i < sizeof room; i++)
		room[i] = 0;
}

// exit 2
// stderr panic: runtime error: runtime.Pinner: found leaking pinned pointer; forgot to call Unpin()?
CASE(lost_pinner_ends_the_program)
{
	for (int i = 0; i < 20; i++)
		lose_pinner();
	overwrite_stack();
	for (int i = 0; i < 10; i++) {
		gort_gc();
		gort_sleep(10000000);
	}
}

/* A pinner that was emptied may be lost. */
CASE(empty_pinner_may_be_lost)
{
	for (int i = 0; i < 20; i++) {
		struct gort_pinner *pinner = gort_new(&has_pointer), *other = gort_new(&has_pointer);
		pin(pinner, gort_new(&int_type));
		pin(other, gort_new(&int_type));
		gort_pinner_unpin(pinner);
		gort_pinner_unpin(other);
	}
	overwrite_stack();
	for (int i = 0; i < 5; i++)
		gort_gc();
	gort_sleep(10000000);
}

/* More and more pins, moved from array to array while the collector marks. */
static void grow_pins(void *arg)
{
	struct gort_pinner pinner = {0};
	int64_t **c_memory = gort_malloc(500 * sizeof *c_memory);
	for (int round = 0; round < 20; round++) {
		for (int64_t i = 0; i < 500; i++) {
			int64_t *number = gort_new(&int_type);
			*number = i;
			pin(&pinner, number);
			c_memory[i] = number;
			number = NULL;
		}
		for (int64_t i = 0; i < 500; i++)
			check_equal(*c_memory[i], i);
		gort_pinner_unpin(&pinner);
	}
	gort_free(c_memory);
	gort_waitgroup_done(arg);
}

// env GORT_DEBUG=poison,checkheap
CASE(pins_while_the_collector_marks)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 4);
	for (int i = 0; i < 4; i++)
		gort_go(grow_pins, &done);
	for (int i = 0; i < 20; i++)
		gort_gc();
	gort_waitgroup_wait(&done);
}

#endif
