// Package main is a Go library for C: one exported function.
package main

import "C"

//export sum
func sum(a, b C.int) C.int { return a + b }

// A C archive or shared library needs a main package; its main never runs.
func main() {}
