/*
 * cgo's rules for pointers, as Go's own tests have them (cmd/cgo/internal/testerrors/ptr_test.go): the same cases by the same names, with the calls that
 * cgo makes of their arguments, and the same verdicts.
 *
 * Not here, since nothing of them is left at run time: union2 and stringdata (cgo sees that no check is needed and makes none). Since C can't say them:
 * deadline (os.Pipe's deadlines; reading waits in io.c), structof (reflect.StructOf). Of chanrecv and buffer only the check is here: that cgo evaluates an
 * argument once is the generator's business. Storing rules (barrier…) are in rules_stores.c.
 */
#include "case.h"

void nothing(void);

#ifdef GORT_GO_TEXT

#include "rules_types.h"

GORT_CCALL(nothing);

/* ---- The calls that cgo makes ---- */

static const struct gort_any none;

/* f(p), &x and x[i:j], &s[i], &a[i]. */
static void pass(struct gort_any value)
{
	gort_check_pointer(value, none);
}

static void pass_address(struct gort_any value)
{
	gort_check_pointer(value, ANY(bool_type, NULL));
}

static void pass_element(struct gort_any value, struct gort_any whole)
{
	gort_check_pointer(value, whole);
}

static void give_back(struct gort_any value, const char *function)
{
	gort_check_result(value, function, "ptr.go", 21);
}

/* ---- The cases ---- */

static void ptr1(void)
{
	void **s = gort_new(&has_pointer);
	s[0] = gort_new(&int_type);
	pass_address(ANY(pointer_to_has_pointer, s));
}

static void ptr2(void)
{
	void **s = gort_new(&has_pointer);
	s[0] = gort_new(&int_type);
	pass(ANY(pointer_to_has_pointer, s));
}

static struct mixed *new_mixed(void *p)
{
	struct mixed *s = gort_new(&mixed);
	s->p = p;
	return s;
}

static void ok1(void)
{
	pass_address(ANY(pointer_to_int, &new_mixed(gort_new(&int_type))->i));
}

static void ptrfield(void)
{
	pass_address(ANY(pointer_to_pointer, &new_mixed(gort_new(&int_type))->p));
}

static void ptrfieldok(void)
{
	void **s = gort_new(&two_pointers);
	s[1] = gort_new(&int_type);
	pass_address(ANY(pointer_to_pointer, &s[0]));
}

/* []unsafe.Pointer with one or two elements. */
static struct gort_slice slice_of(int n, void *first, void *second)
{
	void **array = gort_new_array(&unsafe_pointer, n);
	array[0] = first;
	if (n > 1)
		array[1] = second;
	return (struct gort_slice){array, n, n};
}

static void sliceok1(void)
{
	struct gort_slice s = slice_of(1, NULL, NULL);
	pass_element(ANY(pointer_to_unsafe_pointer, s.p), ANY(slice_of_pointers, &s));
}

static void sliceptr1(void)
{
	struct gort_slice s = slice_of(1, gort_new(&int_type), NULL);
	pass_element(ANY(pointer_to_unsafe_pointer, s.p), ANY(slice_of_pointers, &s));
}

static void sliceptr2(void)
{
	struct gort_slice s = slice_of(2, NULL, gort_new(&int_type));
	pass_element(ANY(pointer_to_unsafe_pointer, s.p), ANY(slice_of_pointers, &s));
}

static void sliceok2(void)
{
	struct { void *p; struct gort_slice s; } *p = gort_new(&pointer_and_slice);
	p->p = gort_new(&int_type);
	p->s = slice_of(1, NULL, NULL);
	pass_element(ANY(pointer_to_unsafe_pointer, p->s.p), ANY(slice_of_pointers, &p->s));
}

static void sliceok3(void)
{
	struct { void *p; char a[4]; } *p = gort_new(&pointer_and_bytes);
	p->p = gort_new(&int_type);
	struct gort_slice s = {p->a, 4, 4};
	pass_element(ANY(unsafe_pointer, s.p), ANY(slice_of_bytes, &s));
}

static void sliceok4(void)
{
	struct { void *p; char a[4]; } *p = gort_new(&pointer_and_bytes);
	p->p = gort_new(&int_type);
	pass_element(ANY(unsafe_pointer, p->a), ANY(four_bytes, &p->a));
}

static char hello12[] = "hello";

static void varok(void)
{
	char *parg[1] = {hello12};
	pass_element(ANY(pointer_to_pointer, &parg[0]), ANY(one_pointer, parg[0]));
}

static char *hello13[1];

static void var1(void)
{
	gort_add_roots(hello13, sizeof hello13);
	hello13[0] = gort_new(&char_type);
	char **parg[1] = {hello13};
	pass_element(ANY(pointer_to_pointer, &parg[0]), ANY(one_pointer, parg[0]));
}

