package p

// #include <stdint.h>
// typedef struct { int a; } options;
import "C"

import "unsafe"

type local C.int

type callback func(int) int

//export Plain
func Plain(a, b C.int) C.int { return a + b }

//export Nothing
func Nothing() {}

//export Mixed
func Mixed(flag bool, r string, data []byte, o *C.options, l local) (n int64, err error) {
	return 0, nil
}

//export Everything
func Everything(f callback, m map[string]int, c chan int, i interface{}, p unsafe.Pointer, é rune, z C.uint8_t) (complex128, string) {
	return 0, name
}

const name = ""

type T struct{ n int }

//export Method
func (t *local) Method(x float32) uintptr { return 0 }
