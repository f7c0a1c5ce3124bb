/* Go calls C, with arguments of all kinds; C calls Go. */
#include "case.h"

int64_t ints0(void);
int64_t ints1(int64_t x0);
int64_t ints2(int64_t x0, int64_t x1);
int64_t ints3(int64_t x0, int64_t x1, int64_t x2);
int64_t ints4(int64_t x0, int64_t x1, int64_t x2, int64_t x3);
int64_t ints5(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4);
int64_t ints6(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5);
int64_t ints7(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6);
int64_t ints8(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7);
int64_t ints9(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8);
int64_t ints10(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9);
int64_t ints11(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9, int64_t x10);
int64_t ints12(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9, int64_t x10, int64_t x11);
double doubles0(void);
double doubles1(double x0);
double doubles2(double x0, double x1);
double doubles3(double x0, double x1, double x2);
double doubles4(double x0, double x1, double x2, double x3);
double doubles5(double x0, double x1, double x2, double x3, double x4);
double doubles6(double x0, double x1, double x2, double x3, double x4, double x5);
double doubles7(double x0, double x1, double x2, double x3, double x4, double x5, double x6);
double doubles8(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7);
double doubles9(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8);
double doubles10(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9);
double doubles11(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9, double x10);
double doubles12(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9, double x10, double x11);

struct pair {
	int64_t a;
	double b;
};

struct four {
	int64_t a, b, c, d;
};

struct floats {
	float a, b, c;
};

struct three {
	int64_t a, b, c;
};

struct five {
	int64_t a, b, c, d, e;
};

struct six {
	int64_t a, b, c, d, e, f;
};

int64_t take_three(struct three x);
int64_t take_four(struct four x);
int64_t take_five(struct five x);
int64_t take_six(struct six x);
int64_t take_structs(struct pair p, struct four f, struct floats x, int64_t last);
struct pair give_pair(int64_t a, double b);
struct four give_four(int64_t a, int64_t b);
struct floats give_floats(float a);
double mixed(int8_t a, double b, int64_t c, float d, int64_t *e, int64_t f, int64_t g, int16_t h, double i, int64_t j, bool k);
long double give_long_double(int64_t x);

#ifdef GORT_GO_TEXT

GORT_CCALL(ints0);
GORT_CCALL(ints1);
GORT_CCALL(ints2);
GORT_CCALL(ints3);
GORT_CCALL(ints4);
GORT_CCALL(ints5);
GORT_CCALL(ints6);
GORT_CCALL_STACK(ints7, 8);
GORT_CCALL_STACK(ints8, 16);
GORT_CCALL_STACK(ints9, 24);
GORT_CCALL_STACK(ints10, 32);
GORT_CCALL_STACK(ints11, 40);
GORT_CCALL_STACK(ints12, 48);
GORT_CCALL(doubles0);
GORT_CCALL(doubles1);
GORT_CCALL(doubles2);
GORT_CCALL(doubles3);
GORT_CCALL(doubles4);
GORT_CCALL(doubles5);
GORT_CCALL(doubles6);
GORT_CCALL(doubles7);
GORT_CCALL(doubles8);
GORT_CCALL_STACK(doubles9, 8);
GORT_CCALL_STACK(doubles10, 16);
GORT_CCALL_STACK(doubles11, 24);
GORT_CCALL_STACK(doubles12, 32);
GORT_CCALL_STACK(take_structs, 32);
#define IN_WORDS(name, words, ...) \
	int64_t go_##name(__VA_ARGS__) __attribute__((visibility("hidden"))); \
	GORT_CCALL_WORDS(name, words)
IN_WORDS(take_three, 3, int64_t, int64_t, int64_t);
IN_WORDS(take_four, 4, int64_t, int64_t, int64_t, int64_t);
IN_WORDS(take_five, 5, int64_t, int64_t, int64_t, int64_t, int64_t);
IN_WORDS(take_six, 6, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);
GORT_CCALL(give_pair);
GORT_CCALL(give_four);
GORT_CCALL(give_floats);
GORT_CCALL_STACK(mixed, 16);
GORT_CCALL(give_long_double);

