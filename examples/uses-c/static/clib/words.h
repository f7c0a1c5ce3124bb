/* Text in and out, and a failure told through errno. */
#ifndef WORDS_H
#define WORDS_H

/* A new string that the caller frees: the words of text in reverse order. NULL and EINVAL for an empty text. */
char *words_reversed(const char *text);

/* The number written in text, up to 1000. -1 and EINVAL where there is none, ERANGE where it is larger. */
int words_number(const char *text);

/* A string that lives as long as the program. */
const char *words_version(void);

#endif
