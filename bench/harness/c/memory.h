/* How much memory there is. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* Bytes that malloc has given away, and bytes of the process that are in memory. */
size_t malloc_bytes(void);
size_t resident_bytes(void);

#endif
