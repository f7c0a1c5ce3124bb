#include "bells.h"

int bells_ring(int count, bell_heard heard, uintptr_t carried) {
	static const char *const names[] = {"ding", "dong", "bong"};
	for (int i = 0; i < count; i++) {
		bell b = {i + 1, names[i % 3]};
		if (!heard(b, carried))
			return b.number;
	}
	return count;
}
