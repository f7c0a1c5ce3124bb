/* The C functions that Go passes its memory to: those of bench/peer/crossing.go. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>
#include <stdint.h>

typedef struct { uint8_t *p; size_t n; } buffer;

int64_t buf_sum(const uint8_t *p, size_t n);
int64_t buffer_length(const buffer *b);

#endif
