/* Finalizers, cleanups, weak pointers. */
#include "case.h"

#ifdef GORT_GO_TEXT

struct node {
	struct node *next;
	int64_t number;
};

static const uint8_t first_word[] = {1};
static const struct gort_type node_type = {
	.size = sizeof(struct node),
	.ptrdata = sizeof(void *),
	.ptrmask = first_word,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
};

static struct node *new_node(int64_t number, struct node *next)
{
	struct node *n = gort_new(&node_type);
	n->number = number;
	gort_store((void **)&n->next, next);
	return n;
}

/* What functions of the runtime's goroutine note, and what cases wait for. */
struct notes {
	volatile int64_t calls;
	volatile int64_t order[64];
	gort_chan *back;
	gort_weak *weak;
};

static void note(struct notes *notes, int64_t number)
{
	if (notes->calls < 64)
		notes->order[notes->calls] = number;
	notes->calls++;
}

/* Collects until there were so many calls, or none are to be expected any more. */
static void wait_for(struct notes *notes, int64_t calls)
{
	for (int round = 0; round < 500 && notes->calls < calls; round++) {
		gort_gc();
		gort_sleep(200000);
	}
}

static void note_node(void *obj, void *closure)
{
	note(closure, ((struct node *)obj)->number);
}

static void note_argument(void *arg, void *closure)
{
	note(closure, (intptr_t)arg);
}

/* A goroutine that is over has left nothing on anybody's stack. */
struct apart {
	struct gort_waitgroup done;
	void (*fn)(struct notes *);
	struct notes *notes;
};

static void run_apart(void *arg)
{
	struct apart *apart = arg;
	apart->fn(apart->notes);
	gort_waitgroup_done(&apart->done);
}

static void apart(void (*fn)(struct notes *), struct notes *notes)
{
	struct apart apart = {.fn = fn, .notes = notes};
	gort_waitgroup_add(&apart.done, 1);
	gort_go(run_apart, &apart);
	gort_waitgroup_wait(&apart.done);
}

static void fifty_finalizers(struct notes *notes)
{
	for (int i = 0; i < 50; i++)
		gort_set_finalizer(new_node(i, NULL), note_node, notes);
}

CASE(finalizers_are_called_once)
{
	struct notes notes = {0};
	apart(fifty_finalizers, &notes);
	wait_for(&notes, 50);
	check_equal(notes.calls, 50);
	for (int i = 0; i < 5; i++)
		gort_gc();
	gort_sleep(1000000);
	check_equal(notes.calls, 50);
	int64_t sum = 0;
	for (int i = 0; i < 50; i++)
		sum += notes.order[i];
	check_equal(sum, 49 * 50 / 2);
}

static void chain(struct notes *notes)
{
	struct node *last = NULL;
	for (int i = 5; i > 0; i--) {
		last = new_node(i, last);
		gort_set_finalizer(last, note_node, notes);
	}
}

CASE(who_refers_is_finalized_before_whom_it_refers_to)
{
	struct notes notes = {0};
	apart(chain, &notes);
	wait_for(&notes, 5);
	check_equal(notes.calls, 5);
	for (int i = 0; i < 5; i++)
		check_equal(notes.order[i], i + 1);
}

static void cycle(struct notes *notes)
{
	struct node *a = new_node(1, NULL), *b = new_node(2, a);
	gort_store((void **)&a->next, b);
	gort_set_finalizer(a, note_node, notes);
	gort_set_finalizer(b, note_node, notes);
}

CASE(a_cycle_is_never_finalized)
{
	struct notes notes = {0};
	apart(cycle, &notes);
	for (int i = 0; i < 10; i++)
		gort_gc();
	gort_sleep(1000000);
	check_equal(notes.calls, 0);
}

static void check_list(void *obj, void *closure)
{
	struct node *n = obj;
	int64_t length = 0;
	for (; n; n = n->next)
		length += n->number == 7;
	note(closure, length);
}

static void list_of_100(struct notes *notes)
{
	struct node *list = NULL;
	for (int i = 0; i < 100; i++)
		list = new_node(7, list);
	gort_set_finalizer(list, check_list, notes);
}

