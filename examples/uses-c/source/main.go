// C as source files beside the Go files: structs by value, an enum and a union.
package main

// #include "shape.h"
import "C"

import (
	"fmt"
	"os"
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

// A C union is an array of bytes in Go, read through a pointer of the member's type.
func radius(s *C.shape) float64  { return float64(*(*C.double)(unsafe.Pointer(&s.as))) }
func size(s *C.shape) *C.point   { return (*C.point)(unsafe.Pointer(&s.as)) }
func place(x, y float64) C.point { return C.point{x: C.double(x), y: C.double(y)} }

func main() {
	circle := C.shape_circle(place(1, 2), 4)
	check("C -> Go  struct by value, at.y", float64(circle.at.y), 2.0)
	check("C -> Go  enum", int(circle.kind), C.SHAPE_CIRCLE)
	check("C -> Go  union, as.radius", radius(&circle), 4.0)
	check("Go -> C  struct by value, area", float64(C.shape_area(circle)), 48.0)

	moved := C.shape_moved(circle, place(10, 20))
	check("Go -> C -> Go  moved", moved.at, place(11, 22))
	check("the one left in Go", circle.at, place(1, 2))

	box := C.shape{kind: C.SHAPE_BOX}
	*size(&box) = place(3, 5)
	check("Go -> C  union filled in Go, area", float64(C.shape_area(box)), 15.0)

	box.kind = C.SHAPE_NOTHING
	check("Go -> C  negative enum value, area", float64(C.shape_area(box)), 0.0)

	if failures > 0 {
		os.Exit(1)
	}
}