static void all_kinds(void)
{
	check_equal(go_ints0(), 0);
	check_equal(go_ints1(1), 2);
	check_equal(go_ints2(1, 2), 7);
	check_equal(go_ints3(1, 2, 3), 17);
	check_equal(go_ints4(1, 2, 3, 4), 34);
	check_equal(go_ints5(1, 2, 3, 4, 5), 60);
	check_equal(go_ints6(1, 2, 3, 4, 5, 6), 97);
	check_equal(go_ints7(1, 2, 3, 4, 5, 6, 7), 147);
	check_equal(go_ints8(1, 2, 3, 4, 5, 6, 7, 8), 212);
	check_equal(go_ints9(1, 2, 3, 4, 5, 6, 7, 8, 9), 294);
	check_equal(go_ints10(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 395);
	check_equal(go_ints11(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 517);
	check_equal(go_ints12(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 662);
	check(go_doubles0() == 0);
	check(go_doubles1(1.5) == 2.5);
	check(go_doubles2(1.5, 2.5) == 8.5);
	check(go_doubles3(1.5, 2.5, 3.5) == 20.0);
	check(go_doubles4(1.5, 2.5, 3.5, 4.5) == 39.0);
	check(go_doubles5(1.5, 2.5, 3.5, 4.5, 5.5) == 67.5);
	check(go_doubles6(1.5, 2.5, 3.5, 4.5, 5.5, 6.5) == 107.5);
	check(go_doubles7(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5) == 161.0);
	check(go_doubles8(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5) == 230.0);
	check(go_doubles9(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5) == 316.5);
	check(go_doubles10(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5) == 422.5);
	check(go_doubles11(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5) == 550.0);
	check(go_doubles12(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5) == 701.0);
	check_equal(go_take_three(1, 2, 3), 321);
	check_equal(go_take_four(1, 2, 3, 4), 4321);
	check_equal(go_take_five(1, 2, 3, 4, 5), 54321);
	check_equal(go_take_six(1, 2, 3, 4, 5, 6), 654321);
	struct pair p = {1, 2.5};
	struct four f = {10, 20, 30, 40};
	struct floats x = {1.5f, 2.5f, 3.5f};
	check_equal(go_take_structs(p, f, x, 1000), 1 + 2 + 10 + 40 + 90 + 160 + 7 + 1000);
	check_equal(f.a, 10);
	p = go_give_pair(5, 6.5);
	check(p.a == 6 && p.b == 13.0);
	f = go_give_four(7, 8);
	check(f.a == 7 && f.b == 8 && f.c == 15 && f.d == 56);
	x = go_give_floats(1.5f);
	check(x.a == 1.5f && x.b == 3.0f && x.c == 4.5f);
	int64_t e = 5;
	check(go_mixed(-1, 2.0, 3, 4.0f, &e, 6, 7, -8, 9.0, 10, true) == -1 + 2 + 3 + 4 + 5 + 6 + 7 - 8 + 9 + 10 + 1);
	check_equal(e, 6);
	check(go_give_long_double(7) == 3.5L);
}

__attribute__((noinline)) static int below(int depth)
{
	if (depth == 0) {
		all_kinds();
		return 0;
	}
	return below(depth - 1) + 1;
}

CASE(c_is_called_with_arguments_of_all_kinds)
{
	for (int depth = 0; depth < 300; depth++)
		check_equal(below(depth), depth);
}

/* More values than there are registers that calls keep. */
__attribute__((noinline)) static int64_t keep(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)
{
	int64_t sum = go_ints12(a, b, c, d, e, f, a, b, c, d, e, f);
	sum += go_ints1(a);
	sum += go_ints7(f, e, d, c, b, a, f);
	return sum * 100 + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

// env GORT_DEBUG=nomembarrier
CASE(every_call_of_c_returns_the_slow_way)
{
	for (int depth = 0; depth < 300; depth++)
		check_equal(below(depth), depth);
	for (int64_t i = 0; i < 1000; i++)
		check_equal(keep(i, 1, 2, 3, 4, 5), (15 * i + 320) * 100 + i + 70);
}

#else

int64_t ints0(void)
{
	return 0;
}

int64_t ints1(int64_t x0)
{
	return 1 * x0 + 1;
}

int64_t ints2(int64_t x0, int64_t x1)
{
	return 1 * x0 + 2 * x1 + 2;
}

int64_t ints3(int64_t x0, int64_t x1, int64_t x2)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 3;
}

int64_t ints4(int64_t x0, int64_t x1, int64_t x2, int64_t x3)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 4;
}

int64_t ints5(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 5;
}

int64_t ints6(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 6;
}

int64_t ints7(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 7;
}

int64_t ints8(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 8;
}

int64_t ints9(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 9;
}

int64_t ints10(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 10;
}

int64_t ints11(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9, int64_t x10)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 11 * x10 + 11;
}

int64_t ints12(int64_t x0, int64_t x1, int64_t x2, int64_t x3, int64_t x4, int64_t x5, int64_t x6, int64_t x7, int64_t x8, int64_t x9, int64_t x10, int64_t x11)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 11 * x10 + 12 * x11 + 12;
}

