/* The collector, against goroutines that change what it looks at. */
#include "case.h"

void gc_nap(int us);

#ifndef GORT_GO_TEXT
#include <time.h>

void gc_nap(int us)
{
	struct timespec time = {us / 1000000, us % 1000000 * 1000};
	nanosleep(&time, NULL);
}
#else
GORT_CCALL(gc_nap);

struct node {
	struct node *left, *right;
	uint64_t value, check;
};

static const uint8_t first_two[] = {3};
static const struct gort_type node_type = {
	.size = sizeof(struct node),
	.ptrdata = 16,
	.ptrmask = first_two,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
};
static const uint8_t one[] = {1};
static const struct gort_type pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.ptrmask = one,
	.kind = GORT_KIND_POINTER,
	.align = 8,
};
static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1};

#define GOROUTINES 6
static struct node *globals[64];

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t sealed(uint64_t value)
{
	return value * 0x9e3779b97f4a7c15u ^ 0x5851f42d4c957f2du;
}

static struct node *new_node(uint64_t value)
{
	struct node *n = gort_new(&node_type);
	check(n->left == NULL && n->right == NULL && n->value == 0 && n->check == 0);
	n->value = value;
	n->check = sealed(value);
	return n;
}

static void look(const struct node *n)
{
	check_equal(n->check, sealed(n->value));
}

static struct node *tree(int depth, uint64_t value)
{
	struct node *n = new_node(value);
	if (depth > 0) {
		gort_store(&n->left, tree(depth - 1, 2 * value));
		gort_store(&n->right, tree(depth - 1, 2 * value + 1));
	}
	return n;
}

static uint64_t sum(const struct node *n)
{
	if (n == NULL)
		return 0;
	look(n);
	return n->value + sum(n->left) + sum(n->right);
}

/* One goroutine's share of the work: what it changes, how often, and who waits for it. */
struct share {
	struct gort_waitgroup *all;
	uint64_t random;
	int rounds;
	struct node **own;
	gort_chan *in, *out;
};

/* Subtrees change places, all the time: nothing is lost, nothing is new. */
static void exchange(struct node *root, uint64_t *random)
{
	struct node *from = root;
	for (int depth = 0; depth < 4; depth++)
		from = next_random(random) & 1 ? from->left : from->right;
	struct node *left = from->left, *right = from->right;
	gort_store(&from->left, right);
	gort_store(&from->right, left);
	struct node *up = root->left;
	gort_store(&root->left, root->right);
	gort_store(&root->right, up);
}

static void change_trees(void *argument)
{
	struct share *share = argument;
	struct node *root = tree(9, 1);
	uint64_t expected = sum(root);
	for (int i = 0; i < share->rounds; i++) {
		exchange(root, &share->random);
		if (i % 64 == 0) {
			/* The only way to it is the heap, then a stack, then the heap again. */
			struct node *out = root->left;
			gort_store(&root->left, NULL);
			tree(4, 7);
			gort_store(&root->left, out);
		}
		if (i % 256 == 0)
			check_equal(sum(root), expected);
		if (i % 1024 == 0)
			gort_gosched();
	}
	check_equal(sum(root), expected);
	gort_waitgroup_done(share->all);
}

static struct share *new_share(struct gort_waitgroup *all, int number, int rounds)
{
	static const struct gort_type share_type = {
		.size = sizeof(struct share),
		.ptrdata = sizeof(struct share),
		.kind = GORT_KIND_STRUCT,
		.align = 8,
	};
	struct share *share = gort_new(&share_type);
	share->all = all;
	share->random = 88172645463325252u + (uint64_t)number * 7919;
	share->rounds = rounds;
	return share;
}

static void run_shares(void (*body)(void *), int rounds)
{
	struct gort_waitgroup all = {0};
	for (int i = 0; i < GOROUTINES; i++) {
		gort_waitgroup_add(&all, 1);
		gort_go(body, new_share(&all, i, rounds));
	}
	gort_waitgroup_wait(&all);
}

static void keep_collecting(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE))
		gort_gc();
}

