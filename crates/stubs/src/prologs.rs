//! The fixed text of the output files: what generated Go and C code may rely on.
//!
//! Names in here are an interface: the Go runtime, package runtime/cgo, the linker and C code that
//! people have written look for them.

/// Stands in front of every preamble: the C view of Go's string, slice and of the functions of
/// package C that Go implements.
pub const BUILTIN: &str = r#"
#line 1 "cgo-builtin-prolog"
#include <stddef.h>

/* Go's int. */
typedef ptrdiff_t intgo;

/* Go's string and []byte, as parameters of C functions and of the functions below. */
#define GO_CGO_GOSTRING_TYPEDEF
typedef struct { const char *p; intgo n; } _GoString_;
typedef struct { char *p; intgo n; intgo c; } _GoBytes_;
_GoString_ GoString(char *p);
_GoString_ GoStringN(char *p, int l);
_GoBytes_ GoBytes(void *p, int n);
char *CString(_GoString_);
void *CBytes(_GoBytes_);
void *_CMalloc(size_t);

__attribute__ ((unused))
static size_t _GoStringLen(_GoString_ s) { return (size_t)s.n; }

__attribute__ ((unused))
static const char *_GoStringPtr(_GoString_ s) { return s.p; }
"#;

/// Stands behind the preamble in front of the C wrappers.
pub const WRAPPERS: &str = r#"
#line 1 "cgo-gcc-prolog"
/* Go's idea of C's sizes. A negative array length says which of them is wrong. */
#define _CGO_SIZE_IS(type, size, name) typedef char _cgo_sizeof_##name##_is_not_##size[sizeof(type) == size ? 1 : -1];
_CGO_SIZE_IS(char, 1, char)
_CGO_SIZE_IS(short, 2, short)
_CGO_SIZE_IS(int, 4, int)
_CGO_SIZE_IS(long long, 8, long_long)
_CGO_SIZE_IS(float, 4, float)
_CGO_SIZE_IS(double, 8, double)

extern char* _cgo_topofstack(void);

/* Argument frames are packed, with every gap written out; they are aligned all the same. */
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Waddress-of-packed-member"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wunaligned-access"

#include <errno.h>
#include <string.h>
"#;

/// The attribute of argument frames: no gaps, by gcc's rules and not those of Microsoft's compiler.
pub const PACKED: &str = r"
#if (defined(__x86_64__) || defined(__i386__)) && !defined(__clang__)
#define _CGO_PACKED __attribute__((__packed__, __gcc_struct__))
#else
#define _CGO_PACKED __attribute__((__packed__))
#endif
";

/// Calls between Go and C order memory. The thread sanitizer sees C only, and has to be told: by a
/// lock that nobody takes, acquired and released where control passes.
const TSAN: &str = r#"
#line 1 "cgo-tsan-prolog"
#define CGO_NO_SANITIZE_THREAD __attribute__ ((no_sanitize_thread))

long long _cgo_sync __attribute__ ((common));

extern void __tsan_acquire(void*);
extern void __tsan_release(void*);

__attribute__ ((unused))
static void _cgo_tsan_acquire() {
	__tsan_acquire(&_cgo_sync);
}

__attribute__ ((unused))
static void _cgo_tsan_release() {
	__tsan_release(&_cgo_sync);
}
"#;

const NO_TSAN: &str = r"
#define CGO_NO_SANITIZE_THREAD
#define _cgo_tsan_acquire()
#define _cgo_tsan_release()
";

/// A result written to Go's stack counts as initialised: Go tells the memory sanitizer nothing of
/// its stacks.
const MSAN: &str = r"
extern void __msan_unpoison(const volatile void *, size_t);

#define _cgo_msan_write(addr, sz) __msan_unpoison((addr), (sz))
";

const NO_MSAN: &str = r"
#define _cgo_msan_write(addr, sz)
";

pub fn tsan(on: bool) -> &'static str {
    if on { TSAN } else { NO_TSAN }
}

pub fn msan(on: bool) -> &'static str {
    if on { MSAN } else { NO_MSAN }
}

/// Go: the runtime's entry points.
pub const GO_RUNTIME: &str = "
//go:linkname _cgo_runtime_cgocall runtime.cgocall
func _cgo_runtime_cgocall(unsafe.Pointer, uintptr) int32

