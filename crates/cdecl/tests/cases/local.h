#define LOCAL 41
struct local { int x; };
struct local from_local(void);
