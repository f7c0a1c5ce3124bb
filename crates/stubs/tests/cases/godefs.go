// -godefs
package p

/*
struct timeval { long tv_sec; int tv_usec; };
typedef struct { struct timeval it_value; char pad_[3]; union { int first; char second[4]; }; } timer;
enum { LIMIT = 16 };
*/
import "C"

// A comment that goes.
type Timeval C.struct_timeval

type Timer C.timer

const Limit = C.LIMIT

const SizeofTimer = C.sizeof_timer
