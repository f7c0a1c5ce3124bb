// Refused: the preamble is not C.
package main

/*
int fine(void);
int broken(;
#error stop here
*/
import "C"

func main() { C.fine() }
