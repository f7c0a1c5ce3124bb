// names: a; b; chain; fn; fn_pointer; paren_fn; arr; const_t; const_chain; aligned_t; recursive; struct loop; twice; record; also_record; array_of_const
// names: typeof_expr; typeof_type; struct typeof_fields; typeof_var; vector; struct vectors; atomic_t; struct atomics; va; struct va_holder; int8; qi; di; ti_pointer; unsigned_half; size_var; cptr; struct late_tag; late_tag; handle; fn_var; mayalias
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
typedef int a;
typedef a b;
typedef b chain;
typedef chain fn(a, b);
typedef fn *fn_pointer;
typedef int (paren_fn)(size_t);
typedef a arr[4];
typedef const int const_t;
typedef volatile const_t const_chain;
typedef int aligned_t __attribute__((aligned(32)));
typedef struct loop *recursive;
struct loop { recursive r; void (*f)(recursive, struct loop *); };
typedef int twice;
typedef int twice;
typedef struct record { int x; } record;
typedef record also_record;
typedef const char array_of_const[3];
typedef __typeof__(sizeof(int)) typeof_expr;
typedef __typeof__(size_t) typeof_type;
size_t size_var;
struct typeof_fields { __typeof__(size_var) s; __typeof__(arr) r; __typeof__(&size_var) p; };
__typeof__(size_var) typeof_var;
typedef float vector __attribute__((vector_size(16)));
struct vectors { char c; vector v; int w __attribute__((vector_size(8))); };
typedef _Atomic int atomic_t;
struct atomics { char c; _Atomic(long) l; atomic_t a; _Atomic unsigned char b; };
typedef va_list va;
struct va_holder { int n; va_list list; };
typedef int8_t int8;
typedef int qi __attribute__((mode(QI)));
typedef int di __attribute__((mode(DI)));
typedef unsigned unsigned_half __attribute__((mode(HI)));
typedef const char *cptr;
typedef struct late_tag late_tag;
struct late_tag { late_tag *self; };
typedef void *handle;
fn *fn_var;
paren_fn *ti_pointer;
typedef int mayalias __attribute__((may_alias));
