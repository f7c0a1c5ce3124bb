// names: char; MINUS; enum small; struct packed; wchar_t
// flags: -funsigned-char -fshort-enums -fpack-struct=2 -fshort-wchar
#define MINUS ((char)-1)
#include <stddef.h>
enum small { A, B };
struct packed { char c; long l; double d; };
