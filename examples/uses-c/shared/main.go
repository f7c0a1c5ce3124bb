// C as a shared library that calls back into Go, carrying a Go value through C.
package main

/*
#cgo CFLAGS: -I${SRCDIR}/clib
#cgo LDFLAGS: -L${SRCDIR}/clib -lbells
#cgo !windows LDFLAGS: -Wl,-rpath,${SRCDIR}/clib
#include "bells.h"

int goHeard(bell b, uintptr_t carried);
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/cgo"
	"strings"
)

var failures int

func check(what string, got, want any) {
	note := ""
	if got != want {
		note = fmt.Sprintf("  WRONG, not %v", want)
		failures++
	}
	fmt.Printf("%-38s %v%s\n", what, got, note)
}

// listener is what C carries: it never sees the value, only a handle to it.
type listener struct {
	heard []string
	limit int
}

//export goHeard
func goHeard(b C.bell, carried C.uintptr_t) C.int {
	l := cgo.Handle(carried).Value().(*listener)
	l.heard = append(l.heard, fmt.Sprintf("%s(%d)", C.GoString(b.name), b.number))
	if len(l.heard) == l.limit {
		return 0
	}
	return 1
}

func ring(count, limit int) (int, string) {
	l := &listener{limit: limit}
	handle := cgo.NewHandle(l)
	defer handle.Delete()
	rang := C.bells_ring(C.int(count), C.bell_heard(C.goHeard), C.uintptr_t(handle))
	return int(rang), strings.Join(l.heard, " ")
}

func main() {
	rang, heard := ring(4, 10)
	check("Go -> C -> Go  called back with", heard, "ding(1) dong(2) bong(3) ding(4)")
	check("C -> Go  how many rang", rang, 4)

	rang, heard = ring(4, 2)
	check("Go -> C  stopped by Go's answer", heard, "ding(1) dong(2)")
	check("C -> Go  how many rang", rang, 2)

	if failures > 0 {
		os.Exit(1)
	}
}
