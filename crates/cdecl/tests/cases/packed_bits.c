// names: struct packed; struct units; struct member
// targets: amd64 386 arm64
// On Windows gcc packs the units of bit-fields too, clang does not.
struct __attribute__((packed)) packed { char a; int b; double c; short d : 5; int e : 20; };
struct __attribute__((packed)) units { char a : 3; int b : 5; short c : 4; };
struct member { char z; int b : 5 __attribute__((packed)); int c : 4; char y; };
