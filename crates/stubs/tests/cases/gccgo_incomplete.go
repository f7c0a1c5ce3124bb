// -gccgo_define_cgoincomplete
package p

// typedef struct opaque opaque;
// static opaque *get(void) { return 0; }
import "C"

var p *C.opaque = C.get()
