// names: f; d; ld; cf; cd; cld; struct floats; struct complexes; float_t; double_t; HUGE_VAL; M_PI; f128; struct f128s; f16
// flags: -D_GNU_SOURCE
// targets: amd64 386 arm64
#include <math.h>
float f;
double d;
long double ld;
float _Complex cf;
double _Complex cd;
long double _Complex cld;
struct floats { char a; float f; char b; double d; char c; long double ld; };
struct complexes { char a; float _Complex f; char b; double _Complex d; char c; long double _Complex ld; };
#ifndef __aarch64__
__float128 f128;
struct f128s { char c; __float128 f; };
#else
extern __fp16 f16;
#endif
