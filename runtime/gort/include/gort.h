/*
 * gort.h: the runtime's C ABI.
 *
 * Compiled Go calls these functions, and so does C that was built like compiled Go: `clang -fsplit-stack -fno-omit-frame-pointer`, which checks its
 * stack where Go does and calls __morestack when it runs out. Rust has an API of its own in the crate `gort`.
 *
 * Beside each function stands from where it may be called:
 *
 *   [Go]       a goroutine, on its own stack. It may be another thread's when the function returns: addresses of thread-local variables (errno is
 *              one) must not be kept across the call.
 *   [C]        C that Go has called, or that runs on a thread of its own.
 *   [any]      both.
 *
 * A goroutine's memory, its stack included, never moves: pointers to locals may be given to other goroutines and to C.
 *
 * How to build a program:
 *
 *   clang-19 -O2 -fsplit-stack -fno-omit-frame-pointer -fno-optimize-sibling-calls -DGORT_GO_TEXT -c go_side.c     what stands in for Go
 *   gcc -O2 -c c_side.c                                                                                            C like any other
 *   gcc go_side.o c_side.o libgort.a -Wl,-z,now -pthread -lm -ldl                                                  GNU ld
 *
 * libgort.a is what `cargo build --release --package gort --features archive` makes.
 *
 * and a library that C programs load (compile with -fPIC; nobody else must find the runtime's symbols):
 *
 *   gcc -shared go_side.o c_side.o libgort.a -Wl,-z,now,--exclude-libs,ALL -pthread -lm -ldl
 *
 * Go keeps the frame of a function that ends with a call; without -fno-optimize-sibling-calls it would be missing from tracebacks.
 * -z now because binding a symbol at its first call takes more stack than a goroutine has. Not gold or lld: they rewrite the stack checks of functions
 * that call unchecked ones. What is compiled with -fsplit-stack may call C only through stubs (GORT_CCALL), since C checks no stack; that includes
 * libc, and what the compiler calls by itself (memcpy and its like are leaves that need next to nothing: they may be called).
 *
 * The environment, read when the runtime starts:
 *
 *   GOMAXPROCS=n               how many goroutines run Go at the same time; as many as there are processors, unless it says otherwise
 *   GOTRACEBACK=level          what a program that dies shows: none, single (its goroutine), all, system, or crash (all, and a core dump)
 *   GORT_DEBUG=preempt         goroutines are interrupted, and processors taken from C, as often as can be
 *   GORT_DEBUG=nomembarrier    as on a system that has no membarrier: every return from C executes a fence
 *   GORT_TRACE=FILE            every call between Go and C goes to the file, for Perfetto or chrome://tracing, and a table to standard error when the
 *                              program ends; `summary` instead of a file: the table only (docs/runtime/trace.md)
 */
#ifndef GORT_H
#define GORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Compiled Go lies in the section gotext. Only there may the runtime interrupt a goroutine by signal to let another run: anywhere else it may
 * hold a lock.
 */
#if defined(GORT_GO_TEXT) && defined(__clang__)
#pragma clang section text = "gotext"
#endif

