#define NESTED (LOCAL + 1)
#define LETTER_IN_HEADER 'h'
