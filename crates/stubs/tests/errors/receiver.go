package p

import "C"

func (x */* ERROR "cannot define new methods on non-local type *C.int" */ C.int) method() {}
