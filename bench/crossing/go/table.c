/* All of them. The files in this directory are compiled as Go is: they check their stack. */
#include "benchmarks.h"

const struct bench_entry benchmarks[] = {
	{"GoToC", go_to_c},
	{"GoToCStruct", go_to_c_struct},
	{"CToGo", c_to_go},
	{"ThreadToGo", thread_to_go},
	{"ThreadsToGo", threads_to_go},
	{"Bounce100", bounce_100},
	{"GoToCParallel", go_to_c_parallel},
	{"Spawn", spawn},
	{"SpawnMany", spawn_many},
	{"PingPong", ping_pong},
	{"Yield", yield},
	{"ParkedBytes", parked_bytes},
	{0},
};
