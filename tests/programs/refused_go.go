// Refused: the Go file does not parse.
package main

// int f(void);
import "C"

func main() {
	C.f(
	x := := 1
}
