/* Faults of C's end the program, with the frames of both worlds; a program that dies ends, whatever is broken. */
#include "case.h"

void fault_in_c(int64_t *p);
void trap_in_c(void);
void nowhere_in_c(void);
void call_deeper(int64_t depth);
void go_on(int64_t depth);
void quit(void);
void quit_soon(void);
void rest_in_c(void);
void rest_blocked(void);
void crash_on_a_thread(void);
void fault_when_freed(void);
void trace_c(void *argument);
void name_c(void *argument);
void name_and_fault(void *argument);
void name_and_hang(void *argument);
void break_malloc(void);
void break_frames(void);
void call_and_rest(void);
void rest_in_go(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(fault_in_c);
GORT_CCALL(trap_in_c);
GORT_CCALL(nowhere_in_c);
GORT_CCALL(call_deeper);
GORT_CCALL(quit);
GORT_CCALL(quit_soon);
GORT_CCALL(rest_in_c);
GORT_CCALL(rest_blocked);
GORT_CCALL(crash_on_a_thread);
GORT_CCALL(break_malloc);
GORT_CCALL(break_frames);
GORT_CCALL(call_and_rest);
GORT_CCALL_NONBLOCKING(fault_when_freed);

#define NOINLINE __attribute__((noinline))

NOINLINE static void outer(int64_t *p)
{
	go_fault_in_c(p);
}

// exit 2
// then SIGSEGV: segmentation violation
// then PC=0x
// then  m=0 sigcode=1 addr=0x10
// then signal arrived during cgo execution
// then goroutine 1 [syscall]:
// then inner_fault
// then crashes.c:
// then  pc=0x
// then fault_in_c
// then outer(...)
// then case_a_fault_in_c(...)
// then rax    0x
// then rbx    0x
// then r15    0x
// then rip    0x
// then rflags 0x
// then cs     0x33
// then fs     0x
// then gs     0x
CASE(a_fault_in_c)
{
	outer((int64_t *)16);
}

static void wait_for_ever(void *c)
{
	gort_chanrecv(c, NULL);
}

static void rests(void *unused)
{
	go_rest_in_c();
}

static void runs(void *unused)
{
	for (volatile int64_t i = 0;;)
		i++;
}

/* What runs may be met between two turns, where it has no frames to show. */
// env GORT_DEBUG=gcstress,poison,checkheap
// env GOMAXPROCS=4
// exit 2
// then SIGSEGV
// then goroutine 1 [syscall]:
// then fault_in_c
// then goroutine 2 [chan receive]:
// then wait_for_ever(...)
// then goroutine 3 [syscall]:
// then rest_in_c
// then rests(...)
// then goroutine 4 [
// then rax    0x
CASE(a_fault_among_others)
{
	gort_go(wait_for_ever, gort_makechan(8, 0));
	gort_go(rests, NULL);
	gort_go(runs, NULL);
	gort_sleep(50000000);
	outer(NULL);
}

__attribute__((used)) static void go_go_on(int64_t depth)
{
	if (depth == 0)
		outer((int64_t *)32);
	go_call_deeper(depth - 1);
}
GORT_EXPORT(go_on, go_go_on);

// exit 2
// then SIGSEGV: segmentation violation
// then addr=0x20
// then goroutine 1 [syscall]:
// then fault_in_c
// then outer(...)
// then go_go_on(...)
// then call_deeper
// then go_go_on(...)
// then call_deeper
// then case_a_fault_below_callbacks(...)
// then rax    0x
CASE(a_fault_below_callbacks)
{
	go_call_deeper(1);
}

// exit 2
// then SIGILL: illegal instruction
// then sigcode=2
// then signal arrived during cgo execution
// then instruction bytes: 0xf 0xb
// then trap_in_c
// then case_an_illegal_instruction_in_c(...)
CASE(an_illegal_instruction_in_c)
{
	go_trap_in_c();
}

// exit 2
// then PC=0x0 m=0 sigcode=1 addr=0x0
// then goroutine 1 [syscall]:
// then nowhere_in_c
// then case_a_call_to_nowhere_in_c(...)
CASE(a_call_to_nowhere_in_c)
{
	go_nowhere_in_c();
}

// exit 2
// then SIGSEGV: segmentation violation
// then goroutine 1 [running]:
// then fault_when_freed
// then case_a_fault_in_c_that_is_not_marked(...)
CASE(a_fault_in_c_that_is_not_marked)
{
	go_fault_when_freed();
}

// env GOTRACEBACK=crash
// signal 6
// then SIGSEGV: segmentation violation
// then fault_in_c
// then rax    0x
CASE(a_fault_with_a_core_dump)
{
	outer(NULL);
}

// signal 6
// then panic: core
CASE(a_panic_with_a_core_dump)
{
	gort_set_traceback("crash");
	gort_panic_string("core");
}

/* The thread is none of Go's: what would happen without it. */
// signal 11
CASE(a_fault_on_a_thread_of_c)
{
	go_crash_on_a_thread();
}

static void blocked(void *unused)
{
	go_rest_blocked();
}

// env GOMAXPROCS=4
// exit 2
// then SIGQUIT: quit
// then PC=0x
// then  m=
// then  sigcode=
// then goroutine
// then rax    0x
// stderr rest_in_c
// stderr rests(...)
// stderr wait_for_ever(...)
CASE(quit_shows_everything)
{
	gort_go(wait_for_ever, gort_makechan(8, 0));
	gort_go(rests, NULL);
	gort_go(runs, NULL);
	gort_go(blocked, NULL);
	gort_sleep(50000000);
	go_quit();
}

// exit 2
// then SIGQUIT: quit
// then goroutine 1 [sleep]:
// then case_quit_while_asleep(...)
CASE(quit_while_asleep)
{
	go_quit_soon();
	gort_sleep(60000000000);
}

// env GOTRACEBACK=all
// env GOMAXPROCS=4
// exit 2
// then panic: with all
// then goroutine 1 [running]:
// then goroutine 2 [syscall]:
// then rest_in_c
// then rests(...)
CASE(a_panic_shows_c_frames_of_others)
{
	gort_go(rests, NULL);
	gort_sleep(50000000);
	gort_panic_string("with all");
}

__attribute__((used)) static void go_rest_in_go(void)
{
	wait_for_ever(NULL);
}
GORT_EXPORT(rest_in_go, go_rest_in_go);

static void rests_below_c(void *unused)
{
	go_call_and_rest();
}

// env GOTRACEBACK=all
// exit 2
// then panic: with all
// then goroutine 1 [running]:
// then goroutine 2 [chan receive (nil chan), locked to thread]:
// then wait_for_ever(...)
// then go_rest_in_go(...)
// then call_and_rest
// then crashes.c:
// then rests_below_c(...)
CASE(a_panic_shows_c_frames_below_callbacks)
{
	gort_go(rests_below_c, NULL);
	gort_sleep(50000000);
	gort_panic_string("with all");
}

// env GOTRACEBACK=none
// exit 2
// then panic: with none
CASE(a_panic_shows_nothing)
{
	gort_panic_string("with none");
}

// exit 2
// then SIGSEGV
// then goroutine 1 [syscall]:
// then first of mine
// then 	mine.c:7 pc=0x1007
// then second of mine
// then 	mine.c:8 pc=0x1008
// then outer(...)
CASE(c_names_its_frames)
{
	gort_set_cgo_traceback(0, trace_c, NULL, name_c);
	outer(NULL);
}

// exit 2
// then SIGSEGV
// then non-Go function at pc=0x1007
// then non-Go function at pc=0x1008
// then outer(...)
CASE(c_only_finds_its_frames)
{
	gort_set_cgo_traceback(0, trace_c, NULL, NULL);
	outer(NULL);
}

// exit 2
// then SIGSEGV
// then goroutine 1 [syscall]:
// then panic during panic
// then pc=0x1007
// then pc=0x1008
// then rax    0x
CASE(a_fault_while_dying)
{
	gort_set_cgo_traceback(0, trace_c, NULL, name_and_fault);
	outer(NULL);
}

// exit 2
// then SIGSEGV
// then goroutine 1 [syscall]:
// then runtime: the names of what follows can't be found
// then pc=0x1007
// then pc=0x1008
// then rax    0x
CASE(a_hang_while_dying)
{
	gort_set_cgo_traceback(0, trace_c, NULL, name_and_hang);
	outer(NULL);
}

/* The C library gives up with malloc locked: names can't be looked up. */
// exit 2
// then SIGABRT: abort
// then signal arrived during cgo execution
// then goroutine 1 [syscall]:
// then runtime: the names of what follows can't be found
// then ?(...)
// then pc=0x
// then pc=0x
// then pc=0x
// then rax    0x
CASE(malloc_is_broken)
{
	gort_go(rests, NULL);
	gort_sleep(50000000);
	go_break_malloc();
}

NOINLINE static void breaks_frames(void)
{
	go_break_frames();
	gort_gosched();
}

/* Go's frames are found all the same. */
// exit 2
// then SIGSEGV: segmentation violation
// then goroutine 1 [syscall]:
// then break_frames
// then breaks_frames(...)
// then case_frames_are_broken(...)
CASE(frames_are_broken)
{
	breaks_frames();
}

#else

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

__attribute__((noinline)) static int64_t inner_fault(volatile int64_t *p)
{
	return *p + 1;
}

void fault_in_c(int64_t *p)
{
	volatile int64_t result = inner_fault(p);
	result++;
}

void break_malloc(void)
{
	void *(*volatile allocate)(size_t) = malloc;
	char *last = allocate(100000);
	/* What is behind the last block is what the rest of the heap begins with: its size. */
	memset(last + malloc_usable_size(last), 0xff, sizeof(size_t));
	for (int i = 0; i < 100; i++)
		allocate(100000);
}

__attribute__((noinline)) void break_frames(void)
{
	uintptr_t *frame = __builtin_frame_address(0);
	frame[0] = 0x10;
	frame[1] = 0x20;
	__asm__ volatile("" : : "r"(frame) : "memory");
	*(volatile int *)frame[0] = 1;
}

void trap_in_c(void)
{
	__builtin_trap();
}

void nowhere_in_c(void)
{
	void (*volatile f)(void) = NULL;
	f();
	f = NULL;
}

void fault_when_freed(void)
{
	fault_in_c(NULL);
}

void call_deeper(int64_t depth)
{
	volatile int64_t after = depth;
	go_on(depth);
	after++;
}

void rest_in_c(void)
{
	for (;;)
		usleep(1000000);
}

void rest_blocked(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	rest_in_c();
}

void quit(void)
{
	kill(getpid(), SIGQUIT);
	rest_in_c();
}

static void *quits(void *unused)
{
	usleep(100000);
	kill(getpid(), SIGQUIT);
	return NULL;
}

void quit_soon(void)
{
	pthread_t t;
	sigset_t all, before;
	sigfillset(&all);
	/* Not to be taken by the thread itself. */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_create(&t, NULL, quits, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void *crashes(void *unused)
{
	fault_in_c(NULL);
	return NULL;
}

void crash_on_a_thread(void)
{
	pthread_t t;
	pthread_create(&t, NULL, crashes, NULL);
	pthread_join(t, NULL);
}

struct trace {
	uintptr_t context, signal_context, *pcs, max;
};

struct name {
	uintptr_t pc;
	const char *file;
	uintptr_t line;
	const char *function;
	uintptr_t entry, more, data;
};

void trace_c(void *argument)
{
	struct trace *t = argument;
	if (t->context != 0 || t->signal_context == 0)
		return;
	t->pcs[0] = 0x1007;
	t->pcs[1] = 0x1008;
	t->pcs[2] = 0;
}

void name_c(void *argument)
{
	struct name *n = argument;
	if (n->pc == 0)
		return;
	n->file = "mine.c";
	n->line = n->pc & 0xff;
	n->function = n->pc == 0x1007 ? "first of mine" : "second of mine";
}

void name_and_fault(void *argument)
{
	fault_in_c(NULL);
}

void name_and_hang(void *argument)
{
	rest_in_c();
}

void call_and_rest(void)
{
	rest_in_go();
	*(volatile int *)NULL = 1;
}

static void *crashes_below_go(void *unused)
{
	/* As little as the system takes, and 4 KiB. */
	static char own[64 << 10];
	stack_t small = {.ss_sp = own, .ss_size = getauxval(AT_MINSIGSTKSZ) + 4096};
	check_equal(sigaltstack(&small, NULL), 0);
	go_on(0);
	return NULL;
}

// exit 2
// then SIGSEGV: segmentation violation
// then signal arrived during cgo execution
// then fault_in_c
// then outer(...)
// then go_go_on(...)
// then crashes_below_go
// then rax    0x
C_CASE(a_fault_on_a_small_signal_stack)
{
	pthread_t t;
	pthread_create(&t, NULL, crashes_below_go, NULL);
	pthread_join(t, NULL);
}

#endif
