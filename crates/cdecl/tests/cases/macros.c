// names: OBJECT; EMPTY; ONLY_COMMENT; FUNCTION; function_too; variable_too; self; self_variable; LETTER; LETTER_AGAIN; LETTER_SPACED; NEWLINE
// names: NUL; LETTER_EXPR; TYPE; POINTER_TYPE; STRUCT_TYPE; KEYWORD; STATEMENT; UNDEFINED_IN; UNBALANCED_TEXT; SPLICED; redefined; FROM_FLAGS; LETTER_FROM_FLAGS; EMPTY_FROM_FLAGS
// names: __GNUC__; __VERSION__; __INT_MAX__; linux; undefined_again; LETTER_IN_HEADER; errno; stdin; NULL; EOF; INT_MAX; CHAR_MIN; true; false; bool; DIRECT
// flags: -DFROM_FLAGS=12 -DLETTER_FROM_FLAGS='q' -DEMPTY_FROM_FLAGS=
#include <errno.h>
#include <stdio.h>
#include <limits.h>
#include <stdbool.h>
int variable;
int function_too(int a);
#define function_too(a) function_too(a)
int variable_too;
#define variable_too(a) a
enum { self = 3 };
#define self self
extern int self_variable;
#define self_variable self_variable
#define OBJECT variable
#define DIRECT (*&variable)
#define EMPTY
#define ONLY_COMMENT /* nothing */
#define FUNCTION(x) x
#define LETTER 'a'
#define LETTER_AGAIN LETTER
#define LETTER_SPACED   /* one */ 'b' // two
#define NEWLINE '\n'
#define NUL '\0'
#define LETTER_EXPR 'a' + 1
#define TYPE unsigned long
#define POINTER_TYPE struct pair *
#define STRUCT_TYPE struct pair
#define KEYWORD static
#define STATEMENT do { } while (0)
#define UNDEFINED_IN no_such_thing
#define UNBALANCED_TEXT 1 +
#define SPLICED 1 + \
	2
#define redefined 1
#undef redefined
#define redefined 2
#undef linux
#define linux 7
#define undefined_again 1
#undef undefined_again
struct pair { int a, b; };
