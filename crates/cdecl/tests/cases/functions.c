// names: plain; no_params; old_style; variadic; arrays; callback; qualified; returns_struct; returns_pointer; returns_function; sized; format; inlined; noreturn_fn
// names: with_typedefs; enum_param; restrict_params; static_array; bools; forward_struct; attribute_macro; vla_param; typedef_function; function_type; uses_va_list; callback_typedef; redeclared; complex_fn; overloaded; puts
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
struct pair { int a; long b; };
typedef int number;
typedef number many[3];
enum color { RED };
int plain(int a, char b);
void no_params(void);
int old_style();
int variadic(const char *, ...);
void arrays(int a[4], char *b[], many c, const many d);
void callback(int f(int), void (*g)(void));
void qualified(const int a, volatile char *const b, const struct pair *c);
struct pair returns_struct(struct pair);
const char *returns_pointer(void);
int (*returns_function(char))(long);
size_t sized(size_t, uint8_t *, uintptr_t, wchar_t);
int format(const char *, ...) __attribute__((format(printf, 1, 2)));
static inline int inlined(int a) { struct local { int x; } l = {a}; return l.x; }
void noreturn_fn(void) __attribute__((noreturn));
number with_typedefs(number, many *);
void enum_param(enum color);
void restrict_params(char *restrict a, const void *restrict b);
void static_array(int a[static 2]);
_Bool bools(_Bool);
struct never;
void forward_struct(struct never *);
#define WEAKLY __attribute__((noreturn, cold))
WEAKLY size_t attribute_macro(size_t);
void vla_param(int n, double a[n][n]);
typedef int function_type(number, ...);
function_type typedef_function;
void callback_typedef(function_type f, function_type *g);
void uses_va_list(va_list ap, va_list *app);
int redeclared();
int redeclared(number n);
double _Complex complex_fn(float _Complex, long double _Complex);
