/* Signals: the host's, Go's own, and those that somebody has asked for. */
#include "case.h"

#include <signal.h>

void raise_here(int64_t number);
void kill_this(int64_t number);
void fault_below_go(void);
int64_t write_to_nobody(void);
void chain_faults(void);
int64_t chained(void);
void replace_by_counter(int64_t number);
int64_t counted(void);
int64_t is_blocked(int64_t number);

#ifdef GORT_GO_TEXT

GORT_CCALL(raise_here);
GORT_CCALL(kill_this);
GORT_CCALL(fault_below_go);
GORT_CCALL(write_to_nobody);
GORT_CCALL(chain_faults);
GORT_CCALL(chained);
GORT_CCALL(replace_by_counter);
GORT_CCALL(counted);
GORT_CCALL(is_blocked);

#define NOINLINE __attribute__((noinline))

static void recover_any(void *seen)
{
	*(volatile bool *)seen |= gort_recover(NULL);
}

static void *volatile nil;

NOINLINE static bool nil_is_recovered(void)
{
	struct gort_defer d;
	volatile bool seen = false;
	if (gort_defer_push(&d, recover_any, (void *)&seen))
		return gort_defer_return(&d), seen;
	*(volatile int *)nil = 1;
	gort_defer_return(&d);
	return false;
}

/* What C calls. */
#define EXPORTED __attribute__((used)) static

EXPORTED int64_t go_recovers_nil(void)
{
	return nil_is_recovered();
}
int64_t recovers_nil(void);
GORT_EXPORT(recovers_nil, go_recovers_nil);

static void locked_for_ever(void *unused)
{
	gort_lock_os_thread();
	gort_select(NULL, 0, false, NULL);
}

EXPORTED void go_run_goroutines(void)
{
	for (int i = 0; i < 4; i++)
		gort_go(locked_for_ever, NULL);
}
void run_goroutines(void);
GORT_EXPORT(run_goroutines, go_run_goroutines);

EXPORTED void go_block(void)
{
	gort_select(NULL, 0, false, NULL);
}
void block(void);
GORT_EXPORT(block, go_block);

EXPORTED int64_t go_writes_to_nobody(void)
{
	return go_write_to_nobody();
}
int64_t writes_to_nobody(void);
GORT_EXPORT(writes_to_nobody, go_writes_to_nobody);

EXPORTED void go_faults_below(void)
{
	go_fault_below_go();
}
void faults_below(void);
GORT_EXPORT(faults_below, go_faults_below);

static gort_chan *caught;

EXPORTED void go_catch_signal(int64_t number)
{
	int wanted = (int)number;
	if (caught == NULL)
		caught = gort_makechan(sizeof(int), 1);
	gort_signal_notify(caught, &wanted, 1);
}
void catch_signal(int64_t number);
GORT_EXPORT(catch_signal, go_catch_signal);

/* Whether one comes, which is waited for if it must. */
NOINLINE static bool saw(gort_chan *c, int number, int64_t tries)
{
	int got = 0;
	for (int64_t i = 0; i < tries; i++) {
		if (gort_try_recv(c, &got, NULL)) {
			check_equal(got, number);
			return true;
		}
		gort_sleep(1000000);
	}
	return false;
}

EXPORTED int64_t go_saw_signal(int64_t number, int64_t tries)
{
	return saw(caught, (int)number, tries);
}
int64_t saw_signal(int64_t number, int64_t tries);
GORT_EXPORT(saw_signal, go_saw_signal);

static gort_chan *notify(int cap, int number)
{
	gort_chan *c = gort_makechan(sizeof(int), cap);
	gort_signal_notify(c, &number, 1);
	return c;
}

CASE(signals_are_told_of)
{
	gort_chan *c = notify(1, SIGUSR1);
	for (int i = 0; i < 100; i++) {
		int got = 0;
		if (i % 2)
			go_raise_here(SIGUSR1);
		else
			go_kill_this(SIGUSR1);
		gort_chanrecv(c, &got);
		check_equal(got, SIGUSR1);
	}
	check(!saw(c, SIGUSR1, 5));
}

