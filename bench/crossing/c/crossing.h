/* The C functions that Go calls, and the Go functions that C calls: those of bench/peer/crossing.go. */
#ifndef CROSSING_H
#define CROSSING_H

#include <stddef.h>
#include <stdint.h>

typedef struct { int64_t a, b, c, d; } quad;

int leaf(int a, int b);
int64_t quad_sum(quad q);
void call_go(int n);
void call_go_from_thread(int n);
void one_call_per_thread(int n);
int bounce(int depth);

extern int goLeaf(int, int);
extern int goBounce(int);

#endif
