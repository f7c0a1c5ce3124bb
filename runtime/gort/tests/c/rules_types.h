/* Descriptors of the types that the rules' cases use, as a compiler would write them. */
#ifndef RULES_TYPES_H
#define RULES_TYPES_H

#include "gort.h"

#define ANY(type, p) ((struct gort_any){&(type), (void *)(p)})

#define RULES_TYPE static const __attribute__((unused)) struct gort_type

#define PLAIN(what, bytes) {.size = (bytes), .kind = GORT_KIND_##what, .align = (bytes) < 8 ? (bytes) : 8}
#define POINTER(to) {.size = 8, .ptrdata = 8, .kind = GORT_KIND_POINTER, .align = 8, .elem = &(to)}
#define SLICE_OF(type) {.size = 24, .ptrdata = 8, .kind = GORT_KIND_SLICE, .align = 8, .elem = &(type)}
#define FIELDS(...) .fields = (const struct gort_field[]){__VA_ARGS__}

RULES_TYPE bool_type = PLAIN(BOOL, 1);
RULES_TYPE char_type = PLAIN(INT8, 1);
RULES_TYPE int_type = PLAIN(INT, 8);
RULES_TYPE uintptr_type = PLAIN(UINTPTR, 8);
RULES_TYPE unsafe_pointer = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_UNSAFE_POINTER, .align = 8};
RULES_TYPE map_type = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_MAP, .align = 8};
RULES_TYPE channel_type = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_CHAN, .align = 8};
RULES_TYPE function_type = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_FUNC, .align = 8};
RULES_TYPE string_type = {.size = 16, .ptrdata = 8, .kind = GORT_KIND_STRING, .align = 8};
RULES_TYPE interface_type = {.size = 16, .ptrdata = 16, .kind = GORT_KIND_INTERFACE, .align = 8};

RULES_TYPE pointer_to_char = POINTER(char_type);
RULES_TYPE pointer_to_int = POINTER(int_type);
RULES_TYPE pointer_to_pointer = POINTER(pointer_to_int);
RULES_TYPE pointer_to_unsafe_pointer = POINTER(unsafe_pointer);
RULES_TYPE pointer_to_map = POINTER(map_type);
RULES_TYPE pointer_to_channel = POINTER(channel_type);
RULES_TYPE pointer_to_interface = POINTER(interface_type);

RULES_TYPE slice_of_pointers = SLICE_OF(unsafe_pointer);
RULES_TYPE slice_of_bytes = SLICE_OF(char_type);

RULES_TYPE four_bytes = {.size = 4, .kind = GORT_KIND_ARRAY, .align = 1, .len = 4, .elem = &char_type};
RULES_TYPE eight_bytes = {.size = 8, .kind = GORT_KIND_ARRAY, .align = 1, .len = 8, .elem = &char_type};
RULES_TYPE one_pointer = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_ARRAY, .align = 8, .len = 1, .elem = &pointer_to_char};
RULES_TYPE two_pointer_array = {.size = 16, .ptrdata = 16, .kind = GORT_KIND_ARRAY, .align = 8, .len = 2, .elem = &unsafe_pointer};
RULES_TYPE one_string = {.size = 16, .ptrdata = 8, .kind = GORT_KIND_ARRAY, .align = 8, .len = 1, .elem = &string_type};
RULES_TYPE pointer_to_four_bytes = POINTER(four_bytes);
RULES_TYPE pointer_to_eight_bytes = POINTER(eight_bytes);
RULES_TYPE pointer_to_one_pointer = POINTER(one_pointer);
RULES_TYPE pointer_to_two_pointer_array = POINTER(two_pointer_array);

/* struct { int *p; } */
RULES_TYPE has_pointer = {
	.size = 8, .ptrdata = 8, .kind = GORT_KIND_STRUCT, .align = 8, .len = 1, FIELDS({&pointer_to_int, 0})};
RULES_TYPE pointer_to_has_pointer = POINTER(has_pointer);

/* struct { int *p1, *p2; } */
RULES_TYPE two_pointers = {
	.size = 16, .ptrdata = 16, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2, FIELDS({&pointer_to_int, 0}, {&pointer_to_int, 8})};

/* struct { int i; int *p; } */
struct mixed {
	int64_t i;
	void *p;
};
RULES_TYPE mixed = {
	.size = 16, .ptrdata = 16, .ptrmask = (const uint8_t[]){2}, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2,
	FIELDS({&int_type, 0}, {&pointer_to_pointer, 8})};
RULES_TYPE pointer_to_mixed = POINTER(mixed);

/* struct { p *int; s []unsafe.Pointer } */
RULES_TYPE pointer_and_slice = {
	.size = 32, .ptrdata = 16, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2, FIELDS({&pointer_to_int, 0}, {&slice_of_pointers, 8})};

/* struct { p *int; a [4]byte } */
RULES_TYPE pointer_and_bytes = {
	.size = 16, .ptrdata = 8, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2, FIELDS({&pointer_to_int, 0}, {&four_bytes, 8})};

/* struct { p *int; a [64]byte; u uintptr } */
RULES_TYPE pointer_bytes_number = {
	.size = 80, .ptrdata = 8, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2, FIELDS({&pointer_to_int, 0}, {&uintptr_type, 72})};

/* struct { a [8]byte; p *int; b int64 } */
RULES_TYPE bytes_pointer_number = {
	.size = 24, .ptrdata = 16, .ptrmask = (const uint8_t[]){2}, .kind = GORT_KIND_STRUCT, .align = 8, .len = 3,
	FIELDS({&eight_bytes, 0}, {&pointer_to_int, 8}, {&int_type, 16})};

/* struct { p *int; a struct { i int; p *int } } */
RULES_TYPE pointer_and_mixed = {
	.size = 24, .ptrdata = 24, .ptrmask = (const uint8_t[]){5}, .kind = GORT_KIND_STRUCT, .align = 8, .len = 2,
	FIELDS({&pointer_to_int, 0}, {&mixed, 8})};


#endif
