// Functions in both directions: every kind of parameter and result.
package main

/*
#include <complex.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { double x, y; } point;
typedef int (*binary)(int, int);
typedef void (*visitor)(void *, const point *);
typedef enum { LOW, HIGH } level;
struct opaque;

static void nothing(void) {}
static int oldstyle() { return 1; }
static point midpoint(point a, const point *b) { a.x += b->x; return a; }
static binary choose(level l) { return NULL; }
static void walk(point *list, size_t n, visitor f, void *data) {}
static const char *name(const struct opaque *o) { return "o"; }
static float halve(float f, double d) { return f / 2; }
static bool flag(bool b, signed char sc, unsigned char uc, char c) { return b; }
static int64_t fixed(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, uint64_t g) { return a; }
static int fails(int code) { errno = code; return -1; }
static void *allocate(size_t n) { return malloc(n); }
static int sum(const int values[], int n) { return values[n - 1]; }
static int table(int rows[2][3]) { return rows[1][2]; }
static void into(char buffer[static 4]) { buffer[0] = 0; }
static inline uintptr_t address(volatile void *restrict p) { return (uintptr_t)p; }
static _Complex double turn(_Complex double z) { return z; }
static __attribute__((noinline)) struct timespec *when(struct timespec *t) { return t; }

extern int fromC(int, char *);
extern void callbackVoid(void *);
*/
import "C"

import "unsafe"

//export fromC
func fromC(a C.int, s *C.char) C.int { return a }

//export callbackVoid
func callbackVoid(p unsafe.Pointer) {}

// Many has a result struct in C.
//
//export Many
func Many(a int, b string, c []byte, d any, e map[string]int, f func(), g chan int) (x int, y string, z error) {
	return
}

//export Numbers
func Numbers(a int8, b uint16, c float32, d float64, e complex64, f complex128, g uintptr, h rune, i byte, j bool) bool {
	return j
}

//export Points
func Points(p C.point, q *C.point, l C.level, t C.size_t) (C.point, *C.struct_opaque) { return p, nil }

type receiver int32

//export ReceiverMethod
func (r receiver) ReceiverMethod(n int32) int32 { return n }

func main() {
	C.nothing()
	_, err := C.nothing()
	_ = err
	_ = C.oldstyle()
	p := C.point{x: 1}
	_ = C.midpoint(p, &p)
	_ = C.choose(C.HIGH)
	C.walk(&p, 1, nil, unsafe.Pointer(&p))
	_ = C.GoString(C.name(nil))
	_ = C.halve(1, 2)
	_ = C.flag(true, 1, 2, 3)
	_ = C.fixed(1, 2, 3, 4, 5, 6, 7)
	_, err = C.fails(C.ENOENT)
	C.free(C.allocate(8))
	values := []C.int{1, 2}
	_ = C.sum(&values[0], 2)
	var rows [2][3]C.int
	_ = C.table(&rows[0])
	var buffer [4]C.char
	C.into(&buffer[0])
	_ = C.address(nil)
	_ = C.turn(1 + 2i)
	_ = C.when(nil)
	cs := C.CString("x")
	defer C.free(unsafe.Pointer(cs))
	_ = C.GoStringN(cs, 1)
	_ = C.GoBytes(unsafe.Pointer(cs), 1)
	_ = C.CBytes([]byte{1})
	_ = C.strlen(cs)
	C.fputs(cs, C.stdout)
	_ = C.visitor(C.walk)
	_ = (*[0]byte)(C.callbackVoid)
}