// env GORT_DEBUG=poison
CASE(a_finalizer_finds_all_that_its_object_refers_to)
{
	struct notes notes = {0};
	apart(list_of_100, &notes);
	wait_for(&notes, 1);
	check_equal(notes.order[0], 100);
}

static void finalizer_taken_off(struct notes *notes)
{
	struct node *n = new_node(1, NULL);
	gort_set_finalizer(n, note_node, notes);
	gort_set_finalizer(n, NULL, NULL);
	gort_set_finalizer(n, NULL, NULL);
	n = new_node(2, NULL);
	gort_set_finalizer(n, note_node, notes);
	gort_set_finalizer(n, NULL, NULL);
	gort_set_finalizer(n, note_node, notes);
}

CASE(a_finalizer_that_was_taken_off_is_not_called)
{
	struct notes notes = {0};
	apart(finalizer_taken_off, &notes);
	wait_for(&notes, 1);
	for (int i = 0; i < 3; i++)
		gort_gc();
	gort_sleep(1000000);
	check_equal(notes.calls, 1);
	check_equal(notes.order[0], 2);
}

/* Sends its object back. */
static void send_back(void *obj, void *closure)
{
	struct notes *notes = closure;
	note(notes, ((struct node *)obj)->number);
	gort_chansend(notes->back, &obj);
}

static void resurrected(struct notes *notes)
{
	for (int i = 0; i < 20; i++) {
		struct node *n = new_node(i, new_node(100 + i, NULL));
		gort_set_finalizer(n, send_back, notes);
	}
}

/* All that were sent back are whole; they will be again. */
static void send_again(struct notes *notes)
{
	struct node *volatile back[20];
	int64_t sum = 0;
	for (int i = 0; i < 20; i++) {
		void *elem;
		check(gort_chanrecv(notes->back, &elem));
		back[i] = elem;
		gort_gc();
	}
	for (int i = 0; i < 20; i++) {
		struct node *n = back[i];
		check_equal(n->next->number, 100 + n->number);
		sum += n->number;
		gort_set_finalizer(n, send_back, notes);
	}
	check_equal(sum, 190);
}

// env GORT_DEBUG=poison
CASE(finalizers_may_bring_objects_back)
{
	struct notes notes = {.back = gort_makechan(sizeof(void *), 0)};
	apart(resurrected, &notes);
	for (int round = 0; round < 3; round++) {
		gort_gc();
		apart(send_again, &notes);
	}
}

static void five_cleanups(struct notes *notes)
{
	struct node *n = new_node(0, NULL);
	uint64_t id[5];
	for (intptr_t i = 0; i < 5; i++)
		id[i] = gort_add_cleanup((char *)n + 2 * i, note_argument, (void *)(i + 1), notes);
	gort_cleanup_stop(id[2]);
	gort_cleanup_stop(id[2]);
	gort_cleanup_stop(0);
}

CASE(cleanups_run_but_for_those_that_were_stopped)
{
	struct notes notes = {0};
	apart(five_cleanups, &notes);
	wait_for(&notes, 4);
	gort_gc();
	gort_sleep(1000000);
	int64_t sum = 0;
	for (int i = 0; i < notes.calls; i++)
		sum += notes.order[i];
	check_equal(notes.calls, 4);
	check_equal(sum, 1 + 2 + 4 + 5);
}

static void note_argument_node(void *arg, void *closure)
{
	struct node *n = closure;
	note(((struct node *)arg)->next->number == 3 ? (struct notes *)n->next : NULL, n->number);
}

static const struct gort_type words_type = {.size = 2 * sizeof(void *), .ptrdata = sizeof(void *), .kind = GORT_KIND_STRUCT, .align = 8};

static void cleanup_with_arguments(struct notes *notes)
{
	struct node *closure = gort_new(&words_type);
	closure->next = (struct node *)notes;
	closure->number = 42;
	gort_add_cleanup(new_node(0, NULL), note_argument_node, new_node(2, new_node(3, NULL)), closure);
}

// env GORT_DEBUG=poison
CASE(what_a_cleanup_gets_lives)
{
	struct notes notes = {0};
	apart(cleanup_with_arguments, &notes);
	wait_for(&notes, 1);
	check_equal(notes.order[0], 42);
}

