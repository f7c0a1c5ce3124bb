/* Faults of compiled Go become panics. */
#include "case.h"

void fault_in_go(int64_t what);
void call_fault(int64_t what);
void *no_access(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(call_fault);
GORT_CCALL(no_access);

#define NOINLINE __attribute__((noinline))

struct big {
	int64_t head[4];
	char bytes[4000];
};

static void *volatile nil;
static volatile int64_t zero;

/* Others might read it. */
struct big big;

NOINLINE static int64_t load_nil(void)
{
	return *(volatile int64_t *)((char *)nil + 8);
}

NOINLINE static void copy_nil(struct big *to)
{
	*to = *(struct big *)nil;
}

NOINLINE static void call_nil(void)
{
	((void (*)(void))nil)();
}

NOINLINE static int64_t divide(int64_t a)
{
	return a / zero;
}

static struct gort_value got;
static int recovered;

static void recover_value(void *unused)
{
	__atomic_add_fetch(&recovered, gort_recover(&got), __ATOMIC_RELAXED);
}

static int ends_with(const char *text)
{
	size_t n = 0;
	while (text[n])
		n++;
	if (got.kind != GORT_RUNTIME_ERROR || got.data.text.length != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (got.data.text.bytes[i] != text[i])
			return 0;
	return 1;
}

NOINLINE static int64_t run(int64_t what)
{
	switch (what) {
	case 0:
		return load_nil();
	case 1:
		return copy_nil(&big), 0;
	case 2:
		return call_nil(), 0;
	case 3:
		return divide(7);
	case 4:
		return *(volatile int64_t *)go_no_access();
	default:
		return *(volatile int64_t *)0x123456789000;
	}
}

NOINLINE static int64_t recovers(int64_t what)
{
	struct gort_defer d;
	if (gort_defer_push(&d, recover_value, NULL))
		return gort_defer_return(&d), -1;
	int64_t result = run(what);
	gort_defer_return(&d);
	return result;
}

static const char nil_text[] = "runtime error: invalid memory address or nil pointer dereference";

CASE(faults_are_recovered)
{
	for (int i = 0; i < 50; i++) {
		check_equal(recovers(0), -1);
		check(ends_with(nil_text));
		check_equal(recovers(1), -1);
		check(ends_with(nil_text));
		check_equal(recovers(2), -1);
		check(ends_with(nil_text));
		check_equal(recovers(3), -1);
		check(ends_with("runtime error: integer divide by zero"));
	}
	check_equal(recovered, 200);
}

/* Up to the end of a segment, where there is least room. */
NOINLINE static int64_t deep(int64_t depth)
{
	volatile char local[64];
	local[0] = (char)depth;
	if (depth == 0)
		return load_nil();
	return deep(depth - 1) + local[0];
}

NOINLINE static int64_t deep_recovers(int64_t depth)
{
	struct gort_defer d;
	if (gort_defer_push(&d, recover_value, NULL))
		return gort_defer_return(&d), -1;
	int64_t result = deep(depth);
	gort_defer_return(&d);
	return result;
}

static void deep_goroutine(void *group)
{
	for (int i = 0; i < 120; i++)
		check_equal(deep_recovers(i), -1);
	gort_waitgroup_done(group);
}

CASE(faults_at_the_end_of_a_segment)
{
	static struct gort_waitgroup group;
	gort_waitgroup_add(&group, 4);
	for (int i = 0; i < 4; i++)
		gort_go(deep_goroutine, &group);
	gort_waitgroup_wait(&group);
	check_equal(recovered, 480);
}

__attribute__((used)) static void go_fault(int64_t what)
{
	run(what);
}

GORT_EXPORT(fault_in_go, go_fault);

/* The panic gives up C's frames on its way. */
NOINLINE static int64_t recovers_through_c(int64_t what)
{
	struct gort_defer d;
	if (gort_defer_push(&d, recover_value, NULL))
		return gort_defer_return(&d), -1;
	go_call_fault(what);
	gort_defer_return(&d);
	return 0;
}

CASE(faults_are_recovered_through_c)
{
	for (int i = 0; i < 4; i++)
		check_equal(recovers_through_c(i), -1);
	check_equal(recovered, 4);
}

// exit 2
// stderr panic: runtime error: invalid memory address or nil pointer dereference
// stderr [signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x
// stderr goroutine 1 [running]:
// stderr load_nil(...)
// stderr faults.c:28
// stderr case_a_nil_pointer(...)
CASE(a_nil_pointer)
{
	load_nil();
}

// exit 2
// stderr panic: runtime error: integer divide by zero
// stderr [signal SIGFPE: floating-point exception code=0x1 addr=0x
// stderr divide(...)
CASE(a_division_by_zero)
{
	divide(7);
}

// exit 2
// stderr unexpected fault address 0x123456789000
// stderr fatal error: fault
// stderr [signal SIGSEGV: segmentation violation code=0x1 addr=0x123456789000 pc=0x
// stderr goroutine 1 [running]:
CASE(an_address_that_is_none)
{
	recovers(5);
}

// exit 2
// stderr unexpected fault address 0x
// stderr fatal error: fault
// stderr [signal SIGSEGV: segmentation violation code=0x2 addr=0x
CASE(an_address_without_access)
{
	recovers(4);
}

CASE(a_fault_panics_where_it_is_asked_to)
{
	check(!gort_set_panic_on_fault(true));
	check_equal(recovers(4), -1);
	check(ends_with(nil_text));
	check_equal(recovers(5), -1);
	check(gort_set_panic_on_fault(false));
	check_equal(recovered, 2);
}

// exit 2
// stderr panic: runtime error: invalid memory address or nil pointer dereference
// stderr 	panic: again
// stderr [signal SIGSEGV
CASE(a_panic_during_that_of_a_fault)
{
	struct gort_defer d;
	gort_defer_push(&d, (void (*)(void *))gort_panic_string, "again");
	load_nil();
	gort_defer_return(&d);
}

/* A panic that has nothing to do with the fault before isn't said to. */
// exit 2
// stderr panic: later
CASE(a_panic_after_a_fault)
{
	check_equal(recovers(0), -1);
	gort_panic_string("later");
}

#else

#include <sys/mman.h>

void call_fault(int64_t what)
{
	fault_in_go(what);
}

void *no_access(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

#endif
