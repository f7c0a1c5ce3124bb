// Refused: names that C does not know, of every kind.
package main

// static int known(int n) { return n; }
import "C"

func main() {
	C.unknown_function(1)
	var x C.unknown_type
	_ = x
	_ = C.unknown_constant
	_ = C.known(1)
}

var y C.struct_never_defined
