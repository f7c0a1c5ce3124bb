// Constants of every kind: macros, enumerators, variables, and how each is typed in Go.
package main

/*
#include <limits.h>
#include <stdint.h>
#include <math.h>

#define DECIMAL 42
#define HEX 0xdeadbeefUL
#define NEGATIVE (-7)
#define BIG 0xffffffffffffffffULL
#define SMALLEST LLONG_MIN
#define CHARACTER 'q'
#define NEWLINE '\n'
#define WIDE L'w'
#define FLOATING 2.5
#define SINGLE 1.5f
#define TINY 1e-300
#define HUGE_FLOAT 1e300
#define TEXT "some text"
#define EMPTY_TEXT ""
#define JOINED "a" "b" TEXT
#define ESCAPED "tab\tquote\"nul\0end\xff"
#define SUM (DECIMAL + 1)
#define SHIFTED (1 << 30)
#define TERNARY (DECIMAL ? 3 : 4)
#define SIZE sizeof(long)
#define CAST ((unsigned char)300)
#define VARIABLE counter
#define MEMBER (where.x)
#define CALL next()
#define ALIAS DECIMAL
#define TYPE unsigned long
#define BOOLEAN ((_Bool)1)

enum color { RED, GREEN = 5, BLUE = -1 };
enum wide { SMALL = 1, LARGE = 0x123456789ULL };
enum { LOOSE = 9, LOOSER };
typedef enum { FIRST, SECOND } order;
static const int constant = 11;
static const char *const words = "words";
static const char letters[] = "letters";
static int counter = 3;
static struct { int x, y; } where;
static int next(void) { return counter++; }
*/
import "C"

func main() {
	_, _, _, _, _ = C.DECIMAL, C.HEX, C.NEGATIVE, uint64(C.BIG), C.SMALLEST
	_, _, _ = C.CHARACTER, C.NEWLINE, C.WIDE
	_, _, _, _ = C.FLOATING, C.SINGLE, C.TINY, C.HUGE_FLOAT
	_, _, _, _ = C.TEXT, C.EMPTY_TEXT, C.JOINED, C.ESCAPED
	_, _, _, _, _ = C.SUM, C.SHIFTED, C.TERNARY, C.SIZE, C.CAST
	_, _, _, _, _ = C.VARIABLE, C.MEMBER, C.CALL, C.ALIAS, C.BOOLEAN
	_, _, _, _ = C.RED, C.GREEN, C.BLUE, C.SMALL
	_, _, _, _, _ = uint64(C.LARGE), C.LOOSE, C.LOOSER, C.FIRST, C.SECOND
	_, _, _ = C.constant, C.words, C.letters
	var (
		_ C.enum_color
		_ C.enum_wide
		_ C.order
		_ C.TYPE
	)
	_, _ = C.INT_MAX, uint64(C.UINT64_MAX)
	_ = C.M_PI
}
