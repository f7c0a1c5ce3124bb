// names: struct flags; struct packed; struct aligned; struct flexible; struct zero; struct outer; union both; struct bits_mixed
// names: struct list; struct tree; struct opaque; opaque_t; struct late; late_pointer; point; struct callbacks; struct empty
// names: struct packed2; struct aligned_member; struct anonymous; struct nested_bits; struct holder; struct wide_bits; struct bool_bits
// names: struct zero_bits; anon_var; struct array_of; struct self_array; pragma_packed; struct enum_bits; struct only_anonymous; struct mixed_ll
struct flags { unsigned a : 3; unsigned b : 5; int c : 7; unsigned char d; unsigned e : 1; };
struct bits_mixed { char a; int b : 4; short c : 9; long long d : 33; unsigned char e : 3; };
struct wide_bits { unsigned long long a : 40; unsigned long long b : 40; int c; };
struct bool_bits { _Bool a : 1; _Bool b : 1; unsigned char c : 2; _Bool d; };
struct zero_bits { char a; int : 0; char b; short : 3; char c : 2; int : 0; int d : 1; };
enum level { LOW = -1, HIGH = 2 };
struct enum_bits { enum level a : 3; unsigned b : 29; enum level c; };
struct __attribute__((packed)) packed { char a; int b; double c; };
struct packed2 { char a; int b __attribute__((packed)); long long c; } ;
#pragma pack(push, 2)
typedef struct { char a; long long b; int c : 3; } pragma_packed;
#pragma pack(pop)
struct __attribute__((aligned(64))) aligned { int a; };
struct aligned_member { char a; int b __attribute__((aligned(16))); char c; };
struct flexible { int n; double data[]; };
struct zero { int n; char data[0]; };
struct empty {};
struct outer {
	int kind;
	struct { int x, y; } position;
	union { int i; float f; struct { char lo, hi; }; };
	struct named { char c; } inner[2];
	enum { RED, GREEN = 5 } color;
};
union both { long l; double d; char bytes[12]; };
struct list { struct list *next, **prev; void *data; };
struct tree { struct tree *(*walk)(struct tree *, struct list); struct list l; };
struct opaque;
typedef struct opaque *opaque_t;
struct late;
typedef struct late *late_pointer;
struct late { late_pointer again; int value; };
typedef struct { double x, y; } point;
struct callbacks { int (*open)(const char *, int); void (*close)(struct callbacks *self); point (*map)(point); };
struct anonymous { union { struct { int a; union { int b; char c[8]; }; }; long long d; }; int e; };
struct nested_bits { struct { unsigned a : 4, b : 4; } lo; struct { unsigned c : 12; } hi; };
struct holder { const volatile int *p; struct aligned a; struct packed k; };
struct { int only; } anon_var;
struct array_of { point points[3]; char name[16]; int (*f[2])(void); };
struct self_array { struct self_array *kids[4]; };
struct only_anonymous { struct { int a; }; };
struct mixed_ll { char a; long long b; char c; double d; char e; long double f; };
