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
	n->next = next;
	return n;
}

static void note_node(void *obj, void *closure)
{
	(void)obj, (void)closure;
}

static void note_argument(void *arg, void *closure)
{
	(void)arg, (void)closure;
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
	struct node *n = new_node(1, NULL);
	gort_weak *weak = gort_weak_make(n), *inside = gort_weak_make(&n->number);
	check(weak != NULL && weak == gort_weak_make(n) && weak != inside && inside == gort_weak_make(&n->number));
	check(gort_weak_value(weak) == n && gort_weak_value(inside) == &n->number);
	check(gort_weak_make(NULL) == NULL && gort_weak_value(NULL) == NULL);
}

CASE(cleanups_are_told_apart)
{
	struct node *n = new_node(1, NULL);
	uint64_t first = gort_add_cleanup(n, note_argument, NULL, NULL), second = gort_add_cleanup(&n->number, note_argument, NULL, NULL);
	check(first != 0 && second != 0 && first != second);
	gort_cleanup_stop(first);
	gort_cleanup_stop(first);
	gort_cleanup_stop(0);
	gort_cleanup_stop(UINT64_MAX);
	gort_cleanup_stop(second);
}

#endif
