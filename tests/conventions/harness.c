// Runs the functions of a generated file and records where their arguments and results are. For each signature the file has a
// caller, which calls `observe`, and a callee, which stores its arguments in `seen` and returns `given`.
//
// Jobs come from standard input and records go to standard output, in binary; tests/src/conventions/harness.rs has their shapes.

#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { SLOT = 64, ARGUMENTS = 16, REGISTERS = 256, STACK = 1024, WINDOW = 2048, RELOCATIONS = 24 };

// The generated file's.
extern unsigned char in[], seen[], given[];
extern void (*const callers[])(void), (*const callees[])(void);

// Images of registers and stack, as the assembly loads and stores them.
_Alignas(64) unsigned char observed[REGISTERS], loaded[REGISTERS], returned[REGISTERS];
_Alignas(64) unsigned char window[WINDOW], stack[STACK];
uintptr_t popped;

void run_caller(void (*caller)(void));
void run_callee(void (*callee)(void));

struct job {
	unsigned char in[SLOT * ARGUMENTS], given[SLOT];
	unsigned char loaded[REGISTERS], stack[STACK], memory[SLOT * (ARGUMENTS + 1)];
	// Addresses in `memory`, as offsets: where they are stored, in `loaded` and behind it `stack`, and what they point to.
	struct { uint32_t at, to; } relocations[RELOCATIONS];
	uint32_t relocation_count, padding;
};

struct record {
	uint64_t memory_address, seen_address, popped;
	unsigned char observed[REGISTERS], window[WINDOW];
	unsigned char returned[REGISTERS], seen[SLOT * ARGUMENTS], memory[SLOT * (ARGUMENTS + 1)];
};

static _Alignas(64) struct job job;
static _Alignas(64) unsigned char memory[sizeof job.memory];
static struct record record;

static int transfer(ssize_t (*step)(int, void *, size_t), int file, void *data, size_t size) {
	size_t done = 0;
	while (done < size) {
		ssize_t count = step(file, (char *)data + done, size - done);
		if (count <= 0) return 0;
		done += count;
	}
	return 1;
}

static ssize_t put(int file, void *data, size_t size) { return write(file, data, size); }

static void caller(int index) {
	memcpy(in, job.in, sizeof job.in);
	run_caller(callers[index]);
	memcpy(record.observed, observed, sizeof observed);
	memcpy(record.window, window, sizeof window);
}

static void callee(int index) {
	memcpy(given, job.given, sizeof job.given);
	memcpy(memory, job.memory, sizeof memory);
	memcpy(loaded, job.loaded, sizeof loaded);
	memcpy(stack, job.stack, sizeof stack);
	for (uint32_t i = 0; i < job.relocation_count; i++) {
		uint32_t at = job.relocations[i].at;
		uintptr_t address = (uintptr_t)memory + job.relocations[i].to;
		memcpy(at < REGISTERS ? loaded + at : stack + at - REGISTERS, &address, sizeof address);
	}
	memset(seen, 0, sizeof job.in);
	run_callee(callees[index]);
	memcpy(record.returned, returned, sizeof returned);
	memcpy(record.seen, seen, sizeof record.seen);
	memcpy(record.memory, memory, sizeof memory);
	record.popped = popped;
}

int main(void) {
	// What `observe` copies above its own frame must be there.
	volatile char room[WINDOW];
	room[0] = 0;
	record.memory_address = (uintptr_t)memory;
	record.seen_address = (uintptr_t)seen;
	for (int index = 0; transfer(read, 0, &job, sizeof job); index++) {
		caller(index);
		callee(index);
		if (!transfer(put, 1, &record, sizeof record)) return 1;
	}
	return room[0];
}