double doubles0(void)
{
	return 0;
}

double doubles1(double x0)
{
	return 1 * x0 + 1;
}

double doubles2(double x0, double x1)
{
	return 1 * x0 + 2 * x1 + 2;
}

double doubles3(double x0, double x1, double x2)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 3;
}

double doubles4(double x0, double x1, double x2, double x3)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 4;
}

double doubles5(double x0, double x1, double x2, double x3, double x4)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 5;
}

double doubles6(double x0, double x1, double x2, double x3, double x4, double x5)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 6;
}

double doubles7(double x0, double x1, double x2, double x3, double x4, double x5, double x6)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 7;
}

double doubles8(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 8;
}

double doubles9(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 9;
}

double doubles10(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 10;
}

double doubles11(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9, double x10)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 11 * x10 + 11;
}

double doubles12(double x0, double x1, double x2, double x3, double x4, double x5, double x6, double x7, double x8, double x9, double x10, double x11)
{
	return 1 * x0 + 2 * x1 + 3 * x2 + 4 * x3 + 5 * x4 + 6 * x5 + 7 * x6 + 8 * x7 + 9 * x8 + 10 * x9 + 11 * x10 + 12 * x11 + 12;
}

/* The stack is aligned as C relies on. */
static int64_t aligned(int64_t x)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	__asm__("" : "+r"(frame));
	return frame % 16 == 0 ? x : -1;
}

int64_t take_three(struct three x)
{
	return aligned(x.a + 10 * x.b + 100 * x.c);
}

int64_t take_four(struct four x)
{
	return aligned(x.a + 10 * x.b + 100 * x.c + 1000 * x.d);
}

int64_t take_five(struct five x)
{
	return aligned(x.a + 10 * x.b + 100 * x.c + 1000 * x.d + 10000 * x.e);
}

int64_t take_six(struct six x)
{
	return aligned(x.a + 10 * x.b + 100 * x.c + 1000 * x.d + 10000 * x.e + 100000 * x.f);
}

int64_t take_structs(struct pair p, struct four f, struct floats x, int64_t last)
{
	int64_t sum = p.a + (int64_t)p.b + f.a + 2 * f.b + 3 * f.c + 4 * f.d + (int64_t)(x.a + x.b + x.c) + last;
	f.a = 0;
	return sum + f.a;
}

struct pair give_pair(int64_t a, double b)
{
	return (struct pair){a + 1, b * 2};
}

struct four give_four(int64_t a, int64_t b)
{
	return (struct four){a, b, a + b, a * b};
}

struct floats give_floats(float a)
{
	return (struct floats){a, 2 * a, 3 * a};
}

double mixed(int8_t a, double b, int64_t c, float d, int64_t *e, int64_t f, int64_t g, int16_t h, double i, int64_t j, bool k)
{
	return a + b + c + d + (*e)++ + f + g + h + i + j + k;
}

long double give_long_double(int64_t x)
{
	/* A frame like C's: much larger than what a goroutine has. */
	volatile char room[100000];
	room[0] = room[99999] = (char)x;
	return x / 2.0L + room[0] - room[99999];
}

#endif
