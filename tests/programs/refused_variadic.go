// Refused: a call to a variadic C function.
package main

// #include <stdio.h>
import "C"

func main() {
	C.puts(nil)
	C.printf(C.CString("x"))
}