/* Who listens to all signals hears of SIGURG as well, by which goroutines are interrupted: here none is. */
// env GORT_DEBUG=gcstress,poison,checkheap
CASE(each_channel_is_told_of_its_signals)
{
	static const int both[] = {SIGUSR2, SIGTERM};
	gort_chan *a = notify(4, SIGUSR1), *b = gort_makechan(sizeof(int), 4), *all = gort_makechan(sizeof(int), 64);
	gort_signal_notify(b, both, 2);
	gort_signal_notify(all, NULL, 0);
	go_kill_this(SIGUSR1);
	check(saw(a, SIGUSR1, 5000) && saw(all, SIGUSR1, 5000));
	go_kill_this(SIGTERM);
	check(saw(b, SIGTERM, 5000) && saw(all, SIGTERM, 5000));
	go_kill_this(SIGUSR2);
	check(saw(b, SIGUSR2, 5000) && saw(all, SIGUSR2, 5000));
	go_kill_this(SIGWINCH);
	check(saw(all, SIGWINCH, 5000));
	check_equal(gort_chanlen(a) + gort_chanlen(b), 0);
}

/* What has come before is there afterwards, and nothing else. */
CASE(stop_sends_what_has_come)
{
	for (int i = 0; i < 200; i++) {
		gort_chan *c = notify(1, SIGUSR1);
		go_raise_here(SIGUSR1);
		gort_signal_stop(c);
		check_equal(gort_chanlen(c), 1);
		go_raise_here(SIGUSR1);
		gort_gosched();
		check_equal(gort_chanlen(c), 1);
		gort_freechan(c);
	}
}

CASE(others_go_on_after_one_has_stopped)
{
	gort_chan *a = notify(4, SIGTERM), *b = notify(4, SIGTERM);
	gort_signal_stop(a);
	go_kill_this(SIGTERM);
	check(saw(b, SIGTERM, 5000));
	check_equal(gort_chanlen(a), 0);
}

CASE(ignored_signals_do_nothing)
{
	static const int term = SIGTERM;
	gort_chan *c = notify(4, SIGTERM);
	check(!gort_signal_ignored(SIGTERM));
	gort_signal_ignore(&term, 1);
	check(gort_signal_ignored(SIGTERM));
	go_kill_this(SIGTERM);
	check(!saw(c, SIGTERM, 20));
	gort_signal_notify(c, &term, 1);
	check(!gort_signal_ignored(SIGTERM));
	go_kill_this(SIGTERM);
	check(saw(c, SIGTERM, 5000));
}

// signal 15
CASE(reset_is_as_before)
{
	static const int term = SIGTERM;
	gort_chan *c = notify(4, SIGTERM);
	go_kill_this(SIGTERM);
	check(saw(c, SIGTERM, 5000));
	gort_signal_reset(&term, 1);
	go_kill_this(SIGTERM);
	gort_sleep(5000000000);
}

// signal 15
CASE(a_signal_that_ends_the_program)
{
	go_kill_this(SIGTERM);
	gort_sleep(5000000000);
}

CASE(a_signal_that_does_nothing)
{
	go_kill_this(SIGUSR1);
	go_raise_here(SIGUSR2);
	go_raise_here(SIGPIPE);
	gort_sleep(10000000);
}

// exit 2
// stderr panic: os/signal: Notify using nil channel
CASE(no_channel_to_tell)
{
	gort_signal_notify(NULL, NULL, 0);
}

// signal 13
CASE(a_broken_pipe_of_the_standard_output)
{
	check_equal(go_write_to_nobody(), -1);
	gort_sigpipe();
}

CASE(a_broken_pipe_that_is_told_of)
{
	gort_chan *c = notify(4, SIGPIPE);
	check_equal(go_write_to_nobody(), -1);
	check(saw(c, SIGPIPE, 5000));
	gort_sigpipe();
	check(saw(c, SIGPIPE, 5000));
}