//go:linkname _cgoCheckPointer runtime.cgoCheckPointer
//go:noescape
func _cgoCheckPointer(interface{}, interface{})

//go:linkname _cgoCheckResult runtime.cgoCheckResult
//go:noescape
func _cgoCheckResult(interface{})
";

/// Go: the type of what C has only declared.
pub const IMPORT_RUNTIME_CGO: &str = "import _cgopackage \"runtime/cgo\"

type _ _cgopackage.Incomplete
";

/// Go: hides that what it is given is a variable.
pub const GO_PTR: &str = "
func _Cgo_ptr(ptr unsafe.Pointer) unsafe.Pointer { return ptr }
";

/// Go: what keeps arguments alive and on the heap. `_Cgo_always_false` is never true, and the
/// compiler does not know.
pub const GO_KEEPALIVE: &str = "
//go:linkname _Cgo_always_false runtime.cgoAlwaysFalse
var _Cgo_always_false bool
//go:linkname _Cgo_use runtime.cgoUse
func _Cgo_use(interface{})
//go:linkname _Cgo_keepalive runtime.cgoKeepAlive
//go:noescape
func _Cgo_keepalive(interface{})
//go:linkname _Cgo_no_callback runtime.cgoNoCallback
func _Cgo_no_callback(bool)
";

/// Go definitions of the functions in `names::BUILTINS`, and whether they call malloc. They are
/// compiled as the user's module is, perhaps as an old version of Go.
pub fn builtin(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        "GoString" => (
            "
//go:linkname _cgo_runtime_gostring runtime.gostring
func _cgo_runtime_gostring(*_Ctype_char) string

// GoString copies the NUL-terminated C string p into a Go string.
func _Cfunc_GoString(p *_Ctype_char) string {
	return _cgo_runtime_gostring(p)
}
",
            false,
        ),
        "GoStringN" => (
            "
//go:linkname _cgo_runtime_gostringn runtime.gostringn
func _cgo_runtime_gostringn(*_Ctype_char, int) string

// GoStringN copies l bytes at p into a Go string.
func _Cfunc_GoStringN(p *_Ctype_char, l _Ctype_int) string {
	return _cgo_runtime_gostringn(p, int(l))
}
",
            false,
        ),
        "GoBytes" => (
            "
//go:linkname _cgo_runtime_gobytes runtime.gobytes
func _cgo_runtime_gobytes(unsafe.Pointer, int) []byte

// GoBytes copies l bytes at p into a Go []byte.
func _Cfunc_GoBytes(p unsafe.Pointer, l _Ctype_int) []byte {
	return _cgo_runtime_gobytes(p, int(l))
}
",
            false,
        ),
        "CString" => (
            "
// CString copies the Go string s to a NUL-terminated C string.
// It is allocated by C's malloc: the caller has to free it (C.free of <stdlib.h>).
func _Cfunc_CString(s string) *_Ctype_char {
	size := len(s) + 1
	if size <= 0 {
		panic(\"string too large\")
	}
	p := _cgo_cmalloc(uint64(size))
	header := struct {
		p   unsafe.Pointer
		len int
		cap int
	}{p, size, size}
	b := *(*[]byte)(unsafe.Pointer(&header))
	copy(b, s)
	b[len(s)] = 0
	return (*_Ctype_char)(p)
}
",
            true,
        ),
        "CBytes" => (
            "
// CBytes copies the Go slice b to a C array.
// It is allocated by C's malloc: the caller has to free it (C.free of <stdlib.h>).
func _Cfunc_CBytes(b []byte) unsafe.Pointer {
	p := _cgo_cmalloc(uint64(len(b)))
	header := struct {
		p   unsafe.Pointer
		len int
		cap int
	}{p, len(b), len(b)}
	copy(*(*[]byte)(unsafe.Pointer(&header)), b)
	return p
}
",
            true,
        ),
        "_CMalloc" => (
            "
func _Cfunc__CMalloc(n _Ctype_size_t) unsafe.Pointer {
	return _cgo_cmalloc(uint64(n))
}
",
            true,
        ),
        _ => return None,
    })
}

