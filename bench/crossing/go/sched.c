/*
 * Goroutines and channels: bench/peer/sched_test.go. A `go` statement with a closure allocates the closure in Go; here the function and one
 * pointer to the frame of who waits for the goroutine are all that there is to pass, so nothing is allocated for them.
 */
#include "crossing.h"
#include "benchmarks.h"
#include "memory.h"

GORT_CCALL(malloc_bytes);
GORT_CCALL(resident_bytes);

static void done(void *wg)
{
	gort_waitgroup_done(wg);
}

void spawn(struct bench *b)
{
	struct gort_waitgroup wg = {0};
	for (int64_t i = 0; i < b->n; i++) {
		gort_waitgroup_add(&wg, 1);
		gort_go(done, &wg);
		gort_waitgroup_wait(&wg);
	}
}

enum { MANY = 10000, PARKED = 100000 };

/* What the goroutines behind a gate see of who opens it. Go leaves the channel to its collector. */
struct gate {
	gort_chan *open;
	struct gort_waitgroup wg, gone;
};

static void behind_gate(void *arg)
{
	struct gate *gate = arg;
	gort_chanrecv(gate->open, NULL);
	gort_waitgroup_done(&gate->wg);
}

void spawn_many(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++) {
		struct gate gate = {.open = gort_makechan(0, 0)};
		gort_waitgroup_add(&gate.wg, MANY);
		for (int j = 0; j < MANY; j++)
			gort_go(behind_gate, &gate);
		gort_closechan(gate.open);
		gort_waitgroup_wait(&gate.wg);
		gort_freechan(gate.open);
	}
}

/* The loop variable of Go's is an int of 8 bytes. */
struct table_tennis {
	gort_chan *ping, *pong;
	struct gort_waitgroup gone; /* waited for once a run: the frame must outlast the other player */
};

static void echo(void *arg)
{
	struct table_tennis *game = arg;
	int64_t v;
	while (gort_chanrecv(game->ping, &v))
		gort_chansend(game->pong, &v);
	gort_waitgroup_done(&game->gone);
}

void ping_pong(struct bench *b)
{
	struct table_tennis game = {.ping = gort_makechan(sizeof(int64_t), 0), .pong = gort_makechan(sizeof(int64_t), 0)};
	gort_waitgroup_add(&game.gone, 1);
	gort_go(echo, &game);
	for (int64_t i = 0; i < b->n; i++) {
		gort_chansend(game.ping, &i);
		gort_chanrecv(game.pong, NULL);
	}
	gort_closechan(game.ping);
	gort_waitgroup_wait(&game.gone);
	gort_freechan(game.ping);
	gort_freechan(game.pong);
}

/* Go compiles a select of one case and default to the same: an attempt to receive. */
static void yielder(void *arg)
{
	struct gate *gate = arg;
	bool received;
	while (!gort_try_recv(gate->open, NULL, &received))
		gort_gosched();
	gort_waitgroup_done(&gate->gone);
}

void yield(struct bench *b)
{
	int procs = gort_gomaxprocs(1);
	struct gate stop = {.open = gort_makechan(0, 0)};
	gort_waitgroup_add(&stop.gone, 1);
	gort_go(yielder, &stop);
	for (int64_t i = 0; i < b->n; i++)
		gort_gosched();
	gort_closechan(stop.open);
	gort_waitgroup_wait(&stop.gone);
	gort_freechan(stop.open);
	gort_gomaxprocs(procs);
}

/* Bytes of stacks, of the Gs' records and of malloc; and what the system says that the process has in memory. */
struct memory {
	size_t counted, resident;
};

static struct memory memory(void)
{
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	return (struct memory){
		.counted = stats.stacks_inuse + stats.goroutines_inuse + go_malloc_bytes(),
		.resident = go_resident_bytes(),
	};
}

static void parked(void *arg)
{
	struct gate *gate = arg;
	gort_waitgroup_done(&gate->wg);
	gort_chanrecv(gate->open, NULL);
	gort_waitgroup_done(&gate->gone);
}

/*
 * Go's figure is what its allocator counts. Here it is what the runtime and malloc count, or what the process has grown by where that is more: at the
 * first time, that is, for later goroutines use the memory of the first ones again. The largest of all times is reported.
 */
void parked_bytes(struct bench *b)
{
	static double most;
	for (int64_t i = 0; i < b->n; i++) {
		struct gate gate = {.open = gort_makechan(0, 0)};
		struct memory before = memory();
		gort_waitgroup_add(&gate.wg, PARKED);
		gort_waitgroup_add(&gate.gone, PARKED);
		for (int j = 0; j < PARKED; j++)
			gort_go(parked, &gate);
		gort_waitgroup_wait(&gate.wg);
		struct memory after = memory();
		double counted = (double)(after.counted - before.counted) / PARKED;
		double resident = ((double)after.resident - (double)before.resident) / PARKED;
		double larger = counted > resident ? counted : resident;
		most = larger > most ? larger : most;
		gort_closechan(gate.open);
		gort_sleep(50 * 1000000);
		gort_waitgroup_wait(&gate.gone);
		gort_freechan(gate.open);
	}
	b->figures[0] = (struct bench_figure){most, "B/goroutine"};
}