static void finalizer_and_cleanup(struct notes *notes)
{
	struct node *n = new_node(1, NULL);
	gort_add_cleanup(n, note_argument, (void *)2, notes);
	gort_set_finalizer(n, note_node, notes);
}

CASE(a_cleanup_runs_after_the_finalizer)
{
	struct notes notes = {0};
	apart(finalizer_and_cleanup, &notes);
	wait_for(&notes, 2);
	check_equal(notes.calls, 2);
	check_equal(notes.order[0], 1);
	check_equal(notes.order[1], 2);
}

static void weak_of_garbage(struct notes *notes)
{
	struct node *volatile n = new_node(1, NULL);
	notes->weak = gort_weak_make(n);
	check(gort_weak_value(notes->weak) == n);
	check(gort_weak_make(n) == notes->weak);
	check(gort_weak_make(&n->number) != notes->weak);
	check(gort_weak_value(gort_weak_make(&n->number)) == &n->number);
	gort_gc();
	check(gort_weak_value(notes->weak) == n);
	gort_keep_alive(n);
}

CASE(weak_pointers_tell_when_the_object_is_gone)
{
	struct notes notes = {0};
	apart(weak_of_garbage, &notes);
	for (int i = 0; i < 100 && gort_weak_value(notes.weak); i++)
		gort_gc();
	check(gort_weak_value(notes.weak) == NULL);
	check(gort_weak_make(NULL) == NULL);
	check(gort_weak_value(NULL) == NULL);
}

static void note_weak(void *obj, void *closure)
{
	struct notes *notes = closure;
	check(gort_weak_value(notes->weak) == NULL);
	gort_weak *again = gort_weak_make(obj);
	check(again != notes->weak);
	check(gort_weak_value(again) == obj);
	note(notes, 1);
}

static void weak_and_finalizer(struct notes *notes)
{
	struct node *n = new_node(1, NULL);
	notes->weak = gort_weak_make(n);
	gort_set_finalizer(n, note_weak, notes);
}

CASE(weak_pointers_are_cleared_before_the_finalizer_is_called)
{
	struct notes notes = {0};
	apart(weak_and_finalizer, &notes);
	wait_for(&notes, 1);
	check_equal(notes.calls, 1);
}

static void wait_at(void *obj, void *closure)
{
	struct notes *notes = closure;
	(void)obj;
	note(notes, gort_numgoroutine());
	gort_chanrecv(notes->back, NULL);
}

static void finalizer_that_waits(struct notes *notes)
{
	gort_set_finalizer(new_node(1, NULL), wait_at, notes);
}

CASE(the_goroutine_of_finalizers_is_not_counted)
{
	struct notes notes = {.back = gort_makechan(0, 0)};
	check_equal(gort_numgoroutine(), 1);
	apart(finalizer_that_waits, &notes);
	wait_for(&notes, 1);
	check_equal(notes.order[0], 1);
	check_equal(gort_numgoroutine(), 1);
	gort_chansend(notes.back, NULL);
	gort_sleep(1000000);
	check_equal(gort_numgoroutine(), 1);
}

static void one_finalizer(struct notes *notes)
{
	gort_set_finalizer(new_node(1, NULL), note_node, notes);
}

// exit 2
// stderr all goroutines are asleep - deadlock!
// stderr goroutine 1 [chan receive (nil chan)]:
CASE(a_program_with_only_the_goroutine_of_finalizers_left_is_stuck)
{
	struct notes notes = {0};
	apart(one_finalizer, &notes);
	wait_for(&notes, 1);
	gort_chanrecv(NULL, NULL);
}

// exit 2
// env GOTRACEBACK=system
// stderr [finalizer wait]:
CASE(the_goroutine_of_finalizers_is_shown_on_request)
{
	struct notes notes = {0};
	apart(one_finalizer, &notes);
	wait_for(&notes, 1);
	gort_sleep(1000000);
	gort_chanrecv(NULL, NULL);
}

static void sends(void *obj, void *closure)
{
	(void)obj;
	gort_chansend(((struct notes *)closure)->back, NULL);
}

static void finalizer_that_sends(struct notes *notes)
{
	gort_set_finalizer(new_node(1, NULL), sends, notes);
}