#ifdef __cplusplus
#define GORT_C extern "C"
extern "C" {
#else
#define GORT_C extern
#endif

#define GORT_NORETURN __attribute__((noreturn))

/* ---- Life ------------------------------------------------------------------------------------------------------------------------------- */

/*
 * Runs the program: main_goroutine(arg) becomes the first goroutine, on the calling thread, which is to be the process's first. When
 * main_goroutine returns, the process ends as when C's main returns 0, whatever other goroutines do; gort_main itself doesn't return. To be called
 * once, from C, and not after gort_start. The arguments are kept for gort_arguments.
 */
int gort_main(int argc, char **argv, void (*main_goroutine)(void *), void *arg);

/*
 * Starts the runtime as a guest, in a library whose host has the program's main. Returns at once; goroutines run on threads of the runtime's own.
 * Any number of times, from any thread. [C]
 */
void gort_start(void);

/*
 * The initialisers of a library's Go packages: init, a function of Go's, calls them in their order. It runs once, in a goroutine of its own, from when
 * the library's constructors run or, if one of them calls Go, from then. Calls of Go by threads of C's wait until it has returned; those by C that Go
 * has called don't. Written once, in a file for Go:
 *
 *   GORT_LIBRARY(init);
 */
#define GORT_LIBRARY(init) \
	static void gort_announce_##init(void) { gort_announce(init); } \
	__attribute__((section(".init_array.00002"), used)) static void (*const gort_announced_##init)(void) = gort_announce_##init; \
	__attribute__((constructor)) static void gort_start_##init(void) { gort_start(); }
void gort_announce(void (*init)(void));

/* How many arguments the program has, and where they are (argv may be null): os.Args, in a program and in a library. [any] */
int gort_arguments(char ***argv);

/*
 * The library can be unloaded. It can't before: dlclose then leaves it where it is, since goroutines, threads and signal handlers need its code.
 *
 * 0: threads have ended, memory, signal handlers and all else are given back; nothing of Go may be called any more, and whoever has the library open
 * may dlclose it, and load it again. Otherwise nothing has changed, and the number says why; gort_shutdown_error has words for it. Threads of C's
 * other than the caller's that have called Go must have ended, or called gort_detach. [C]
 */
int gort_shutdown(void);
const char *gort_shutdown_error(int error);

enum gort_busy {
	GORT_IN_GO = 1,      /* the caller was called by Go */
	GORT_PROGRAM = 2,    /* the program is the runtime's own: gort_main */
	GORT_GOROUTINES = 3, /* some run or wait */
	GORT_TIMERS = 4,     /* some are set */
	GORT_THREADS = 5,    /* other threads of C's have called Go and have not ended */
	GORT_HANDLERS = 6,   /* somebody has put a signal handler in place of one of the runtime's, and may call that */
	GORT_STUBBORN = 7,   /* the runtime has threads that never end */
};

/*
 * Gives back what the calling thread has of the runtime's, as its end does; its next call of Go takes it again. In a call by Go it does
 * nothing. [C]
 */
void gort_detach(void);

/* Ends the process at once, whatever still runs: like os.Exit it doesn't ask C's atexit functions. [any] */
GORT_NORETURN void gort_exit(int status);

/* ---- Goroutines ------------------------------------------------------------------------------------------------------------------------- */

/* `go fn(arg)`. [any] */
void gort_go(void (*fn)(void *), void *arg);

/* Lets other goroutines run; this one goes to the end of the global queue. [Go] */
void gort_gosched(void);

/* Ends the goroutine after running what it has deferred. The goroutine of main: the program goes on until all are asleep. [Go] */
GORT_NORETURN void gort_goexit(void);

/* At most n goroutines run Go at the same time from now on. n < 1 only asks. Returns what held before. [Go] */
int gort_gomaxprocs(int n);

/* Goroutines that exist. [any] */
int gort_numgoroutine(void);

/* The goroutine stays on this thread, and no other runs on it, until it has unlocked as often as it has locked, or ends (and the thread with it). [Go] */
void gort_lock_os_thread(void);
void gort_unlock_os_thread(void);

/* This goroutine, for gort_ready. Goroutines that have ended are used again: the value is good for as long as the goroutine is. [Go] */
void *gort_self(void);

/*
 * Waits until gort_ready is called for this goroutine. One call of gort_ready is kept while the goroutine isn't waiting, so that none is lost between
 * looking at a condition and parking; a second one before it parks is the same as one. [Go]
 */
void gort_park(void);

/* Lets the goroutine's gort_park return, this time or the next. [any] */
void gort_ready(void *g);

/* The goroutine's number, as a goroutine dump shows it; the first has 1. [Go] */
uint64_t gort_goid(void);

/* ---- Channels --------------------------------------------------------------------------------------------------------------------------- */

/* A channel. A null pointer is Go's nil channel: sending and receiving wait for ever. Any goroutine may use it at any time. */
typedef struct gort_chan gort_chan;

/* `make(chan T, cap)` for elements of elem_size bytes. Panics where Go does ("makechan: size out of range"). [any] */
gort_chan *gort_makechan(size_t elem_size, size_t cap);

/* Gives the memory back. Nobody waits at the channel or will use it again. (With a collector, compiled Go will not call it.) [any] */
void gort_freechan(gort_chan *c);

/* `c <- *elem`. Waits for room or a receiver. Panics when the channel is closed. elem may be null when elements have no bytes. [Go] */
void gort_chansend(gort_chan *c, const void *elem);

/*
 * `*elem, ok = <-c`. Waits for an element. Returns false, with *elem zeroed, when the channel is closed and empty. A null elem drops the
 * element. [Go]
 */
bool gort_chanrecv(gort_chan *c, void *elem);

/* The same without waiting: whether it was sent. Panics when the channel is closed. [Go] */
bool gort_try_send(gort_chan *c, const void *elem);

/* Without waiting: whether there was an element or the channel is closed; *received (unless null) tells which, as gort_chanrecv's result. [Go] */
bool gort_try_recv(gort_chan *c, void *elem, bool *received);

/* `close(c)`. Panics on a nil or closed channel. [Go] */
void gort_closechan(gort_chan *c);

/* Elements in the buffer, and how many have room in it; 0 for a nil channel. [any] */
size_t gort_chanlen(const gort_chan *c);
size_t gort_chancap(const gort_chan *c);

enum gort_direction { GORT_RECV = 0, GORT_SEND = 1 };

/* One case of a select. The array lies on the goroutine's stack or where it pleases, and is the runtime's until gort_select returns. */
struct gort_case {
	gort_chan *c; /* null: never ready */
	void *elem;   /* where to receive to (null: dropped), or what to send */
	int32_t dir;  /* enum gort_direction */
	int32_t reserved;
	uintptr_t room[6]; /* the runtime's */
};

/*
 * select: waits until a case can go on, does it, and returns its number; of several that can, any (at random). With has_default it doesn't wait, and
 * returns -1 when none can. *received (unless null): for a receiving case, whether an element came (false: closed). Panics when the chosen case
 * sends on a closed channel. n = 0 without a default waits for ever. n is at most 65,536. [Go]
 */
int gort_select(struct gort_case *cases, int n, bool has_default, bool *received);

/* ---- Waiting for one another ------------------------------------------------------------------------------------------------------------ */

/* sync.WaitGroup; all zero to begin with. */
struct gort_waitgroup {
	uint64_t state; /* high half: what is still to be done; low half: who waits */
	uint32_t sema;
};

/* Panics where Go does ("sync: negative WaitGroup counter"). [Go] */
void gort_waitgroup_add(struct gort_waitgroup *wg, int delta);
void gort_waitgroup_done(struct gort_waitgroup *wg);
/* Waits until as many are done as were added. [Go] */
void gort_waitgroup_wait(struct gort_waitgroup *wg);

/* Waits until *sema > 0 and takes one off, in one step. [Go] */
void gort_semacquire(uint32_t *sema);
/* Adds one to *sema and wakes one who waits at it. [Go] */
void gort_semrelease(uint32_t *sema);

/* ---- Time ------------------------------------------------------------------------------------------------------------------------------- */

/* Sleeps for at least so many nanoseconds; not at all for 0 or less. [Go] */
void gort_sleep(int64_t ns);

/* A clock that only goes forward (CLOCK_MONOTONIC), in nanoseconds. [any] */
int64_t gort_nanotime(void);

typedef struct gort_timer gort_timer;

/* time.AfterFunc: runs fn(arg) in a goroutine of its own after so many nanoseconds. [any] */
gort_timer *gort_timer_start(int64_t ns, void (*fn)(void *), void *arg);

/* Whether that prevented fn from being run; false when it was, or the timer is stopped. Doesn't wait for a running fn. [any] */
bool gort_timer_stop(gort_timer *t);

/* Runs fn so many nanoseconds from now instead. Whether the timer was still to run before. [any] */
bool gort_timer_reset(gort_timer *t, int64_t ns);

/* Stops it and gives its memory back. [any] */
void gort_timer_free(gort_timer *t);

/* ---- Input and output ------------------------------------------------------------------------------------------------------------------- */

/*
 * Files for which the goroutine waits, and no thread: descriptors of the system's, made non-blocking and known to the network poller. Results below
 * zero are -errno. A close wakes who waits for the descriptor; the others' calls return -EBADF.
 */

/* fds[0] is read from, fds[1] written to. 0 or -errno. [Go] */
int gort_pipe(int fds[2]);

/* How many bytes came, 0 at the end, or -errno. Waits until there is one at least. [Go] */
ssize_t gort_read(int fd, void *bytes, size_t n);

/* Writes all n bytes, waiting as often as need be: n, or -errno. SIGPIPE is not raised for sockets. [Go] */
ssize_t gort_write(int fd, const void *bytes, size_t n);

/* 0 or -errno. [Go] */
int gort_close(int fd);

/* Listens for TCP on 127.0.0.1; port 0: one that is free. A descriptor or -errno. [Go] */
int gort_listen(uint16_t port);

/* The port of a socket's own side, or -errno. [Go] */
int gort_local_port(int fd);

/* The next connection: a descriptor or -errno. [Go] */
int gort_accept(int fd);

/* A TCP connection to 127.0.0.1: a descriptor or -errno. [Go] */
int gort_connect(uint16_t port);

/* ---- Go calls C ------------------------------------------------------------------------------------------------------------------------- */

/*
 * A C function `name` gets a stub `go_name` with the same prototype, which compiled Go calls as it would call the function: arguments and results are
 * where they are anyway, the stub only has C run on the thread's system stack. Meanwhile others may run Go in this goroutine's place. To be
 * written once in a program, in a file where the function is declared:
 *
 *   int add(int a, int b);
 *   GORT_CCALL(add);                                       … int sum = go_add(1, 2);
 */
#define GORT_CCALL(name) \
	GORT_DECLARE_STUB(name); \
	GORT_CROSSING(name, "%rbx", "", "pushq %rbx\n .cfi_offset %rbx, -24\n", "", "", "popq %rbx\n popq %rbp\n")

/*
 * For functions with arguments on the stack (structs of more than 16 bytes by value, the seventh word on): how many bytes of them there are, each
 * argument rounded up to 8.
 */
#define GORT_CCALL_STACK(name, bytes) \
	GORT_DECLARE_STUB(name); \
	GORT_CROSSING_STACK(name, GORT_COPY_ARGUMENTS(#bytes))

/*
 * For functions whose only argument is a struct of 3 to 6 words without floating-point numbers. C wants it on the stack; Go has each word in a register
 * of its own. So has the stub: each word goes straight to C's stack, instead of to the goroutine's stack first. Its prototype stands before this:
 *
 *   int64_t sum(struct four);
 *   int64_t go_sum(int64_t a, int64_t b, int64_t c, int64_t d) __attribute__((visibility("hidden")));
 *   GORT_CCALL_WORDS(sum, 4);
 */
#define GORT_CCALL_WORDS(name, words) GORT_CROSSING_STACK(name, GORT_PUSH_##words)

#define GORT_PUSH_3 "subq $8, %rsp\n pushq %rdx\n pushq %rsi\n pushq %rdi\n"
#define GORT_PUSH_4 "pushq %rcx\n pushq %rdx\n pushq %rsi\n pushq %rdi\n"
#define GORT_PUSH_5 "subq $8, %rsp\n pushq %r8\n" GORT_PUSH_4
#define GORT_PUSH_6 "pushq %r9\n pushq %r8\n" GORT_PUSH_4

/*
 * What a compiler would put in the place of each call: the way to C and back, as runtime/stack/src/x86_64/call.rs explains it, without a jump to it.
 * The offsets are those of abi::thread. The thread is in rbx, which is kept below rbp. Stubs that put arguments on C's stack have stores enough, of which
 * the processor does one a cycle: they leave rbx's place empty and look the thread up again afterwards, which is the same since C's frames are on it.
 * Each begins a cache line: from three lines a call takes a quarter longer than from two.
 */
#define GORT_CROSSING_STACK(name, arguments) \
	GORT_CROSSING(name, "%r10", "_r10", "subq $8, %rsp\n", arguments, GORT_FIND_THREAD("%r10"), "leave\n")

#define GORT_CROSSING(name, thread, by, keep, arguments, again, close) \
	__asm__(".pushsection .text.gort_stubs, \"ax\", @progbits\n" \
		".p2align 6\n" \
		".globl go_" #name "\n" \
		".hidden go_" #name "\n" \
		".type go_" #name ", @function\n" \
		"go_" #name ":\n" \
		".cfi_startproc\n" \
		"pushq %rbp\n" \
		".cfi_def_cfa_offset 16\n" \
		".cfi_offset %rbp, -16\n" \
		"movq %rsp, %rbp\n" \
		".cfi_def_cfa_register %rbp\n" \
		keep \
		GORT_FIND_THREAD(thread) \
		"movq %rsp, " GORT_TEXT(GORT_THREAD_GO_SP) "(" thread ")\n" \
		"incq " GORT_TEXT(GORT_THREAD_CALLS) "(" thread ")\n" \
		"movq " GORT_TEXT(GORT_THREAD_SYSTEM_SP) "(" thread "), %rsp\n" \
		arguments \
		"call " #name "@PLT\n" \
		".Lgort_back_" #name ":\n" \
		again \
		"leaq -8(%rbp), %rsp\n" \
		"cmpq %rsp, " GORT_TEXT(GORT_THREAD_GO_SP) "(" thread ")\n" \
		"jne gort_ccall_jumped" by "\n" \
		"movq $0, " GORT_TEXT(GORT_THREAD_GO_SP) "(" thread ")\n" \
		"cmpl $0, " GORT_TEXT(GORT_THREAD_RETAKE) "(" thread ")\n" \
		"jne gort_ccall_slow" by "\n" \
		close \
		".cfi_def_cfa %rsp, 8\n" \
		"ret\n" \
		".cfi_endproc\n" \
		".size go_" #name ", . - go_" #name "\n" \
		".popsection\n" \
		GORT_STUB_ENTRY("go_" #name, ".Lgort_back_" #name, #name, "0"))

/*
 * What the tracer knows a stub by (GORT_TRACE): a place in it, the function's name, and what the place is: 0, where its call returns to; 1, an
 * instruction that loads the function's address. Data that nobody else looks at; it stays in a program as long as the stub does.
 */
#define GORT_STUB_ENTRY(stub, place, name, kind) \
	".pushsection .rodata.gort_names, \"aMS\", @progbits, 1\n" \
		"771: .asciz \"" name "\"\n" \
		".popsection\n" \
		".pushsection gort_stubs, \"ao\", @progbits, " stub "\n" \
		".p2align 2\n" \
		".long " place " - ., 771b - ., " kind "\n" \
		".popsection\n"

/* In a program the linker knows where the word is. */
#if defined(__PIC__) && !defined(__PIE__)
#define GORT_FIND_THREAD(register) "movq gort_thread@GOTTPOFF(%rip), " register "\n movq %fs:(" register "), " register "\n"
#else
#define GORT_FIND_THREAD(register) "movq %fs:gort_thread@TPOFF, " register "\n"
#endif

/* Sixteen bytes at a time: one more word than there is, perhaps, of what the caller has on its stack anyway. xmm8 carries no argument. */
#define GORT_COPY_ARGUMENTS(bytes) \
	"subq $((" bytes ") + 15) & -16, %rsp\n" \
	".set .Lgort_at, 0\n" \
	".rept ((" bytes ") + 15) / 16\n" \
	"movups 16 + .Lgort_at(%rbp), %xmm8\n" \
	"movups %xmm8, .Lgort_at(%rsp)\n" \
	".set .Lgort_at, .Lgort_at + 16\n" \
	".endr\n"

#define GORT_THREAD_GO_SP 0
#define GORT_THREAD_RETAKE 8
#define GORT_THREAD_CALLS 16
#define GORT_THREAD_SYSTEM_SP 24
#define GORT_TEXT(number) GORT_TEXT_OF(number)
#define GORT_TEXT_OF(number) #number

/*
 * For functions that take a few microseconds at most and never call Go (#cgo noescape/nocallback): nobody is told of the call, so that nobody can
 * run Go meanwhile, and a stop of the world waits for it. One that calls Go all the same ends the program.
 */
#define GORT_CCALL_NONBLOCKING(name) \
	GORT_DECLARE_STUB(name); GORT_STUB(go_##name, ".hidden", name, "", "gort_ccall_nonblocking")

#define GORT_DECLARE_STUB(name) GORT_C __typeof__(name) go_##name __attribute__((visibility("hidden")))

/* The target's address goes through the GOT only where the linker finds it in a shared library; elsewhere it makes a lea of the load. */
#define GORT_STUB(stub, visibility, target, extra, entry) \
	__asm__(".pushsection .text.gort_stubs, \"ax\", @progbits\n" \
		".p2align 4\n" \
		".globl " #stub "\n" \
		visibility " " #stub "\n" \
		".type " #stub ", @function\n" \
		#stub ":\n" \
		".Lgort_stub_" #stub ":\n" \
		".cfi_startproc\n" \
		"movq " #target "@GOTPCREL(%rip), %r11\n" \
		extra \
		"jmp " entry "\n" \
		".cfi_endproc\n" \
		".size " #stub ", . - " #stub "\n" \
		".popsection\n" \
		GORT_STUB_ENTRY(#stub, ".Lgort_stub_" #stub, #target, "1"))

/* The official way: fn(arg) on the system stack. Returns what fn leaves in the register for an int (cgo's wrappers: errno). [Go] */
int32_t gort_cgocall(void (*fn)(void *), void *arg);

/*
 * Around something that may block the thread without a call through a stub (a system call): others may run Go in this goroutine's place. In between,
 * nothing of this header may be called, nor anything that checks its stack. [Go]
 */
void gort_entersyscall(void);
void gort_exitsyscall(void);

/* ---- C calls Go ------------------------------------------------------------------------------------------------------------------------- */

/*
 * The C function c_name, which runs go_fn: on the goroutine that has called C, or, on a thread that no Go has called, on one that the
 * thread keeps until it ends. A library that is still starting is waited for. Written once, beside both prototypes, in any file:
 *
 *   static int go_add(int a, int b) { return a + b; }      in a file for Go; static functions need __attribute__((used))
 *   int add(int a, int b);
 *   GORT_EXPORT(add, go_add);
 */
#define GORT_EXPORT(c_name, go_fn) GORT_STUB(c_name, ".globl", go_fn, GORT_STARTS, "gort_callback")

/* With arguments on the stack: see GORT_CCALL_STACK. */
#define GORT_EXPORT_STACK(c_name, go_fn, bytes) \
	GORT_STUB(c_name, ".globl", go_fn, GORT_STARTS "movl $(" #bytes "), %r10d\n", "gort_callback_stack")

/* Has the linker take the part of the runtime that the first call starts it with. */
#define GORT_STARTS ".reloc ., R_X86_64_NONE, gort_start\n"

/* The official way: runs fn(arg), where arg points at n bytes of arguments and results. ctxt: the C traceback's context, or 0. [C] */
void crosscall2(void (*fn)(void *), void *arg, int32_t n, uintptr_t ctxt);

/*
 * runtime.SetCgoTraceback, version 0: C functions that put C's frames into tracebacks. traceback and symbolizer may be called from a signal handler;
 * context is called on every way from C into Go. Any of the three may be null. [any]
 */
void gort_set_cgo_traceback(int version, void *traceback, void *context, void *symbolizer);

/* ---- Panics ----------------------------------------------------------------------------------------------------------------------------- */

enum gort_kind {
	GORT_NIL,           /* panic(nil): arrives as a runtime error, as in Go since 1.21 */
	GORT_BOOL,          /* integer: 0 or 1 */
	GORT_INT,           /* integer */
	GORT_UINT,          /* integer, unsigned */
	GORT_FLOAT,         /* number */
	GORT_STRING,        /* text */
	GORT_ERROR,         /* an error; text: what Error() returns */
	GORT_RUNTIME_ERROR, /* a runtime.Error; text: what Error() returns */
	GORT_POINTER,       /* pointer: anything else; type says what it is */
};

/* What a panic carries. The text is not copied: it lasts as long as the panic, or as who recovers wants it. */
struct gort_value {
	uint32_t kind; /* enum gort_kind */
	uint32_t reserved;
	const char *type; /* its type's name where it isn't the kind's own ("main.Code"), or null */
	union {
		int64_t integer;
		double number;
		void *pointer;
		struct {
			const char *bytes;
			size_t length;
		} text;
	} data;
};

/* `panic(*v)`; the value is copied. Ends the program, with Go's words, when nobody recovers. [Go] */
GORT_NORETURN void gort_panic(const struct gort_value *v);

/* panic of a string that ends with NUL. [Go] */
GORT_NORETURN void gort_panic_string(const char *text);

/*
 * In a deferred function: ends the panic that the function was called for, and hands out its value. False where there is none. The value of a
 * Goexit is none. That the deferred function calls it itself, and not one that it calls, is up to the caller. [Go]
 */
bool gort_recover(struct gort_value *v);

/* One `defer` statement's record, on the frame of the function that defers. */
struct gort_defer {
	uintptr_t room[16]; /* the runtime's */
};

/*
 * `defer fn(arg)`. Returns 0; and 1, a second time, when fn has recovered a panic: the function then calls gort_defer_return as at its end and
 * returns. Like setjmp, it leaves locals that have changed since undefined unless they are volatile. [Go]
 *
 *   struct gort_defer first, second;
 *   if (gort_defer_push(&first, unlock, &mutex) || gort_defer_push(&second, log, file))
 *           return gort_defer_return(&first), -1;
 *   …
 *   gort_defer_return(&first);
 */
int gort_defer_push(struct gort_defer *record, void (*fn)(void *), void *arg) __attribute__((returns_twice));

/* Runs what the function has deferred and what has not run yet, last first, down to `first`, its first record. [Go] */
void gort_defer_return(struct gort_defer *first);

/* ---- Signals ---------------------------------------------------------------------------------------------------------------------------- */

/*
 * A fault of compiled Go's (a nil pointer, a division by zero) is a panic. One in C that Go has called ends the program, unless the host had a handler
 * for it before the runtime started; on a thread that isn't in a call of Go's it is the host's. gort_main takes the other signals as Go programs do:
 * SIGHUP, SIGINT and SIGTERM end the program, SIGQUIT does with a dump of all goroutines, others do nothing. gort_start leaves them to the host,
 * whose handlers get SA_ONSTACK. A handler that is installed later takes the place of the runtime's; for a fault of Go's it is to call that.
 */

/*
 * signal.Notify: c, a channel of int, is sent the signals' numbers as they come, when it has room; of n = 0, all. c stays until gort_signal_stop.
 * Panics where Go does ("os/signal: Notify using nil channel"). [Go]
 */
void gort_signal_notify(gort_chan *c, const int *signals, int n);

/* signal.Stop: what has come until now is sent, and nothing from then on. [any] */
void gort_signal_stop(gort_chan *c);

/* signal.Reset, signal.Ignore: for n = 0 all signals. [any] */
void gort_signal_reset(const int *signals, int n);
void gort_signal_ignore(const int *signals, int n);

/* signal.Ignored. [any] */
bool gort_signal_ignored(int signal);

/*
 * A write to standard output or standard error has failed with EPIPE: ends the program by SIGPIPE, as os.File does, unless that signal is ignored, or
 * somebody wants it. By itself SIGPIPE does nothing on the runtime's threads. [any]
 */
void gort_sigpipe(void);

/*
 * debug.SetPanicOnFault: whether a fault of this goroutine's at an address that isn't a nil pointer's is a panic, too, and not the end of the
 * program. What it was. [Go]
 */
bool gort_set_panic_on_fault(bool on);

/*
 * runtime.SetCPUProfileRate: hz times in a second of the process's CPU time, sample(arg, pcs, n) is called in a signal handler (SIGPROF) on the thread
 * that runs: pcs[0] is where it is, the others where calls return to, through C and Go as often as they have called each other, at most 100. On a
 * thread that Go hasn't called they are C's. hz 0 ends it: afterwards sample isn't called any more. [any]
 */
void gort_set_cpu_profile_rate(int hz, void (*sample)(void *arg, const uintptr_t *pcs, int n), void *arg);

/* debug.SetTraceback: "none", "single", "all", "system" or "crash". Not less than GOTRACEBACK says. [any] */
void gort_set_traceback(const char *level);

/* ---- Memory ----------------------------------------------------------------------------------------------------------------------------- */

/*
 * The collector's memory: found by pointers in goroutines' stacks (any word that looks like one), in the heap (the words of which the type says so) and
 * in ranges that were named as roots; interior pointers count. What nothing points to is freed. Memory never moves.
 *
 * A pointer that is nowhere but in C's memory keeps nothing alive. Neither does one in a register: compiled Go has all that it needs after a call on its
 * stack, but C keeps values in registers that a called function has to restore, and then they may lie in C's frames. So a local variable of a
 * function that stands in for compiled Go must be volatile if it alone holds a pointer across a call to C:
 *
 *   struct node *volatile root = gort_new(&node_type);
 *   go_some_c_function();
 */

/* reflect.Kind */
enum gort_type_kind {
	GORT_KIND_BOOL = 1,
	GORT_KIND_INT,
	GORT_KIND_INT8,
	GORT_KIND_INT16,
	GORT_KIND_INT32,
	GORT_KIND_INT64,
	GORT_KIND_UINT,
	GORT_KIND_UINT8,
	GORT_KIND_UINT16,
	GORT_KIND_UINT32,
	GORT_KIND_UINT64,
	GORT_KIND_UINTPTR,
	GORT_KIND_FLOAT32,
	GORT_KIND_FLOAT64,
	GORT_KIND_COMPLEX64,
	GORT_KIND_COMPLEX128,
	GORT_KIND_ARRAY,
	GORT_KIND_CHAN,
	GORT_KIND_FUNC,
	GORT_KIND_INTERFACE,
	GORT_KIND_MAP,
	GORT_KIND_POINTER,
	GORT_KIND_SLICE,
	GORT_KIND_STRING,
	GORT_KIND_STRUCT,
	GORT_KIND_UNSAFE_POINTER,
};

/* A type; a constant. */
struct gort_type {
	size_t size;            /* bytes of a value */
	size_t ptrdata;         /* bytes of the prefix that may hold pointers, a multiple of 8; 0: there are none */
	const uint8_t *ptrmask; /* bit i: word i of the prefix is a pointer; bits behind the prefix are 0; null: all are */
	uint8_t kind;           /* enum gort_type_kind */
	uint8_t align;
	uint8_t reserved[6];
	size_t len;                   /* elements of an array, fields of a struct */
	const struct gort_type *elem; /* of an array, channel, pointer or slice; null where nobody needs to know */
	const struct gort_field {
		const struct gort_type *type;
		size_t offset;
	} *fields; /* of a struct */
	const char *name; /* as Go writes it, or null */
};

/* A new value, all zeros; ends the program when there is no memory. Aligned to 16 bytes. [Go] */
void *gort_new(const struct gort_type *type);

/* `count` of them in a row. Panics ("makeslice: len out of range") when that is more than there are addresses. [Go] */
void *gort_new_array(const struct gort_type *type, size_t count);

/* Variables that may hold pointers into the heap: `bytes` from start on are looked at, word by word, for good. [any] */
void gort_add_roots(void *start, size_t bytes);

/* ---- The collector ---------------------------------------------------------------------------------------------------------------------- */

/*
 * It marks while the program runs. Compiled Go tells it of every pointer that it overwrites in the heap, or in a range of roots, where something may be
 * that the collector has not seen yet: all stores of pointers there, but those into memory that is new and that nobody else has, go through these. Stores
 * to the goroutine's own locals don't.
 *
 * The environment, as in Go: GOGC=percent or off; GOMEMLIMIT=bytes (KiB, MiB, …); GODEBUG=gctrace=1 writes a line for each collection to standard error.
 * GORT_DEBUG has, separated by commas: gctrace=1; gcstress, which collects at every allocation; poison, which fills freed memory with 0xdb; checkheap,
 * which looks through the whole heap at the end of each marking and each sweep.
 */

/* *slot = value. [Go] */
void gort_store(void *slot, const void *value);

/* Copies count values; the places may overlap. [Go] */
void gort_typed_memmove(const struct gort_type *type, void *to, const void *from, size_t count);

/* Makes count values zero. [Go] */
void gort_typed_memclr(const struct gort_type *type, void *place, size_t count);

/*
 * `make(chan T, cap)`: a channel that the collector frees, and whose elements it follows. gort_freechan does nothing with it. Where elements hold
 * pointers, it must be this one, or one of gort_makechan whose elements are kept alive by something else. [Go]
 */
gort_chan *gort_makechan_of(const struct gort_type *type, size_t cap);

/* runtime.GC: collects, and returns when everything that could be freed is. [Go] */
void gort_gc(void);

/* debug.SetGCPercent: the heap may grow by so many percent between collections; below 0: it grows as it likes. What it was. [any] */
int gort_set_gc_percent(int percent);

/* debug.SetMemoryLimit: with more memory than that, collections come sooner. Below 0 only asks. What it was. [any] */
int64_t gort_set_memory_limit(int64_t bytes);

/* ---- Finalizers, cleanups, weak pointers ------------------------------------------------------------------------------------------------ */

/*
 * What happens when the collector finds that an object can't be reached any more. Functions get a word and what they close over: an address, or
 * anything else; addresses keep alive what they point at. They are called one after the other, in a goroutine of the runtime's own, which
 * gort_numgoroutine doesn't count. One that waits for something makes all others wait.
 */

/*
 * runtime.SetFinalizer: fn(obj, closure) is called once when obj, which is the address of an object's first byte, is unreachable. Until then everything
 * that is reachable from obj lives on, and obj itself until a later collection finds it unreachable again. A null fn takes the finalizer off. Ends the
 * program where Go does ("runtime.SetFinalizer: finalizer already set"). [Go]
 */
void gort_set_finalizer(void *obj, void (*fn)(void *obj, void *closure), void *closure);

/*
 * runtime.AddCleanup: fn(arg, closure) is called when the object in which ptr lies is gone. Any number of them for an object. Returns a number for
 * gort_cleanup_stop, 0 for a variable of the program's, which is never gone. Panics where Go does: when arg or closure would keep the object alive. [Go]
 */
uint64_t gort_add_cleanup(void *ptr, void (*fn)(void *arg, void *closure), void *arg, void *closure);

/* Cleanup.Stop: it isn't called, unless it is due already. [Go] */
void gort_cleanup_stop(uint64_t cleanup);

/* A weak pointer, which is an object as well: it lives as long as somebody has its address. */
typedef struct gort_weak gort_weak;

/* weak.Make: the same for the same ptr, which may point into an object; also after the object is gone. Null for null. [Go] */
gort_weak *gort_weak_make(void *ptr);

/* Pointer.Value: what the weak pointer was made for; null once that is unreachable, and so before its finalizer is called. [Go] */
void *gort_weak_value(const gort_weak *weak);

/* runtime.KeepAlive: here the pointer is still used. [any] */
static inline __attribute__((always_inline)) void gort_keep_alive(const void *ptr)
{
	__asm__ volatile("" : : "r"(ptr) : "memory");
}

/* ---- Go's values in C's hands ------------------------------------------------------------------------------------------------------------- */

/* Go's `any`: the value's type, and where the value is, or the value itself if it is of a pointer's shape. All zero: nil. */
struct gort_any {
	const struct gort_type *type;
	void *data;
};

/*
 * runtime/cgo.Handle: a number, never 0, that C may keep and give back as it likes. The value stays alive until the handle is deleted. A number that
 * isn't a handle, or no longer is one, is found out and panics ("runtime/cgo: misuse of an invalid Handle"); no handle is made twice.
 */
typedef uintptr_t gort_handle;

/* A new one for the value. [Go] */
gort_handle gort_handle_new(struct gort_any value);

/* The value. [Go] */
struct gort_any gort_handle_value(gort_handle h);

/* Ends it. [Go] */
void gort_handle_delete(gort_handle h);

/* Go's string and slice. */
struct gort_string {
	const char *p;
	intptr_t n;
};

struct gort_slice {
	void *p;
	intptr_t len, cap;
};

/* C.malloc and C.free. Without memory the program ends ("runtime: C malloc failed"): never null, for 0 bytes neither. [Go] */
void *gort_malloc(size_t bytes);
void gort_free(void *memory);

/* C.CString: a copy in C's memory, with a NUL behind. To be freed. [Go] */
char *gort_cstring(struct gort_string s);

/* C.CBytes: a copy in C's memory of b's bytes, of which there are b.len: pass b.p and b.len. To be freed. [Go] */
void *gort_cbytes(const void *bytes, intptr_t n);

/* C.GoString, C.GoStringN, C.GoBytes: copies in the collector's memory; of text up to its NUL (a null pointer is the empty string), or of n bytes. [Go] */
struct gort_string gort_gostring(const char *text);
struct gort_string gort_gostringn(const char *text, intptr_t n);
struct gort_slice gort_gobytes(const void *bytes, intptr_t n);

/*
 * runtime.Pinner; all zero to begin with. Memory never moves: what is pinned is kept alive, and C may be given memory that points to it. The struct lies on
 * a goroutine's stack, in roots, or in an object whose type says that its word is a pointer; one that is lost with pins left ends the program
 * ("runtime.Pinner: found leaking pinned pointer; forgot to call Unpin()?").
 */
struct gort_pinner {
	void *record; /* the runtime's */
};

/* Pin(pointer). Panics unless it is one. Pointers to what isn't in the heap need no pin, and may be given. [Go] */
void gort_pinner_pin(struct gort_pinner *pinner, struct gort_any pointer);

/* Unpin(): of all that it has pinned, each as often as it has. It can be used again. [Go] */
void gort_pinner_unpin(struct gort_pinner *pinner);

/*
 * cgo's pointer checks. GODEBUG=cgocheck=0 does without them; with 2 stores of pointers into C's memory are checked as well.
 *
 * Before a call of C: whether C may be given `value`, an argument that can hold a pointer to a pointer (others need no check: Go's cgo makes none for
 * a *C.char). `whole` says how the argument was written, so that not more is looked at than C gets to see:
 *
 *   &x, x[i:j]                      a bool, of any value
 *   &s[i] of a slice                the slice
 *   &a[i] of an array               the array, or a pointer to it
 *   anything else                   nil: all of the object that a pointer points to is looked at
 *
 * Panics ("argument of cgo function has Go pointer to unpinned Go pointer"). Types must be told in full, elements and fields included. [Go]
 */
void gort_check_pointer(struct gort_any value, struct gort_any whole);

/*
 * Before an exported function returns to C: whether it may return `value`, which can hold a pointer. Panics ("FILE:LINE: result of Go function FUNCTION
 * called from cgo is unpinned Go pointer or points to unpinned Go pointer"). [Go]
 */
void gort_check_result(struct gort_any value, const char *function, const char *file, int line);

/* ---- What there is ---------------------------------------------------------------------------------------------------------------------- */

/* How many sizes small objects come in; place 0 of tables by size is that of large ones, each of which has a size of its own. */
#define GORT_SIZE_CLASSES 73

/* What memory there is and was: runtime.MemStats. Bytes, unless the name says otherwise. */
struct gort_memstats {
	uint64_t stacks_inuse; /* segments of stacks that goroutines have, or that are kept at hand: for growing again, with a goroutine that has ended */
	uint64_t stacks_free;  /* nobody's, and kept for goroutines to come */
	uint64_t goroutines_inuse; /* the Gs' own records */
	uint64_t goroutines_free;
	uint64_t threads; /* Ms that exist */

	uint64_t alloc;       /* objects that are not freed, as heap_alloc */
	uint64_t total_alloc; /* objects allocated since the beginning */
	uint64_t sys;         /* addresses got from the system: the sum of the four other _sys */
	uint64_t mallocs;     /* how many objects were allocated since the beginning */
	uint64_t frees;       /* how many of them were freed */

	uint64_t heap_alloc;
	uint64_t heap_sys; /* heap_inuse + heap_idle */
	uint64_t heap_idle;
	uint64_t heap_inuse;    /* pages with objects */
	uint64_t heap_released; /* the part of heap_idle that takes no memory */
	uint64_t heap_objects;  /* mallocs - frees */
	uint64_t stack_inuse;
	uint64_t stack_sys;
	uint64_t gc_sys; /* the collector's tables */
	uint64_t other_sys;

	uint64_t next_gc;        /* the heap's size that the next collection is to end at */
	uint64_t last_gc;        /* when the last one ended, in nanoseconds since 1970 */
	uint64_t pause_total_ns; /* for how long the world has stood still */
	uint64_t pause_ns[256];  /* the same for each of the last collections; the newest: [(num_gc + 255) % 256] */
	uint64_t pause_end[256]; /* when they ended, in nanoseconds since 1970 */
	uint32_t num_gc;
	uint32_t num_forced_gc; /* those that the program has asked for */
	double gc_cpu_fraction; /* the part of the program's processor time, since its beginning, that the collector took */

	struct {
		uint64_t size;
		uint64_t mallocs;
		uint64_t frees;
	} by_size[GORT_SIZE_CLASSES];
};

/* runtime.ReadMemStats: all of it as of one moment, for which the world stands still. From C it is a call into Go. [any] */
void gort_read_memstats(struct gort_memstats *stats);

/* debug.FreeOSMemory: collects, and gives the system all memory back that is free. [Go] */
void gort_free_os_memory(void);

#ifdef __cplusplus
}
#endif

#endif
