// names: HELLO; EMPTY; JOINED; EMBEDDED; ESCAPES; QUOTED; PAREN; UTF8; RAW8; CASTED; array; pointer; FROM_MACRO; TRAILING; HIGH; LONG_TEXT; QUESTION
#define HELLO "hello, world"
#define EMPTY ""
#define JOINED "a" "b" HELLO
#define EMBEDDED "a\0b\0"
#define ESCAPES "\t\n\\\"\x7f\a\b\v\f\r\033"
#define QUOTED "'\""
#define PAREN ("p")
#define UTF8 "grün"
#define RAW8 u8"é"
#define CASTED ((char *)"cast")
#define FROM_MACRO EMPTY "x" EMPTY
#define TRAILING "end\0"
#define HIGH "\377\200"
#define QUESTION "what?\?!"
#define LONG_TEXT "0123456789012345678901234567890123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345678901234567890123456789"
static const char array[] = "array";
static const char *pointer = "pointer";