static void collect(void *arg)
{
	(void)arg;
	gort_gc();
}

CASE(waiting_for_a_finalizer_is_no_deadlock_while_there_is_a_collection)
{
	struct notes notes = {.back = gort_makechan(0, 0)};
	for (int i = 0; i < 20; i++) {
		apart(finalizer_that_sends, &notes);
		gort_go(collect, NULL);
		gort_go(collect, NULL);
		gort_chanrecv(notes.back, NULL);
	}
}

static uint32_t collections(void)
{
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	return stats.num_gc;
}

/* Too much is allocated for a collection at each time. */
// env GORT_DEBUG=poison,checkheap
CASE(nor_while_what_it_has_found_is_swept)
{
	struct notes notes = {.back = gort_makechan(0, 0)};
	struct node *volatile much = NULL;
	for (int i = 0; i < 100000; i++)
		much = new_node(i, much);
	gort_set_gc_percent(10);
	for (int i = 0; i < 10; i++) {
		apart(finalizer_that_sends, &notes);
		uint32_t count = collections() + 2;
		while (collections() < count)
			for (int n = 0; n < 100; n++)
				new_node(n, NULL);
		gort_chanrecv(notes.back, NULL);
	}
	gort_keep_alive(much);
}

static void panic_in_it(void *obj, void *closure)
{
	(void)obj;
	gort_panic_string(closure);
}

static void finalizer_that_panics(struct notes *notes)
{
	(void)notes;
	gort_set_finalizer(new_node(1, NULL), panic_in_it, "in a finalizer");
}

// exit 2
// stderr panic: in a finalizer
CASE(a_panic_in_a_finalizer_ends_the_program)
{
	struct notes notes = {0};
	apart(finalizer_that_panics, &notes);
	wait_for(&notes, 1);
}

// exit 2
// stderr fatal error: runtime.SetFinalizer: first argument is nil
CASE(a_finalizer_for_nil)
{
	gort_set_finalizer(NULL, note_node, NULL);
}

// exit 2
// stderr fatal error: runtime.SetFinalizer: pointer not in allocated block
CASE(a_finalizer_for_a_local)
{
	struct node n;
	gort_set_finalizer(&n, note_node, NULL);
}

// exit 2
// stderr fatal error: runtime.SetFinalizer: pointer not at beginning of allocated block
CASE(a_finalizer_for_the_inside_of_an_object)
{
	gort_set_finalizer(&new_node(1, NULL)->number, note_node, NULL);
}

// exit 2
// stderr fatal error: runtime.SetFinalizer: finalizer already set
CASE(a_second_finalizer)
{
	struct node *n = new_node(1, NULL);
	gort_set_finalizer(n, note_node, NULL);
	gort_set_finalizer(n, note_node, NULL);
}

static void recover_into(void *value)
{
	gort_recover(value);
}

static bool same(const char *a, const char *b, size_t length)
{
	while (length > 0 && a[length - 1] == b[length - 1])
		length--;
	return length == 0;
}

/* Whether adding the cleanup panics with that text. */
static bool panics_with(void *ptr, void *arg, void *closure, const char *text)
{
	struct gort_defer first;
	struct gort_value value;
	size_t length = 0;
	while (text[length] != 0)
		length++;
	if (gort_defer_push(&first, recover_into, &value)) {
		gort_defer_return(&first);
		return value.kind == GORT_STRING && value.data.text.length == length && same(value.data.text.bytes, text, length);
	}
	gort_add_cleanup(ptr, note_argument, arg, closure);
	gort_defer_return(&first);
	return false;
}

CASE(cleanups_that_would_never_run_panic)
{
	struct node *volatile n = new_node(1, NULL), *volatile other = new_node(2, n);
	check(panics_with(NULL, NULL, NULL, "runtime.AddCleanup: ptr is nil"));
	check(panics_with(n, n, NULL, "runtime.AddCleanup: ptr is equal to arg, cleanup will never run"));
	check(panics_with(n, &n->number, NULL, "runtime.AddCleanup: ptr is within arg, cleanup will never run"));
	check(panics_with(n, NULL, other, "runtime.AddCleanup: cleanup function closes over ptr, cleanup will never run"));
	check(panics_with((void *)&n, NULL, NULL, "runtime.AddCleanup: ptr not in allocated block"));
	check(!panics_with(n, other, NULL, ""));
}