static void export1(void)
{
	give_back(ANY(pointer_to_char, gort_new(&char_type)), "GoFn21");
}

static void exportok(void)
{
	void *p = gort_malloc(1);
	give_back(ANY(pointer_to_char, p), "GoFn22");
	gort_free(p);
}

/* The argument holds a pointer, but none to a pointer: cgo makes no check, and one would find nothing. */
static void passstring(void)
{
	struct gort_string s = gort_gostring("a");
	pass(ANY(string_type, &s));
}

static void passstringslice(void)
{
	struct gort_string *a = gort_new(&one_string);
	*a = gort_gostring("aa");
	pass_element(ANY(unsafe_pointer, a), ANY(one_string, a));
}

static void retstring(void)
{
	struct gort_string s = gort_gostring("aa");
	give_back(ANY(string_type, &s), "GoStr25");
}

/* A number that looks like a pointer, in C's memory. */
static void ptrdata1(void)
{
	struct { void *p; char a[64]; uintptr_t u; } *q = gort_malloc(sizeof *q);
	q->p = NULL;
	q->u = (uintptr_t)gort_new(&int_type);
	pass(ANY(unsafe_pointer, q));
	gort_free(q);
}

static void ptrdata2(void)
{
	struct { void *p; char a[32769 * 8]; void *q; uintptr_t u; } *q = gort_malloc(sizeof *q);
	q->p = q->q = NULL;
	q->u = (uintptr_t)gort_new(&int_type);
	pass(ANY(unsafe_pointer, q));
	gort_free(q);
}

/* The same in Go's memory: what isn't a pointer by its type is none. */
static void number_like_a_pointer(void)
{
	struct { void *p; char a[64]; uintptr_t u; } *q = gort_new(&pointer_bytes_number);
	q->u = (uintptr_t)gort_new(&int_type);
	pass(ANY(unsafe_pointer, q));
}

static void pass_deferred(void *p)
{
	pass(ANY(pointer_to_has_pointer, p));
}

/* The argument is looked at when the deferred call is made. */
static void defer1(void)
{
	void **p = gort_new(&has_pointer);
	struct gort_defer record;
	if (gort_defer_push(&record, pass_deferred, p))
		return gort_defer_return(&record);
	p[0] = gort_new(&int_type);
	gort_defer_return(&record);
}

static void union1(void)
{
	void **p = gort_new(&has_pointer);
	p[0] = gort_new(&char_type);
	pass_address(ANY(pointer_to_pointer, p));
}

static void chanrecv(void)
{
	gort_chan *c = gort_makechan(sizeof(struct gort_slice), 2);
	struct gort_slice s = slice_of(1, NULL, NULL), received;
	gort_chansend(c, &s);
	gort_chanrecv(c, &received);
	pass_element(ANY(pointer_to_unsafe_pointer, received.p), ANY(slice_of_pointers, &received));
	gort_freechan(c);
}

static void structfield(void)
{
	struct { void *p; char a[64]; uintptr_t u; } *s = gort_new(&pointer_bytes_number);
	s->p = gort_new(&int_type);
	pass_address(ANY(pointer_to_eight_bytes, &s->a));
}

static void structfield2(void)
{
	struct { char a[8]; void *p; int64_t b; } *s = gort_new(&bytes_pointer_number);
	s->p = gort_new(&int_type);
	pass_address(ANY(pointer_to_eight_bytes, &s->a));
	pass_address(ANY(pointer_to_int, &s->b));
}

/* What was evaluated by the defer statement: the element's address and the slice. */
struct deferred {
	void *element;
	struct gort_slice slice;
};

static void pass_deferred_element(void *arg)
{
	struct deferred *d = arg;
	pass_element(ANY(pointer_to_unsafe_pointer, d->element), ANY(slice_of_pointers, &d->slice));
}

static void defer2(void)
{
	struct deferred d = {.slice = slice_of(1, NULL, NULL)};
	d.element = d.slice.p;
	struct gort_defer record;
	if (gort_defer_push(&record, pass_deferred_element, &d))
		return gort_defer_return(&record);
	gort_defer_return(&record);
}

static void buffer(void)
{
	struct gort_slice bytes = gort_gobytes("a", 1);
	pass_element(ANY(unsafe_pointer, bytes.p), ANY(slice_of_bytes, &bytes));
}

static void structfieldcast(void)
{
	struct { void *p; struct mixed a; } *s = gort_new(&pointer_and_mixed);
	s->p = gort_new(&int_type);
	pass_address(ANY(pointer_to_mixed, &s->a));
}

static void slicedata(void)
{
	struct gort_slice s = slice_of(2, NULL, gort_new(&char_type));
	pass(ANY(unsafe_pointer, s.p));
}

