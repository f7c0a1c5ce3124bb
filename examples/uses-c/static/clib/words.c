#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *words_reversed(const char *text) {
	size_t length = strlen(text), end = length, at = 0;
	if (length == 0) {
		errno = EINVAL;
		return NULL;
	}
	char *out = malloc(length + 1);
	for (size_t i = length; i-- > 0;) {
		if (i > 0 && text[i - 1] != ' ')
			continue;
		memcpy(out + at, text + i, end - i);
		at += end - i;
		if (i > 0)
			out[at++] = ' ';
		end = i == 0 ? 0 : i - 1;
	}
	out[length] = 0;
	return out;
}

int words_number(const char *text) {
	char *end;
	long number = strtol(text, &end, 10);
	if (end == text || *end != 0) {
		errno = EINVAL;
		return -1;
	}
	if (number > 1000) {
		errno = ERANGE;
		return -1;
	}
	return (int)number;
}

const char *words_version(void) { return "words 1.0 \xe2\x9c\x93"; }
