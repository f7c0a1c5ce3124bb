package p

/*
#include <stdlib.h>
#include <errno.h>

struct point { int x, y; };
typedef struct { char tag; double value; } pair;
union number { int i; double d; void *p; };
enum color { RED, GREEN = 5 };

static int add(int a, long b) { return a + (int)b; }
static void nothing(void) {}
static pair swap(pair p, struct point *q) { (void)q; return p; }
static int fails(int code) { errno = code; return -1; }
static void fill(void *p, size_t n) { (void)p; (void)n; }
static void keep(char **argv) { (void)argv; }
static unsigned char narrow(unsigned char c, short s, const char *text) { return c + s + !text; }
static void by_union(union number *n) { (void)n; }
int counter;
#define LIMIT 10
#define PI 3.25
#define GREETING "hi\n"
#define LETTER 'x'
#define EXPRESSION (counter + 1)
*/
import "C"

import "unsafe"

var point C.struct_point

func calls(buf []byte, argv []*C.char, k int) error {
	C.nothing()
	n := C.add(1, C.long(k))
	p := C.swap(C.pair{tag: 1}, &point)
	_, err := C.fails(C.ENOENT)
	_, err = C.nothing()
	C.fill(unsafe.Pointer(&buf[0]), C.size_t(len(buf)))
	C.keep(&argv[0])
	defer C.keep((**C.char)(unsafe.Pointer(&argv[k])))
	C.narrow(C.uchar(n), 2, nil)
	var u C.union_number
	C.by_union(&u)
	C.counter = C.LIMIT + C.counter
	f := C.add
	_, _, _ = p, f, C.enum_color(C.GREEN)
	println(C.PI, C.GREETING, C.LETTER, C.EXPRESSION, C.sizeof_pair)
	s := C.CString("text")
	defer C.free(unsafe.Pointer(s))
	println(C.GoString(s), C.GoStringN(s, 2))
	m := C.malloc(8)
	C.free(m)
	return err
}
