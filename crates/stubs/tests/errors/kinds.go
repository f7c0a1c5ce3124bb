package p

/*
int variable;
int function(void);
#define CONSTANT 1
long double wide;
int print(const char *, ...);
long double widen(long double);
*/
import "C"

var _ /* ERROR "expression C.variable used as type" */ C.variable
var _ = /* ERROR "call of non-function C.CONSTANT" */ C.CONSTANT()
var _ = /* ERROR "only C variables allowed in selector expression function" */ C.function.x
var _ = /* ERROR "use of builtin 'GoString' not in function call" */ C.GoString
var _, _ = /* ERROR "no two-result form for C.CString" */ C.CString("")
