package p

/*
int known;
long double wide;
int print(const char *, ...);
*/
import "C"

var _ = /* ERROR "could not determine what C.unknown refers to" */ C.unknown
var _ = C.known
var _ = /* ERROR "unexpected: 16-byte float type - long double" */ C.wide
var _ = /* ERROR "unexpected type: ..." */ C.print(nil)