/// Go side of C.malloc, which never returns nil. PREFIX is the package's.
pub const MALLOC_GO: &str = "
//go:cgo_import_static _cgoPREFIX_Cfunc__Cmalloc
//go:linkname __cgofn__cgoPREFIX_Cfunc__Cmalloc _cgoPREFIX_Cfunc__Cmalloc
var __cgofn__cgoPREFIX_Cfunc__Cmalloc byte
var _cgoPREFIX_Cfunc__Cmalloc = unsafe.Pointer(&__cgofn__cgoPREFIX_Cfunc__Cmalloc)

//go:linkname runtime_throw runtime.throw
func runtime_throw(string)

//go:cgo_unsafe_args
func _cgo_cmalloc(p0 uint64) (r1 unsafe.Pointer) {
	_cgo_runtime_cgocall(_cgoPREFIX_Cfunc__Cmalloc, uintptr(unsafe.Pointer(&p0)))
	if r1 == nil {
		runtime_throw(\"runtime: C malloc failed\")
	}
	return
}
";

/// C side of C.malloc: written out, as the preamble may not have included <stdlib.h>. Zero bytes
/// have an address too.
pub const MALLOC_C: &str = "
CGO_NO_SANITIZE_THREAD
void _cgoPREFIX_Cfunc__Cmalloc(void *v) {
	struct {
		unsigned long long p0;
		void *r1;
	} _CGO_PACKED *a = v;
	void *ret;
	_cgo_tsan_acquire();
	ret = malloc(a->p0);
	if (ret == 0 && a->p0 == 0) {
		ret = malloc(1);
	}
	a->r1 = ret;
	_cgo_tsan_release();
}
";

/// `_cgo_export.h`: stands in front of the preamble. A Go file may include the header that another
/// package exports, and then has `_GoString_` already.
pub const EXPORT_BUILTIN: &str = r#"
#line 1 "cgo-builtin-export-prolog"

#include <stddef.h>

#ifndef GO_CGO_EXPORT_PROLOGUE_H
#define GO_CGO_EXPORT_PROLOGUE_H

#ifndef GO_CGO_GOSTRING_TYPEDEF
typedef struct { const char *p; ptrdiff_t n; } _GoString_;
extern size_t _GoStringLen(_GoString_ s);
extern const char *_GoStringPtr(_GoString_ s);
#endif

#endif
"#;

/// `_cgo_export.h`: C names of Go types, behind the preamble. GOINTBITS is the width of Go's int.
pub const EXPORT_TYPES: &str = r#"
/* Start of boilerplate cgo prologue.  */
#line 1 "cgo-gcc-export-header-prolog"

#ifndef GO_CGO_PROLOGUE_H
#define GO_CGO_PROLOGUE_H

typedef signed char GoInt8;
typedef unsigned char GoUint8;
typedef short GoInt16;
typedef unsigned short GoUint16;
typedef int GoInt32;
typedef unsigned int GoUint32;
typedef long long GoInt64;
typedef unsigned long long GoUint64;
typedef GoIntGOINTBITS GoInt;
typedef GoUintGOINTBITS GoUint;
typedef size_t GoUintptr;
typedef float GoFloat32;
typedef double GoFloat64;
#ifdef _MSC_VER
#if !defined(__cplusplus) || _MSVC_LANG <= 201402L
#include <complex.h>
typedef _Fcomplex GoComplex64;
typedef _Dcomplex GoComplex128;
#else
#include <complex>
typedef std::complex<float> GoComplex64;
typedef std::complex<double> GoComplex128;
#endif
#else
typedef float _Complex GoComplex64;
typedef double _Complex GoComplex128;
#endif

/* This header is for targets on which Go's int has GOINTBITS bits, and for no others. */
typedef char _check_for_GOINTBITS_bit_pointer_matching_GoInt[sizeof(void*)==GOINTBITS/8 ? 1:-1];

#ifndef GO_CGO_GOSTRING_TYPEDEF
typedef _GoString_ GoString;
#endif
typedef void *GoMap;
typedef void *GoChan;
typedef struct { void *t; void *v; } GoInterface;
typedef struct { void *data; GoInt len; GoInt cap; } GoSlice;

#endif

/* End of boilerplate cgo prologue.  */

#ifdef __cplusplus
extern "C" {
#endif
"#;

pub const EXPORT_END: &str = "
#ifdef __cplusplus
}
#endif
";
