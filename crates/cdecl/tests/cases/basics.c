// names: char; signed char; unsigned char; short; unsigned short; int; unsigned int; unsigned; long; unsigned long
// names: long long; unsigned long long; float; double; long double; _Bool; size_t; ptrdiff_t; wchar_t; void
// names: float _Complex; double _Complex; sizeof(int); sizeof(struct pair); sizeof(struct missing)
// names: counter; limit; table; names; matrix; pointer; handler; handlers; nothing; struct pair; union missing; enum missing
// names: volatile_word; restricted; GoString; CBytes; _GoString_; max_align_t
struct pair { int a; long b; };
int counter;
const unsigned limit = 10;
int table[4];
extern const char *names[];
double matrix[2][3];
int *const *pointer;
void (*handler)(int);
int (*handlers[3])(void *, ...);
volatile unsigned short volatile_word;
char *restrict restricted;
