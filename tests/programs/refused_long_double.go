// Refused: Go has no type of the size of long double.
package main

/*
static long double half(long double d) { return d / 2; }
*/
import "C"

func main() {
	C.half([16]byte{})
}
