package p

/*
int variable;
int function(void);
#define CONSTANT 1
long double wide;
int printf(const char *, ...);
*/
import "C"

type T struct {
	/* ERROR "cannot embed C type" */ C.int
}

func f() {
	_ = /* ERROR "cannot refer to errno directly" */ C.errno
}
