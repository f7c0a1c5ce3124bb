/* Pipes and connections, for which goroutines wait and no threads. */
#include "case.h"

enum { EBADF_ = 9, ECONNREFUSED_ = 111, EPIPE_ = 32 };

int64_t thread_count(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(thread_count);

struct ends {
	int from, to;
	struct gort_waitgroup *wg;
};

static void pass_on(void *arg)
{
	struct ends *ends = arg;
	char bytes[300];
	ssize_t n;
	while ((n = gort_read(ends->from, bytes, sizeof bytes)) > 0)
		check_equal(gort_write(ends->to, bytes, n), n);
	check_equal(n, 0);
	check_equal(gort_close(ends->to), 0);
	gort_waitgroup_done(ends->wg);
}

CASE(a_chain_of_pipes)
{
	enum { N = 100, BYTES = 20000 };
	static struct ends chain[N];
	static unsigned char bytes[BYTES];
	struct gort_waitgroup wg = {0};
	int first[2], fds[2];
	check_equal(gort_pipe(first), 0);
	int from = first[0];
	gort_waitgroup_add(&wg, N);
	for (int i = 0; i < N; i++) {
		check_equal(gort_pipe(fds), 0);
		chain[i] = (struct ends){from, fds[1], &wg};
		from = fds[0];
		gort_go(pass_on, &chain[i]);
	}
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	check_equal(gort_write(first[1], bytes, BYTES), BYTES);
	check_equal(gort_close(first[1]), 0);
	int at = 0;
	for (;;) {
		unsigned char got[1000];
		ssize_t n = gort_read(from, got, sizeof got);
		check(n >= 0);
		if (n == 0)
			break;
		for (int i = 0; i < n; i++, at++)
			check_equal(got[i], bytes[at]);
	}
	check_equal(at, BYTES);
	gort_waitgroup_wait(&wg);
	check(go_thread_count() < 20);
}

struct server {
	int socket;
	struct gort_waitgroup wg;
};

static void serve_one(void *arg)
{
	int connection = (int)(intptr_t)arg;
	int64_t x;
	while (gort_read(connection, &x, 8) == 8) {
		x *= 2;
		check_equal(gort_write(connection, &x, 8), 8);
	}
	check_equal(gort_close(connection), 0);
}

static void serve(void *arg)
{
	struct server *server = arg;
	int connection;
	while ((connection = gort_accept(server->socket)) >= 0)
		gort_go(serve_one, (void *)(intptr_t)connection);
	check_equal(connection, -EBADF_);
	gort_waitgroup_done(&server->wg);
}

static void client(void *arg)
{
	struct server *server = arg;
	int connection = gort_connect(gort_local_port(server->socket));
	check(connection >= 0);
	for (int64_t i = 0; i < 50; i++) {
		int64_t x = i;
		check_equal(gort_write(connection, &x, 8), 8);
		check_equal(gort_read(connection, &x, 8), 8);
		check_equal(x, 2 * i);
	}
	check_equal(gort_close(connection), 0);
	gort_waitgroup_done(&server->wg);
}

CASE(a_server_and_its_clients)
{
	struct server server = {.socket = gort_listen(0)};
	check(server.socket >= 0);
	check(gort_local_port(server.socket) > 0);
	gort_waitgroup_add(&server.wg, 60);
	for (int i = 0; i < 60; i++)
		gort_go(client, &server);
	gort_go(serve, &server);
	gort_waitgroup_wait(&server.wg);
	gort_waitgroup_add(&server.wg, 1);
	gort_sleep(1000000);
	check_equal(gort_close(server.socket), 0);
	gort_waitgroup_wait(&server.wg);
	check(go_thread_count() < 20);
}

static void read_closed(void *arg)
{
	struct ends *ends = arg;
	char c;
	check_equal(gort_read(ends->from, &c, 1), -EBADF_);
	gort_waitgroup_done(ends->wg);
}

CASE(a_close_wakes_who_reads)
{
	struct gort_waitgroup wg = {0};
	int fds[2];
	check_equal(gort_pipe(fds), 0);
	struct ends ends = {.from = fds[0], .wg = &wg};
	gort_waitgroup_add(&wg, 5);
	for (int i = 0; i < 5; i++)
		gort_go(read_closed, &ends);
	gort_sleep(2000000);
	check_equal(gort_close(fds[0]), 0);
	gort_waitgroup_wait(&wg);
	check_equal(gort_close(fds[0]), -EBADF_);
	check_equal(gort_close(-1), -EBADF_);
	char c = 0;
	check_equal(gort_read(fds[0], &c, 1), -EBADF_);
	check_equal(gort_write(12345, &c, 1), -EBADF_);
	check_equal(gort_accept(fds[1]) < 0, true);
	check_equal(gort_close(fds[1]), 0);
}

CASE(nobody_listens)
{
	int socket = gort_listen(0);
	int port = gort_local_port(socket);
	check_equal(gort_close(socket), 0);
	check_equal(gort_connect((uint16_t)port), -ECONNREFUSED_);
	check_equal(gort_local_port(socket), -EBADF_);
}

__attribute__((noinline)) static int at_depth(int depth, const int *fds)
{
	if (depth == 0) {
		char c = 'x';
		check_equal(gort_write(fds[1], &c, 1), 1);
		c = 0;
		check_equal(gort_read(fds[0], &c, 1), 1);
		check_equal(c, 'x');
		return 0;
	}
	return at_depth(depth - 1, fds) + 1;
}

CASE(input_and_output_at_every_depth)
{
	int fds[2];
	check_equal(gort_pipe(fds), 0);
	for (int depth = 0; depth < 200; depth++)
		check_equal(at_depth(depth, fds), depth);
}

#else

#include <dirent.h>

int64_t thread_count(void)
{
	int64_t count = 0;
	DIR *tasks = opendir("/proc/self/task");
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count - 2;
}

#endif
