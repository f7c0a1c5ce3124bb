// names: ULONG_32; ULL_31; LONG_NEG; ONE; NEG; HEX; OCT; UNSIGNED; LONG; ULONG; ULL_MAX; LL_MIN; CHAR; CAST; EXPR; SHIFT; SIZEOF; BOOLEAN; CHARCAST
// names: PI; FLOATC; LDOUBLE; NEGF; FLOAT_EXPR; INT_CAST; INF; EXP
// names: const_int; const_long; const_double; const_char; const_bool; const_enum; extern_const; volatile_const; const_float; const_struct; const_pointer
// names: CONST_EXPR; CONST_NEG; TERNARY; COMMA; COMPARE; OFFSET; NULLPTR; MINUS_PTR; ADDRESS; CALL; COMPOUND; NOT_CONST; INDEX
// names: SHORTC; UCHARC; SIZE_T_MAX; UNSIGNED_CHAR_200; CHAR_CAST_200; ENUM_CAST; I128
#include <stddef.h>
enum small { ZERO, TWO = 2 };
struct pair { char a; int b; };
int variable;
int function(int);
#define ONE 1
#define ULONG_32 0xC0185879UL
#define ULL_31 0x7fffffffULL
#define LONG_NEG (-4294967297LL)
#define NEG (-1)
#define HEX 0xff
#define OCT 0755
#define UNSIGNED 4000000000u
#define LONG 5L
#define ULONG 5UL
#define ULL_MAX 18446744073709551615ULL
#define LL_MIN (-9223372036854775807LL - 1)
#define CHAR 'x'
#define CAST ((unsigned char)300)
#define EXPR (1 + 2 * 3)
#define SHIFT (1 << 31)
#define SIZEOF sizeof(struct pair)
#define BOOLEAN ((_Bool)2)
#define CHARCAST ((char)-1)
#define SHORTC ((short)-2)
#define UCHARC ((unsigned char)200)
#define CHAR_CAST_200 ((signed char)200)
#define SIZE_T_MAX ((size_t)-1)
#define UNSIGNED_CHAR_200 '\377'
#define ENUM_CAST ((enum small)2)
#define I128 (1 ? 5 : 6)
#define PI 3.14159
#define FLOATC 2.5f
#define LDOUBLE 1.5L
#define NEGF (-0.0)
#define EXP 1e300
#define FLOAT_EXPR (1.5 * 2)
#define INT_CAST ((int)2.9)
#define INF (1e308 * 10)
static const int const_int = 5;
const long const_long = -7;
static const double const_double = 2.75;
static const float const_float = 0.5f;
static const char const_char = 'c';
static const _Bool const_bool = 1;
static const enum small const_enum = TWO;
extern const int extern_const;
static const volatile int volatile_const = 3;
static const struct pair const_struct = {1, 2};
static const char *const const_pointer = "text";
#define CONST_EXPR (const_int + 1)
#define CONST_NEG (-const_double)
#define TERNARY (1 ? 2 : variable)
#define COMMA (1, 2)
#define COMPARE (1.5 > 1.0)
#define OFFSET offsetof(struct pair, b)
#define NULLPTR ((void *)0)
#define MINUS_PTR ((void *)-1)
#define ADDRESS (&variable)
#define CALL function(3)
#define COMPOUND ((struct pair){1, 2})
#define NOT_CONST (variable + 1)
#define INDEX "abc"[1]
