/* fork in C: the parent goes on, the child may run C and no Go. */
#include "case.h"

int fork_and(int what);
int run_true(void);
int in_child(int x);
void fork_without_go(void);
int fork_and_return(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(fork_and);
GORT_CCALL(run_true);
GORT_CCALL(fork_and_return);

__attribute__((used)) static int go_in_child(int x)
{
	gort_gosched();
	return x + 1;
}
GORT_EXPORT(in_child, go_in_child);

CASE(a_child_runs_c_and_exits)
{
	for (int i = 0; i < 20; i++) {
		check_equal(go_fork_and(0), 7);
		gort_gosched();
	}
	/* The parent has noticed nothing. */
	check_equal(go_fork_and(2), 42);
}

CASE(a_child_executes_another_program)
{
	check_equal(go_run_true(), 0);
}

// stderr runtime: this process is a fork of one that runs Go
// stderr fatal error: C called Go after fork
CASE(a_child_that_calls_go_is_ended)
{
	check_equal(go_fork_and(1), 2);
}

// stderr fatal error: C called Go after fork
CASE(a_child_that_calls_go_on_a_new_thread_is_ended)
{
	check_equal(go_fork_and(3), 2);
}

// stderr fatal error: C returned to Go after fork
CASE(a_child_that_returns_to_go_is_ended)
{
	int status = go_fork_and_return();
	check_equal(status, 2);
}

#else

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit status of a child that is done. */
static int wait_for(pid_t child)
{
	int status;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void *call(void *unused)
{
	in_child(1);
	return NULL;
}

int fork_and(int what)
{
	pid_t child;
	pthread_t thread;
	if (what == 2)
		return in_child(41);
	child = fork();
	if (child != 0)
		return wait_for(child);
	alarm(20);
	switch (what) {
	case 1:
		in_child(1);
		break;
	case 3:
		pthread_create(&thread, NULL, call, NULL);
		pthread_join(thread, NULL);
		break;
	}
	_exit(7);
}

int run_true(void)
{
	pid_t child = fork();
	if (child != 0)
		return wait_for(child);
	execl("/bin/true", "true", NULL);
	_exit(9);
}

int fork_and_return(void)
{
	pid_t child = fork();
	if (child != 0)
		return wait_for(child);
	alarm(20);
	return 5;
}

/* The host forks before Go has ever run, and both may run it afterwards. */
C_CASE(a_fork_before_go_is_none_of_its_business)
{
	pid_t child = fork();
	if (child == 0)
		_exit(in_child(6));
	check_equal(wait_for(child), 7);
	check_equal(in_child(1), 2);
}

/* A host's thread that has called Go forks, and its child leaves Go alone. */
// stderr fatal error: C called Go after fork
C_CASE(a_host_forks)
{
	pid_t child;
	check_equal(in_child(1), 2);
	child = fork();
	if (child == 0)
		_exit(3);
	check_equal(wait_for(child), 3);
	child = fork();
	if (child == 0)
		_exit(in_child(1));
	check_equal(wait_for(child), 2);
	check_equal(in_child(1), 2);
}

#endif