/* A handler that comes later gets faults first, and is to pass Go's on. */
CASE(a_later_handler_takes_its_place)
{
	check(nil_is_recovered());
	go_chain_faults();
	check(nil_is_recovered());
	check_equal(go_chained(), 1);
	go_replace_by_counter(SIGUSR1);
	go_raise_here(SIGUSR1);
	check_equal(go_counted(), 1);
}

/* Also after a signal's handler was taken away and put back. */
CASE(a_hosts_handler_comes_back)
{
	static const int usr1 = SIGUSR1;
	gort_chan *c = notify(4, SIGUSR1);
	go_raise_here(SIGUSR1);
	check(saw(c, SIGUSR1, 5000));
	go_replace_by_counter(SIGUSR1);
	go_raise_here(SIGUSR1);
	check_equal(go_counted(), 1);
	gort_signal_reset(&usr1, 1);
}

#else

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t recovers_nil(void);
void run_goroutines(void);
void block(void);
int64_t writes_to_nobody(void);
void faults_below(void);
void catch_signal(int64_t number);
int64_t saw_signal(int64_t number, int64_t tries);

void raise_here(int64_t number)
{
	raise((int)number);
}

void kill_this(int64_t number)
{
	kill(getpid(), (int)number);
}

int64_t is_blocked(int64_t number)
{
	sigset_t now;
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, (int)number);
}

static int *volatile null;

void fault_below_go(void)
{
	*null = 1;
}

int64_t write_to_nobody(void)
{
	int fds[2];
	check_equal(pipe(fds), 0);
	close(fds[0]);
	int64_t result = write(fds[1], "some", 4);
	check_equal(errno, EPIPE);
	close(fds[1]);
	return result;
}

static volatile sig_atomic_t seen[65];

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags, struct sigaction *before)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR1);
	check_equal(sigaction(number, &sa, before), 0);
}

/* More stack than a goroutine has. */
static void use_stack(int depth, volatile char *p)
{
	volatile char a[1024];
	*p = 0;
	if (depth > 0)
		use_stack(depth - 1, a);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	volatile char a[1024];
	use_stack(4, a);
	seen[number]++;
}

static sigjmp_buf back;

static void jumps_out(int number, siginfo_t *info, void *context)
{
	/* What the handler wants blocked is, and nothing else. */
	check(is_blocked(SIGUSR1) && is_blocked(number) && !is_blocked(SIGUSR2));
	check(info->si_addr == NULL && context != NULL);
	seen[number]++;
	siglongjmp(back, 1);
}

static void wait_for(int number)
{
	for (int i = 0; i < 5000 && !seen[number]; i++)
		usleep(1000);
	check(seen[number]);
}

static struct sigaction ours;
static volatile int passed_on;

static void passes_on(int number, siginfo_t *info, void *context)
{
	passed_on++;
	ours.sa_sigaction(number, info, context);
}

void chain_faults(void)
{
	install(SIGSEGV, passes_on, SA_ONSTACK, &ours);
}

int64_t chained(void)
{
	return passed_on;
}

void replace_by_counter(int64_t number)
{
	install((int)number, on_signal, SA_ONSTACK, NULL);
}

int64_t counted(void)
{
	return seen[SIGUSR1];
}

C_CASE(early_handlers_get_what_is_theirs)
{
	install(SIGIO, on_signal, 0, NULL);
	install(SIGSEGV, jumps_out, 0, NULL);
	install(SIGPIPE, on_signal, 0, NULL);
	run_goroutines();
	sigset_t io;
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	pthread_sigmask(SIG_BLOCK, &io, NULL);
	kill(getpid(), SIGIO);
	wait_for(SIGIO);
	check_equal(writes_to_nobody(), -1);
	check_equal(seen[SIGPIPE], 1);
	for (int i = 0; i < 3; i++) {
		if (sigsetjmp(back, 1) == 0)
			*null = 1;
		check_equal(seen[SIGSEGV], i + 1);
		check(!is_blocked(SIGSEGV) && !is_blocked(SIGUSR1));
		check(recovers_nil());
	}
	check_equal(seen[SIGSEGV], 3);
	struct sigaction now;
	sigaction(SIGIO, NULL, &now);
	check(now.sa_sigaction == on_signal && now.sa_flags & SA_ONSTACK);
}

