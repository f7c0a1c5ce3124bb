// names: i128; u128; struct wide; int128_t; SMALL; BIG_SHIFT
// targets: amd64 arm64 windows
__int128 i128;
unsigned __int128 u128;
typedef __int128 int128_t;
struct wide { char c; __int128 i; char d; int128_t t; };
#define SMALL ((__int128)5)
#define BIG_SHIFT (((__int128)1) << 70)
