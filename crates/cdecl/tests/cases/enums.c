// names: enum color; RED; GREEN; BLUE; enum big; BIG; BIGGER; enum negative; MINUS; enum wide; WIDE; WIDEST; UNSIGNED_WIDE; signed_e
// names: ANON_A; ANON_B; enum tiny; tiny_t; color_t; ALIAS; HALF; enum forward; mixed_var; SMALL_OF_BIG; NEG_OF_WIDE; sizeof(enum tiny)
enum color { RED, GREEN = 10, BLUE };
typedef enum color color_t;
enum big { SMALL_OF_BIG = 1, BIG = 4294967295u, BIGGER = 0x80000000 };
enum negative { MINUS = -5, PLUS = 5 };
enum wide { NEG_OF_WIDE = -1, WIDE = 4294967296, WIDEST = 0x7fffffffffffffff };
enum ulong_enum { UNSIGNED_WIDE = 0xffffffffffffffff };
enum { ANON_A = 'a', ANON_B = ANON_A + 1 };
enum __attribute__((packed)) tiny { T0, T200 = 200 };
typedef enum tiny tiny_t;
#define ALIAS GREEN
#define HALF (GREEN / 2)
enum color mixed_var = RED;
typedef enum { S_A = -1 } signed_e;
