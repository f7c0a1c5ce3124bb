// C as a static library: strings both ways, and errno as a Go error.
package main

// #cgo CFLAGS: -I${SRCDIR}/clib
// #cgo LDFLAGS: -L${SRCDIR}/clib -lwords
// #include <stdlib.h>
// #include "words.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
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

// reversed copies text to C and the answer back; both C strings are freed here.
func reversed(text string) (string, error) {
	in := C.CString(text)
	defer C.free(unsafe.Pointer(in))
	out, err := C.words_reversed(in)
	if out == nil {
		return "", err
	}
	defer C.free(unsafe.Pointer(out))
	return C.GoString(out), nil
}

func number(text string) (int, error) {
	in := C.CString(text)
	defer C.free(unsafe.Pointer(in))
	n, err := C.words_number(in)
	if n < 0 {
		return 0, err
	}
	return int(n), nil
}

func main() {
	check("C -> Go  constant string", C.GoString(C.words_version()), "words 1.0 ✓")

	text, err := reversed("the quick brown gopher")
	check("Go -> C -> Go  reversed", text, "gopher brown quick the")
	check("Go -> C -> Go  no error", err, nil)

	_, err = reversed("")
	check("C -> Go  errno EINVAL", errors.Is(err, syscall.EINVAL), true)

	n, err := number("640")
	check("Go -> C -> Go  a number", n, 640)
	check("Go -> C -> Go  no error", err, nil)

	_, err = number("4096")
	check("C -> Go  errno ERANGE", err, syscall.ERANGE)
	fmt.Printf("%-38s %v\n", "         which reads", err)

	if failures > 0 {
		os.Exit(1)
	}
}
