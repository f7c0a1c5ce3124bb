/*
 * Pointers to Go's memory in C's memory: what GODEBUG=cgocheck=2 finds, as Go's own tests have it (the cases barrier… of ptr_test.go). Without it they pass:
 * the table is all of them, and each that is to be found is a case as well.
 */
#include "case.h"

#ifdef GORT_GO_TEXT

#include "rules_types.h"

enum { HUGE = 32769 };

static const struct gort_type ten = {.size = 80, .ptrdata = 80, .kind = GORT_KIND_ARRAY, .align = 8, .len = 10, .elem = &pointer_to_char};
static const struct gort_type huge = {
	.size = HUGE * 8, .ptrdata = HUGE * 8, .kind = GORT_KIND_ARRAY, .align = 8, .len = HUGE, .elem = &pointer_to_char};
static const struct gort_type huge_struct = {
	.size = HUGE * 8, .ptrdata = HUGE * 8, .kind = GORT_KIND_STRUCT, .align = 8, .len = 1, FIELDS({&huge, 0})};

/* Storing a pointer. */
static void barrier(void)
{
	void *p = gort_malloc(8);
	gort_store(p, gort_new(&char_type));
	gort_free(p);
}

static void barrierpinnedok(void)
{
	struct gort_pinner pinner = {0};
	void *p = gort_malloc(8);
	void *volatile x = gort_new(&char_type);
	gort_pinner_pin(&pinner, ANY(pointer_to_char, x));
	gort_store(p, x);
	gort_free(p);
	gort_pinner_unpin(&pinner);
}

/* Assigning a large value, from the stack. */
static void barrierstruct(void)
{
	void *p = gort_malloc(80);
	void *a[10] = {gort_new(&char_type)};
	gort_typed_memmove(&ten, p, a, 1);
	gort_free(p);
}

/* copy(p.a[:], []*C.char{…}): elements, not arrays. */
static void barrierslice(void)
{
	void *p = gort_malloc(80);
	void **s = gort_new_array(&pointer_to_char, 1);
	s[0] = gort_new(&char_type);
	gort_typed_memmove(&pointer_to_char, p, s, 1);
	gort_free(p);
}

static void store_huge(const struct gort_type *type)
{
	void *p = gort_malloc(HUGE * 8);
	void **n = gort_new(type);
	n[0] = gort_new(&char_type);
	gort_typed_memmove(type, p, n, 1);
	gort_free(p);
}

static void barriergcprogarrayheap(void)
{
	store_huge(&huge);
}

static void barriergcprogstructheap(void)
{
	store_huge(&huge_struct);
}

/* The source on the stack, which grows for it. */
static __attribute__((noinline)) void store_huge_from_stack(const struct gort_type *type)
{
	void *p = gort_malloc(HUGE * 8);
	void *n[HUGE];
	memset(n, 0, sizeof n);
	n[HUGE - 1] = gort_new(&char_type);
	gort_typed_memmove(type, p, n, 1);
	gort_free(p);
}

static void barriergcprogarray(void)
{
	store_huge_from_stack(&huge);
}

static void barriergcprogstruct(void)
{
	store_huge_from_stack(&huge_struct);
}

/* ptrdata1, ptrdata2: *q = *p, where p holds a number that looks like a pointer. */
static void ptrdata(void)
{
	struct { void *p; char a[64]; uintptr_t u; } from = {.u = (uintptr_t)gort_new(&int_type)}, *to = gort_malloc(sizeof from);
	gort_typed_memmove(&pointer_bytes_number, to, &from, 1);
	gort_free(to);
}

static void *variable;

/* What is Go's: the heap, stacks, also those of others, and roots. */
static void store_in(void *slot)
{
	gort_store(slot, gort_new(&int_type));
}

static __attribute__((noinline)) void store_far_up(void *slot, int depth)
{
	volatile char room[2000];
	room[0] = (char)depth;
	if (depth == 0)
		store_in(slot);
	else
		store_far_up(slot, depth - 1);
	check_equal(room[0], (char)depth);
}

struct elsewhere {
	void *slot;
	struct gort_waitgroup done;
};

static void store_elsewhere(void *arg)
{
	struct elsewhere *elsewhere = arg;
	store_in(elsewhere->slot);
	gort_waitgroup_done(&elsewhere->done);
}

static void store_in_stack_of(int depth)
{
	volatile char room[3000];
	room[0] = (char)depth;
	void *volatile local = NULL;
	struct elsewhere elsewhere = {(void *)&local};
	gort_waitgroup_add(&elsewhere.done, 1);
	gort_go(store_elsewhere, &elsewhere);
	gort_waitgroup_wait(&elsewhere.done);
	check(local != NULL);
	if (depth > 0)
		store_in_stack_of(depth - 1);
	check_equal(room[0], (char)depth);
}

static void gos_memory(void)
{
	void *volatile local = NULL;
	store_in((void *)&local);
	store_far_up((void *)&local, 100);
	store_in_stack_of(60);
	store_in(gort_new(&has_pointer));
	gort_add_roots(&variable, sizeof variable);
	store_in(&variable);
}

/* What isn't a pointer to the heap may be stored anywhere, and within C's memory anything may be copied. */
static void other_pointers(void)
{
	static char constant[] = "text";
	int local;
	void **p = gort_malloc(16);
	gort_store(p, constant);
	gort_store(p, NULL);
	gort_store(p, &local);
	gort_store(p, p);
	p[1] = p[0];
	gort_typed_memmove(&two_pointers, p, p, 1);
	gort_typed_memclr(&two_pointers, p, 1);
	gort_free(p);
}

// env GODEBUG=cgocheck=1
CASE(stores_are_not_checked_at_level_1)
{
	barrier();
	barrierpinnedok();
	barrierstruct();
	barrierslice();
	barriergcprogarray();
	barriergcprogarrayheap();
	barriergcprogstruct();
	barriergcprogstructheap();
	ptrdata();
	gos_memory();
	other_pointers();
}

// env GODEBUG=cgocheck=2
CASE(stores_that_may_be_at_level_2)
{
	barrierpinnedok();
	ptrdata();
	gos_memory();
	other_pointers();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr write of unpinned Go pointer 0x
// stderr  to non-Go memory 0x
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_pointer_at_level_2)
{
	barrier();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_struct_at_level_2)
{
	barrierstruct();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_slice_elements_at_level_2)
{
	barrierslice();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_huge_array_at_level_2)
{
	barriergcprogarray();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_huge_array_of_the_heap_at_level_2)
{
	barriergcprogarrayheap();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_huge_struct_at_level_2)
{
	barriergcprogstruct();
}

// env GODEBUG=cgocheck=2
// exit 2
// stderr fatal error: unpinned Go pointer stored into non-Go memory
CASE(store_of_a_huge_struct_of_the_heap_at_level_2)
{
	barriergcprogstructheap();
}

static void churn(void *arg)
{
	struct gort_waitgroup *done = arg;
	void **volatile list = NULL;
	for (int i = 0; i < 20000; i++) {
		void **node = gort_new(&has_pointer);
		gort_store(node, i % 100 ? (void *)list : NULL);
		list = node;
	}
	gort_waitgroup_done(done);
}

/* The collector marks meanwhile: both reasons for the slow way at once. */
// env GODEBUG=cgocheck=2
// env GORT_DEBUG=checkheap
CASE(stores_are_checked_while_the_collector_marks)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 4);
	for (int i = 0; i < 4; i++)
		gort_go(churn, &done);
	for (int i = 0; i < 10; i++)
		gort_gc();
	gort_waitgroup_wait(&done);
}

#endif
