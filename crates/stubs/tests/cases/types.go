package p

/*
#include <stdint.h>
#include <stdbool.h>

struct node { struct node *next; void *data; const char *type; int func; };
struct bits { unsigned a : 3; unsigned b : 5; int after; };
struct __attribute__((packed)) packed { char c; int misplaced; short s; char d; int e; };
struct flexible { int n; char data[]; };
struct nested { struct { int x; } in; union { int i; float f; }; int array[3][2]; };
typedef struct opaque opaque;
typedef int (*handler)(opaque *, int);
typedef handler handlers[2];
enum big { HUGE = 0x100000000 };
enum negative { MINUS = -1 };
struct all { _Bool b; int8_t i8; uint16_t u16; int64_t i64; float f; double _Complex z; __int128 wide; handlers h; enum negative n; };
typedef int aligned_int __attribute__((aligned(16)));
struct over { char c; aligned_int i; };
*/
import "C"

var (
	node     C.struct_node
	bits     C.struct_bits
	packed   C.struct_packed
	flexible C.struct_flexible
	nested   C.struct_nested
	opaque   *C.opaque
	all      C.struct_all
	big      C.enum_big
	over     C.struct_over
	boolean  C.bool
	sizes    [C.sizeof_struct_all]byte
)