CASE(weak_pointers_to_one_place_are_one)
{
	struct node *volatile n = new_node(1, NULL);
	gort_weak *weak = gort_weak_make(n), *inside = gort_weak_make(&n->number);
	check(weak != NULL && weak == gort_weak_make(n) && weak != inside && inside == gort_weak_make(&n->number));
	check(gort_weak_value(weak) == n && gort_weak_value(inside) == &n->number);
}

CASE(cleanups_are_told_apart)
{
	struct node *volatile n = new_node(1, NULL);
	uint64_t first = gort_add_cleanup(n, note_argument, NULL, NULL), second = gort_add_cleanup(&n->number, note_argument, NULL, NULL);
	check(first != 0 && second != 0 && first != second);
	gort_cleanup_stop(first);
	gort_cleanup_stop(first);
	gort_cleanup_stop(0);
	gort_cleanup_stop(UINT64_MAX);
	gort_cleanup_stop(second);
}

static struct node a_variable;

CASE(variables_are_always_reachable)
{
	struct notes notes = {0};
	gort_add_roots(&a_variable, sizeof a_variable);
	gort_set_finalizer(&a_variable, note_node, &notes);
	check_equal(gort_add_cleanup(&a_variable, note_argument, NULL, &notes), 0);
	gort_weak *weak = gort_weak_make(&a_variable.number);
	gort_gc();
	gort_gc();
	check(gort_weak_value(weak) == &a_variable.number && weak == gort_weak_make(&a_variable.number));
	check_equal(notes.calls, 0);
}

/* Weak pointers to nodes that come and go, in an object that everybody knows. */
enum { PLACES = 256, MAGIC = 0x600d };

struct table {
	gort_weak *weak[PLACES];
};

static const struct gort_type table_type = {
	.size = sizeof(struct table),
	.ptrdata = sizeof(struct table),
	.kind = GORT_KIND_STRUCT,
	.align = 8,
};

struct race {
	struct gort_waitgroup done;
	struct table *table;
	volatile int64_t found, gone, cleaned;
	volatile int stop;
};

static void note_cleaned(void *arg, void *closure)
{
	(void)arg;
	((struct race *)closure)->cleaned++;
}

static void makes_nodes(void *arg)
{
	struct race *race = arg;
	for (uint32_t n = 0; !race->stop; n++) {
		struct node *volatile keep = new_node(MAGIC, new_node(MAGIC, NULL));
		gort_weak *weak = gort_weak_make(keep);
		gort_store((void **)&race->table->weak[n % PLACES], weak);
		if (n % 16 == 0)
			gort_add_cleanup(keep, note_cleaned, NULL, race);
		gort_keep_alive(keep);
	}
	gort_waitgroup_done(&race->done);
}

static void follows_weak_pointers(void *arg)
{
	struct race *race = arg;
	for (uint32_t n = 0; !race->stop; n += 7) {
		gort_weak *weak = race->table->weak[n % PLACES];
		struct node *volatile found = gort_weak_value(weak);
		if (found) {
			check_equal(found->number, MAGIC);
			check_equal(found->next->number, MAGIC);
			race->found++;
		} else if (weak) {
			check(gort_weak_value(weak) == NULL);
			race->gone++;
		}
		gort_keep_alive(found);
	}
	gort_waitgroup_done(&race->done);
}

// env GORT_DEBUG=poison
CASE(weak_pointers_race_with_the_sweep)
{
	struct race race = {0};
	struct table *volatile table = gort_new(&table_type);
	race.table = table;
	gort_waitgroup_add(&race.done, 4);
	for (int i = 0; i < 2; i++) {
		gort_go(makes_nodes, &race);
		gort_go(follows_weak_pointers, &race);
	}
	for (int i = 0; i < 20 || ((!race.found || !race.gone || !race.cleaned) && i < 500); i++) {
		gort_gc();
		gort_sleep(1000000);
	}
	race.stop = 1;
	gort_waitgroup_wait(&race.done);
	check(race.found > 0 && race.gone > 0 && race.cleaned > 0);
}

#endif
