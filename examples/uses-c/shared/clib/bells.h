/* Rings bells: calls back for each one, with what the caller gave it to carry. */
#ifndef BELLS_H
#define BELLS_H

#include <stdint.h>

typedef struct { int number; const char *name; } bell;

/* Returns 0 to stop ringing. */
typedef int (*bell_heard)(bell b, uintptr_t carried);

/* Rings the bells from 1 on, at most count; returns how many rang. */
int bells_ring(int count, bell_heard heard, uintptr_t carried);

#endif
