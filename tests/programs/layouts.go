// Layouts that C allows and Go has to copy: packed, aligned, nested without names, bit fields, unions, flexible arrays.
package main

/*
#include <stdint.h>
#include <stddef.h>

struct packed { char a; int b; short c; } __attribute__((packed));
struct packed_pointer { char a; void *p; } __attribute__((packed));
struct aligned { char a; int b __attribute__((aligned(16))); };
typedef struct { int x; struct { int y; union { int z; double w; } u; } inner; } nested;
struct unnamed_members { int a; struct { int b; int c; }; union { float f; int i; }; };
struct bits { unsigned a : 3; unsigned b : 5; int plain; unsigned : 0; long long wide : 40; char tail; };
struct flexible { int n; double data[]; };
struct zero_length { int n; int data[0]; };
struct list { struct list *next; struct other *hidden; int value; };
union numbers { char c; double d; void *p; struct { int a, b, c; } s; };
typedef struct list *list_pointer;
typedef union numbers numbers;
typedef int matrix[3][4];
typedef struct { matrix m; numbers n[2]; } holder;
struct keywords { int type; int func; int _type; int range; char select[3]; };
struct holes { char a; long l; char b; _Complex float cf; _Complex double cd; _Bool flag; };
typedef struct { int a; } same1, same2;
typedef struct empty {} empty;
typedef struct tagged tagged;
struct tagged { tagged *self; int (*callback)(tagged *, const char *); };

static struct packed p;
static struct flexible *make(void) { return NULL; }
static holder *held(same1 *a, same2 *b) { return NULL; }
static int matrix_of(matrix m) { return m[0][0]; }
static tagged global_tagged;
*/
import "C"

func main() {
	var (
		_ C.struct_packed
		_ C.struct_packed_pointer
		_ C.struct_aligned
		_ C.nested
		_ C.struct_unnamed_members
		_ C.struct_bits
		_ C.struct_flexible
		_ C.struct_zero_length
		_ C.struct_list
		_ C.union_numbers
		_ C.list_pointer
		_ C.numbers
		_ C.matrix
		_ C.holder
		_ C.struct_keywords
		_ C.struct_holes
		_ C.same1
		_ C.same2
		_ C.empty
		_ C.tagged
		_ *C.struct_other
	)
	_ = C.p
	_ = C.make()
	_ = C.held(nil, nil)
	var m C.matrix
	_ = C.matrix_of(&m[0])
	_ = C.global_tagged.callback
	_ = C.sizeof_struct_bits
	_ = C.sizeof_holder
}