// env GOGC=5
CASE(trees_that_change_keep_their_nodes)
{
	int stop = 0;
	gort_go(keep_collecting, &stop);
	run_shares(change_trees, 20000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(trees_that_change_under_stress)
{
	run_shares(change_trees, 65);
}

// env GORT_DEBUG=poison,checkheap
CASE(a_checked_heap_is_in_order)
{
	int stop = 0;
	gort_go(keep_collecting, &stop);
	run_shares(change_trees, 3000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	gort_gc();
}

/* Nodes go round from goroutine to goroutine; now one has it, then a channel, then a waiting goroutine's stack. */
static void pass_on(void *argument)
{
	struct share *share = argument;
	for (int i = 0; i < share->rounds; i++) {
		struct node *n;
		check(gort_chanrecv(share->in, &n));
		look(n);
		check_equal(n->left->value, n->value + 1);
		look(n->left);
		/* Another copy, with all that hangs on it. */
		struct node *copy = new_node(n->value);
		gort_store(&copy->left, new_node(n->value + 1));
		if (next_random(&share->random) % 4 == 0) {
			struct gort_case cases[2] = {
				{.c = share->out, .elem = &copy, .dir = GORT_SEND},
				{.c = NULL, .elem = &n, .dir = GORT_RECV},
			};
			check_equal(gort_select(cases, 2, false, NULL), 0);
		} else {
			gort_chansend(share->out, &n);
		}
	}
	gort_waitgroup_done(share->all);
}

/* A goroutine that hands on what it gets, a number of times, and one more that takes what is left at the end. */
static void wander(size_t cap, int rounds)
{
	struct gort_waitgroup all = {0};
	gort_chan *ring[GOROUTINES];
	int stop = 0;
	for (int i = 0; i < GOROUTINES; i++)
		ring[i] = gort_makechan_of(&pointer_type, cap);
	gort_go(keep_collecting, &stop);
	for (int i = 0; i < GOROUTINES; i++) {
		struct share *share = new_share(&all, i, rounds);
		share->in = ring[i];
		share->out = i + 1 < GOROUTINES ? ring[i + 1] : gort_makechan_of(&pointer_type, rounds);
		gort_waitgroup_add(&all, 1);
		gort_go(pass_on, share);
	}
	for (int i = 0; i < rounds; i++) {
		struct node *n = new_node((uint64_t)i * 10);
		gort_store(&n->left, new_node((uint64_t)i * 10 + 1));
		gort_chansend(ring[0], &n);
	}
	gort_waitgroup_wait(&all);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

// env GORT_DEBUG=poison
CASE(a_pointer_that_wanders_by_channels)
{
	wander(0, 3000);
	wander(1, 3000);
	wander(7, 3000);
}

// env GORT_DEBUG=gcstress,poison,checkheap
CASE(a_pointer_that_wanders_under_stress)
{
	wander(0, 20);
	wander(2, 20);
}

/* What waits in a buffer is reached by nothing else. */
CASE(a_channel_keeps_what_is_in_it)
{
	gort_chan *volatile c = gort_makechan_of(&pointer_type, 100);
	for (int i = 0; i < 100; i++) {
		struct node *n = tree(3, (uint64_t)i + 1);
		gort_chansend(c, &n);
	}
	for (int i = 0; i < 3; i++) {
		tree(10, 5);
		gort_gc();
	}
	for (int i = 0; i < 100; i++) {
		struct node *n;
		check(gort_chanrecv(c, &n));
		check_equal(n->value, i + 1);
		sum(n);
	}
	gort_freechan(c);
}

// exit 2
// stderr panic: makechan: size out of range
CASE(a_channel_of_too_many)
{
	gort_makechan_of(&pointer_type, SIZE_MAX / 4);
}

static void timer_fires(void *argument)
{
	struct share *share = argument;
	sum(*share->own);
	check_equal((*share->own)->value, 1);
	gort_waitgroup_done(share->all);
}

/* A timer alone knows of what its function gets. */
static gort_timer *start_timer(struct gort_waitgroup *all, int64_t ns)
{
	struct share *share = new_share(all, 0, 0);
	struct node **own = gort_new(&pointer_type);
	gort_store(own, tree(5, 1));
	gort_store(&share->own, own);
	gort_waitgroup_add(all, 1);
	return gort_timer_start(ns, timer_fires, share);
}

// env GORT_DEBUG=poison
CASE(timers_keep_what_their_functions_get)
{
	struct gort_waitgroup all = {0};
	gort_timer *timers[20];
	for (int i = 0; i < 20; i++)
		timers[i] = start_timer(&all, 2000000 * (i + 1));
	for (int i = 0; i < 5; i++) {
		tree(8, 1);
		gort_gc();
	}
	gort_waitgroup_wait(&all);
	for (int i = 0; i < 20; i++)
		gort_timer_free(timers[i]);
}

/* Goroutines in C: the collector goes on without them, and they come back to what they had. */
static void visit_c(void *argument)
{
	struct share *share = argument;
	for (int i = 0; i < share->rounds; i++) {
		struct node *volatile root = tree(5, 1);
		uint64_t expected = sum(root);
		go_gc_nap((int)(next_random(&share->random) % 300));
		check_equal(sum(root), expected);
	}
	gort_waitgroup_done(share->all);
}

// env GORT_DEBUG=poison
CASE(what_a_goroutine_has_while_it_is_in_c)
{
	int stop = 0;
	gort_go(keep_collecting, &stop);
	run_shares(visit_c, 60);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

static void sleep_deep(void *argument)
{
	struct share *share = argument;
	struct node *volatile n = new_node((uint64_t)share->rounds);
	struct node *got;
	gort_chanrecv(share->in, &got);
	look(n);
	check_equal(n->value, share->rounds);
	gort_waitgroup_done(share->all);
}

// env GORT_DEBUG=poison
CASE(parked_goroutines_keep_what_is_on_their_stacks)
{
	struct gort_waitgroup all = {0};
	gort_chan *never = gort_makechan(8, 0);
	for (int i = 0; i < 20000; i++) {
		struct share *share = new_share(&all, i, i);
		share->in = never;
		gort_waitgroup_add(&all, 1);
		gort_go(sleep_deep, share);
	}
	gort_gc();
	gort_gc();
	gort_closechan(never);
	gort_waitgroup_wait(&all);
}

/* Too much is allocated for a collection at each time. */
// env GORT_DEBUG=poison,checkheap
CASE(global_variables_are_roots)
{
	gort_add_roots(globals, sizeof globals);
	for (int i = 0; i < 64; i++)
		gort_store(&globals[i], tree(6, (uint64_t)i));
	uint64_t before = 0, after = 0;
	for (int i = 0; i < 64; i++)
		before += sum(globals[i]);
	for (int round = 0; round < 3; round++) {
		tree(12, 1);
		gort_gc();
	}
	for (int i = 0; i < 64; i++)
		after += sum(globals[i]);
	check_equal(after, before);
}

/* Large objects are looked through piece by piece, while they change. */
static void change_large(void *argument)
{
	struct share *share = argument;
	const size_t count = 100000;
	struct node **all = gort_new_array(&pointer_type, count);
	struct node **others = gort_new_array(&pointer_type, count);
	for (size_t i = 0; i < count; i += 100)
		gort_store(&all[i], new_node(i));
	for (int i = 0; i < share->rounds; i++) {
		gort_typed_memmove(&pointer_type, others, all, count);
		gort_typed_memclr(&pointer_type, all, count);
		gort_typed_memmove(&pointer_type, all + 1, others, count - 1);
		gort_typed_memmove(&pointer_type, all, all + 1, count - 1);
		gort_typed_memclr(&pointer_type, others, count);
	}
	for (size_t i = 0; i < count - 1; i++) {
		if (i % 100 != 0) {
			check(all[i] == NULL);
			continue;
		}
		look(all[i]);
		check_equal(all[i]->value, i);
	}
	gort_waitgroup_done(share->all);
}

// env GORT_DEBUG=poison
CASE(large_objects_that_are_copied)
{
	int stop = 0;
	gort_go(keep_collecting, &stop);
	run_shares(change_large, 10);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

#define PLACES 400000
#define RANGE (PLACES / GOROUTINES)

/* Nodes move from where the collector hasn't looked yet to where it has, by way of a stack. Each goroutine has a range of its own. */
static void move_far(void *argument)
{
	struct share *share = argument;
	for (int i = 0; i < share->rounds; i++) {
		uint64_t random = next_random(&share->random);
		size_t from = random % RANGE, to = (random >> 32) % RANGE;
		struct node *one = share->own[from], *other = share->own[to];
		gort_store(&share->own[from], NULL);
		gort_store(&share->own[to], NULL);
		if (i % 1000 == 0)
			gort_gosched();
		gort_store(&share->own[to], one);
		gort_store(&share->own[from], other);
	}
	gort_waitgroup_done(share->all);
}

static void check_places(struct node **places)
{
	uint64_t nodes = 0, values = 0, expected = 0;
	for (size_t i = 0; i < PLACES; i++) {
		if (i % 4 == 0)
			expected += i;
		if (places[i] != NULL) {
			look(places[i]);
			nodes++;
			values += places[i]->value;
		}
	}
	check_equal(nodes, PLACES / 4);
	check_equal(values, expected);
}

// env GORT_DEBUG=poison
// env GOGC=off
CASE(nodes_that_move_while_their_places_are_looked_through)
{
	struct node **places = gort_new_array(&pointer_type, PLACES);
	for (size_t i = 0; i < PLACES; i += 4)
		gort_store(&places[i], new_node(i));
	int stop = 0;
	gort_go(keep_collecting, &stop);
	struct gort_waitgroup all = {0};
	for (int i = 0; i < GOROUTINES; i++) {
		struct share *share = new_share(&all, i, 100000);
		share->own = places + i * RANGE;
		gort_waitgroup_add(&all, 1);
		gort_go(move_far, share);
	}
	gort_waitgroup_wait(&all);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	check_places(places);
}

// env GORT_DEBUG=poison
// env GOGC=off
CASE(nodes_that_go_round_in_a_buffer)
{
	const int count = 100000;
	gort_chan *volatile c = gort_makechan_of(&pointer_type, count);
	for (int i = 0; i < count; i++) {
		struct node *n = new_node((uint64_t)i);
		gort_chansend(c, &n);
	}
	int stop = 0;
	gort_go(keep_collecting, &stop);
	for (int i = 0; i < 5 * count; i++) {
		struct node *n;
		gort_chanrecv(c, &n);
		check_equal(n->value, i % count);
		look(n);
		gort_chansend(c, &n);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

/* Far more than there is memory for is allocated; only a little lives. */
/* Too much is allocated for a collection at each time. */
// env GOMEMLIMIT=64MiB
// env GORT_DEBUG=poison,checkheap
CASE(garbage_is_no_burden)
{
	struct node *volatile kept = tree(8, 1);
	for (int i = 0; i < 400; i++) {
		check(gort_new_array(&byte_type, 1 << 20) != NULL);
		tree(10, 3);
	}
	check(sum(kept) > 0);
	gort_gc();
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	check(stats.heap_alloc < 8 << 20);
	check(stats.heap_sys < 256 << 20);
}

/* A limit that can't be kept makes the program slower, and doesn't stop it. */
/* Too much is allocated for a collection at each time. */
// env GOMEMLIMIT=1MiB
// env GORT_DEBUG=poison,checkheap
CASE(a_limit_that_cannot_be_kept)
{
	struct node *volatile kept = tree(16, 1);
	for (int i = 0; i < 300; i++)
		tree(10, 3);
	check(sum(kept) > 0);
}

// stderr gc 1 @0.0
// stderr (forced)
// env GODEBUG=gctrace=1
CASE(a_line_for_each_collection)
{
	gort_gc();
}

// exit 2
// stderr fatal error: malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`
// env GOMEMLIMIT=lots
CASE(a_limit_that_is_none)
{
	gort_gc();
}

CASE(settings_say_what_they_were)
{
	check_equal(gort_set_gc_percent(50), 100);
	check_equal(gort_set_gc_percent(-5), 50);
	check_equal(gort_set_gc_percent(100), -1);
	check_equal(gort_set_memory_limit(-1), INT64_MAX);
	check_equal(gort_set_memory_limit(1 << 30), INT64_MAX);
	check_equal(gort_set_memory_limit(-1), 1 << 30);
}

#endif
