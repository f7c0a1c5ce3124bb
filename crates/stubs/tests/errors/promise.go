package p

/*
#cgo noescape absent
int present(void);
*/
import "C"

// /* ERROR AT NONE "#cgo noescape absent: no matched C function" */
var _ = C.present()