static void says(int number, siginfo_t *info, void *context)
{
	static const char text[] = "the host's\n";
	if (write(1, text, sizeof text - 1) < 0)
		_exit(1);
	_exit(0);
}

// stdout the host's
C_CASE(a_fault_below_go_is_an_early_handlers)
{
	install(SIGSEGV, says, SA_ONSTACK, NULL);
	check(recovers_nil());
	faults_below();
}

// exit 2
// then SIGSEGV: segmentation violation
// then signal arrived during cgo execution
// then fault_below_go
// then go_faults_below(...)
// then a_fault_below_go_without_handlers
C_CASE(a_fault_below_go_without_handlers)
{
	faults_below();
	check(false);
}

// signal 11
C_CASE(a_fault_of_the_hosts)
{
	check(recovers_nil());
	*null = 1;
}

// signal 11
C_CASE(a_fault_that_is_sent_to_the_host)
{
	check(recovers_nil());
	kill(getpid(), SIGSEGV);
	sleep(5);
}

// signal 13
C_CASE(a_broken_pipe_of_the_hosts)
{
	check(recovers_nil());
	write_to_nobody();
}

static void *sends_fault(void *unused)
{
	usleep(50000);
	kill(getpid(), SIGSEGV);
	sleep(50);
	return NULL;
}

// exit 2
// then SIGSEGV: segmentation violation
// then sigcode=0
// then goroutine
C_CASE(a_fault_that_is_sent_to_go)
{
	pthread_t t;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_create(&t, NULL, sends_fault, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	block();
}

C_CASE(go_takes_a_signal_and_gives_it_back)
{
	check(recovers_nil());
	install(SIGIO, on_signal, 0, NULL);
	raise(SIGIO);
	wait_for(SIGIO);
	seen[SIGIO] = 0;
	catch_signal(SIGIO);
	raise(SIGIO);
	check(saw_signal(SIGIO, 5000));
	check_equal(seen[SIGIO], 0);
	int number = SIGIO;
	gort_signal_reset(&number, 1);
	raise(SIGIO);
	wait_for(SIGIO);
	check(!saw_signal(SIGIO, 20));
}

/* A signal that all threads of the host's block comes all the same to who has asked for it. */
C_CASE(a_signal_that_the_host_blocks)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	check(recovers_nil());
	catch_signal(SIGIO);
	kill(getpid(), SIGIO);
	check(saw_signal(SIGIO, 5000));
	check(is_blocked(SIGIO));
}

/* One that nobody has asked for stays blocked: the host reads it when it likes. */
C_CASE(a_signal_that_the_host_waits_for)
{
	sigset_t usr1;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	run_goroutines();
	for (int i = 0; i < 20; i++) {
		kill(getpid(), SIGUSR1);
		usleep(1000);
		int got = 0;
		check_equal(sigwait(&usr1, &got), 0);
		check_equal(got, SIGUSR1);
	}
}

static void *with_own_stack(void *after)
{
	/* As small as C libraries have always let it be. */
	stack_t own = {.ss_size = 16384}, now;
	own.ss_sp = mmap(NULL, own.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (after)
		check(recovers_nil());
	check_equal(sigaltstack(&own, NULL), 0);
	for (int i = 0; i < 3; i++) {
		check(recovers_nil());
		sigaltstack(NULL, &now);
		check(now.ss_sp == own.ss_sp && now.ss_flags == 0);
	}
	own.ss_flags = SS_DISABLE;
	sigaltstack(&own, NULL);
	munmap(own.ss_sp, own.ss_size);
	return NULL;
}

C_CASE(a_threads_own_signal_stack_is_kept)
{
	for (uintptr_t i = 0; i < 6; i++) {
		pthread_t t;
		pthread_create(&t, NULL, with_own_stack, (void *)(i % 2));
		pthread_join(t, NULL);
	}
}

#endif
