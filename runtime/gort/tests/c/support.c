/* What all cases use. The table of cases is made when they are built. */
#include "case.h"

#include <unistd.h>

#ifdef GORT_GO_TEXT

GORT_CCALL(fail);
GORT_CCALL(fail_numbers);
GORT_CCALL(say);

#else

extern const struct entry {
	const char *name;
	void (*run)(void *);
	bool in_c;
} table[];

void fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	_exit(3);
}

void fail_numbers(int64_t is, int64_t want, const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s is %lld, and should be %lld\n", file, line, what, (long long)is, (long long)want);
	_exit(3);
}

void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

int run_case(int argc, char **argv)
{
	for (const struct entry *entry = table; argc > 1 && entry->name; entry++) {
		if (strcmp(entry->name, argv[1]) != 0)
			continue;
		if (!entry->in_c)
			return gort_main(argc, argv, entry->run, NULL);
		entry->run(NULL);
		return 0;
	}
	fprintf(stderr, "no such case\n");
	return 4;
}

int main(int argc, char **argv)
{
	return run_case(argc, argv);
}

#endif
