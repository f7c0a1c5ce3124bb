package p

// struct unseen;
import "C"

var (
	_ = /* ERROR "invalid conversion to C.enum_absent: undefined C type 'enum absent'" */ C.enum_absent(1)
	_ = new(/* ERROR "expression C.enum_absent: undefined C type 'enum absent'" */ C.enum_absent)
	_ /* ERROR "type C.enum_absent: undefined C type 'enum absent'" */ C.enum_absent
	_ *C.struct_unseen
)