static void slicedata2(void)
{
	struct { void *p; char a[4]; } *s = gort_new(&pointer_and_bytes);
	s->p = gort_new(&int_type);
	struct gort_slice bytes = {s->a, 4, 4};
	pass_address(ANY(slice_of_bytes, &bytes));
}

static void arraypointer(void)
{
	char *a = gort_new(&four_bytes);
	pass_element(ANY(unsafe_pointer, a), ANY(pointer_to_four_bytes, a));
}

static void arraypointer2(void)
{
	void **a = gort_new(&two_pointer_array);
	a[1] = gort_new(&int_type);
	pass_element(ANY(pointer_to_unsafe_pointer, a), ANY(pointer_to_two_pointer_array, a));
}

/* Go 1.27.3 refuses an array of one pointer even if that is nil: it takes the array's address for its element. */
static void arraypointer_of_one(void)
{
	void **a = gort_new(&one_pointer);
	pass_element(ANY(pointer_to_unsafe_pointer, a), ANY(pointer_to_one_pointer, a));
	a[0] = gort_new(&int_type);
	pass_element(ANY(pointer_to_unsafe_pointer, a), ANY(pointer_to_one_pointer, a));
}

static void argmap(void)
{
	void **m = gort_new(&map_type);
	m[0] = gort_new(&has_pointer);
	pass_address(ANY(pointer_to_map, m));
}

static void retmap(void)
{
	give_back(ANY(map_type, gort_new(&has_pointer)), "GoMap47");
}

/* ---- More of the same, by what Go's rules say ---- */

static void interface_of_pointer(void)
{
	struct gort_any *i = gort_new(&interface_type);
	*i = ANY(pointer_to_int, gort_new(&int_type));
	pass_address(ANY(pointer_to_interface, i));
}

static void interface_of_nothing(void)
{
	pass_address(ANY(pointer_to_interface, gort_new(&interface_type)));
}

static void interface_of_c_pointer(void)
{
	struct gort_any *i = gort_new(&interface_type);
	*i = ANY(pointer_to_int, hello12);
	pass_address(ANY(pointer_to_interface, i));
}

/* A slice passed as it is: its array may be Go's, but what the array holds may not. */
static void slice_itself(void)
{
	struct gort_slice s = slice_of(2, NULL, NULL);
	pass(ANY(slice_of_pointers, &s));
	((void **)s.p)[1] = gort_new(&int_type);
	pass(ANY(slice_of_pointers, &s));
}

static void slice_beyond_its_length(void)
{
	struct gort_slice s = slice_of(2, NULL, gort_new(&int_type));
	s.len = 1;
	pass(ANY(slice_of_pointers, &s));
}

static void function_static(void)
{
	pass(ANY(function_type, &hello12));
}

static void function_closure(void)
{
	pass(ANY(function_type, gort_new(&has_pointer)));
}

static void channel(void)
{
	void **p = gort_new(&has_pointer);
	pass_address(ANY(pointer_to_channel, p));
}

static void stack_variable(void)
{
	int local = 0;
	void **p = gort_new(&has_pointer);
	p[0] = &local;
	pass(ANY(pointer_to_has_pointer, p));
}

static void struct_by_value(void)
{
	struct mixed s = {1, gort_new(&int_type)};
	pass(ANY(mixed, &s));
	s.p = gort_new(&has_pointer);
	*(void **)s.p = gort_new(&int_type);
	pass(ANY(mixed, &s));
}

static void result_in_struct(void)
{
	struct mixed s = {1, NULL};
	give_back(ANY(mixed, &s), "F");
	s.p = gort_new(&int_type);
	give_back(ANY(mixed, &s), "F");
}

static void result_slice(void)
{
	struct gort_slice s = gort_gobytes("abc", 3);
	give_back(ANY(slice_of_bytes, &s), "F");
}

static void result_nothing(void)
{
	give_back(none, "F");
	give_back(ANY(pointer_to_int, NULL), "F");
	give_back(ANY(map_type, NULL), "F");
}

#define ARGUMENT(kind) "runtime error: argument of cgo function has Go pointer to unpinned Go " kind
#define RESULT(function, kind) \
	"runtime error: ptr.go:21: result of Go function " function " called from cgo is unpinned Go " kind " or points to unpinned Go " kind

