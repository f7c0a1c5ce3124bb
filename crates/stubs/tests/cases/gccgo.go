// -gccgo
package p

/*
#include <stdlib.h>
#include <errno.h>

typedef struct { char tag; double value; } pair;
typedef struct opaque opaque;

static int add(int a, long b) { return a + (int)b; }
static int fails(int code) { errno = code; return -1; }
static void nothing(void) {}
static pair swap(pair p, const char *name) { (void)name; return p; }
static opaque *get(void) { return 0; }
static const char *greeting;
int counter;
#define NEXT (counter + 1)
static const int fixed = 7;
#define FIXED (fixed)
*/
import "C"

import "unsafe"

type number C.int

//export Plain
func Plain(a, b C.int) C.int { return a + b }

//export Several
func Several(r number, name string) (n int64, err error) { return 0, nil }

//export Method
func (n *number) Method(f float32) {}

func calls(buf []byte) error {
	C.nothing()
	n := C.add(1, 2)
	_, err := C.fails(C.ENOENT)
	_, err = C.nothing()
	p := C.swap(C.pair{tag: 1}, C.greeting)
	C.counter += C.NEXT + C.FIXED
	s := C.CString("text")
	defer C.free(unsafe.Pointer(s))
	println(n, p.tag, C.GoString(s), C.get(), C.malloc(1), C.add)
	return err
}