/* What each panics with; null: it does not. */
static const struct rule {
	const char *name;
	void (*run)(void);
	const char *panics;
} rules[] = {
	{"ptr1", ptr1, ARGUMENT("pointer")},
	{"ptr2", ptr2, ARGUMENT("pointer")},
	{"ok1", ok1, NULL},
	{"ptrfield", ptrfield, ARGUMENT("pointer")},
	{"ptrfieldok", ptrfieldok, NULL},
	{"sliceok1", sliceok1, NULL},
	{"sliceptr1", sliceptr1, ARGUMENT("unsafe pointer")},
	{"sliceptr2", sliceptr2, ARGUMENT("unsafe pointer")},
	{"sliceok2", sliceok2, NULL},
	{"sliceok3", sliceok3, NULL},
	{"sliceok4", sliceok4, NULL},
	{"varok", varok, NULL},
	{"var1", var1, ARGUMENT("pointer")},
	{"export1", export1, RESULT("GoFn21", "pointer")},
	{"exportok", exportok, NULL},
	{"passstring", passstring, NULL},
	{"passstringslice", passstringslice, ARGUMENT("string")},
	{"retstring", retstring, RESULT("GoStr25", "string")},
	{"ptrdata1", ptrdata1, NULL},
	{"ptrdata2", ptrdata2, NULL},
	{"number_like_a_pointer", number_like_a_pointer, NULL},
	{"defer1", defer1, ARGUMENT("pointer")},
	{"union1", union1, ARGUMENT("pointer")},
	{"chanrecv", chanrecv, NULL},
	{"structfield", structfield, NULL},
	{"structfield2", structfield2, NULL},
	{"defer2", defer2, NULL},
	{"buffer", buffer, NULL},
	{"structfieldcast", structfieldcast, NULL},
	{"slicedata", slicedata, ARGUMENT("pointer")},
	{"slicedata2", slicedata2, NULL},
	{"arraypointer", arraypointer, NULL},
	{"arraypointer2", arraypointer2, ARGUMENT("unsafe pointer")},
	{"arraypointer_of_one", arraypointer_of_one, ARGUMENT("pointer")},
	{"argmap", argmap, ARGUMENT("map")},
	{"retmap", retmap, RESULT("GoMap47", "map")},
	{"interface_of_pointer", interface_of_pointer, ARGUMENT("interface")},
	{"interface_of_nothing", interface_of_nothing, NULL},
	{"interface_of_c_pointer", interface_of_c_pointer, NULL},
	{"slice_itself", slice_itself, ARGUMENT("unsafe pointer")},
	{"slice_beyond_its_length", slice_beyond_its_length, ARGUMENT("unsafe pointer")},
	{"function_static", function_static, NULL},
	{"function_closure", function_closure, ARGUMENT("function")},
	{"channel", channel, ARGUMENT("channel")},
	{"stack_variable", stack_variable, NULL},
	{"struct_by_value", struct_by_value, ARGUMENT("pointer")},
	{"result_in_struct", result_in_struct, RESULT("F", "pointer")},
	{"result_slice", result_slice, RESULT("F", "slice")},
	{"result_nothing", result_nothing, NULL},
	{0},
};

static char panicked[300];

static void catch(void *unused)
{
	struct gort_value value;
	if (!gort_recover(&value))
		return;
	check_equal(value.kind, GORT_RUNTIME_ERROR);
	check(value.data.text.length < sizeof panicked);
	memcpy(panicked, value.data.text.bytes, value.data.text.length);
	panicked[value.data.text.length] = 0;
}

static void run_rule(const struct rule *rule)
{
	struct gort_defer record;
	if (gort_defer_push(&record, catch, NULL))
		return gort_defer_return(&record);
	rule->run();
	gort_defer_return(&record);
}

static void check_rules(bool checked)
{
	for (const struct rule *rule = rules; rule->name; rule++) {
		const char *wanted = checked && rule->panics ? rule->panics : "";
		panicked[0] = 0;
		run_rule(rule);
		if (strcmp(panicked, wanted) != 0) {
			go_say(rule->name);
			go_say(panicked);
			FAIL("the verdict is Go's", __FILE__, __LINE__);
		}
	}
}

// env GODEBUG=cgocheck=0
CASE(pointer_rules_at_level_0)
{
	check_rules(false);
}

// env GODEBUG=panicnil=1,cgocheck=1
CASE(pointer_rules_at_level_1)
{
	check_rules(true);
}

CASE(pointer_rules_unless_said_otherwise)
{
	check_rules(true);
}

// env GODEBUG=cgocheck=2
CASE(pointer_rules_at_level_2)
{
	check_rules(true);
}

// exit 2
// stderr panic: runtime error: argument of cgo function has Go pointer to unpinned Go pointer
// stderr case_pointer_rules_broken_end_the_program
CASE(pointer_rules_broken_end_the_program)
{
	ptr2();
}

/* preemptduringcall */
static void call_and_resize(void *arg)
{
	struct gort_waitgroup *done = arg;
	static int numbers;
	int number = __atomic_fetch_add(&numbers, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 100; i++) {
		go_nothing();
		gort_gomaxprocs(number % 4);
	}
	gort_waitgroup_done(done);
}

CASE(preemption_while_entering_c)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 100);
	for (int i = 0; i < 100; i++)
		gort_go(call_and_resize, &done);
	gort_waitgroup_wait(&done);
}

#else

void nothing(void)
{
}

#endif
