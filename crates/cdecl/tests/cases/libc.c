// names: struct stat; stat; fopen; FILE; stdout; printf; vprintf; malloc; free; qsort; struct timespec; clock_gettime; pthread_mutex_t; pthread_create; pthread_t
// names: struct sockaddr; struct sockaddr_in; struct sockaddr_un; htons; AF_INET; AF_INET6; IPPROTO_TCP; SOCK_STREAM; struct addrinfo; getaddrinfo; sigaction; struct sigaction; SIGKILL; SIG_IGN; SIG_DFL
// names: errno; environ; strlen; memcpy; uint8_t; int64_t; uintptr_t; intmax_t; UINT64_MAX; INT64_MIN; SIZE_MAX; jmp_buf; setjmp; div_t; div; sin; complex; cexp; dirent; struct dirent; fpos_t; off_t; mbstate_t; locale_t; siginfo_t; struct epoll_event; epoll_wait; EPOLLIN; O_RDONLY; O_CREAT; struct termios; struct rusage; struct utsname; PATH_MAX; M_PI; RTLD_NOW; dlopen; sem_t; struct iovec; struct msghdr; ucontext_t; struct ifreq; struct ip_mreq; struct winsize; TIOCGWINSZ; fd_set; struct passwd; struct tm; time_t; clock_t; CLOCKS_PER_SEC; BUFSIZ; RAND_MAX; struct lconv; nl_item; pthread_cond_t; PTHREAD_MUTEX_INITIALIZER; WEXITSTATUS; max_align_t
// flags: -D_GNU_SOURCE
// targets: amd64 386 arm64
// golden: no
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <pthread.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <netdb.h>
#include <signal.h>
#include <errno.h>
#include <unistd.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>
#include <setjmp.h>
#include <math.h>
#include <complex.h>
#include <dirent.h>
#include <wchar.h>
#include <locale.h>
#include <sys/epoll.h>
#include <fcntl.h>
#include <termios.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <dlfcn.h>
#include <semaphore.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <pwd.h>
#include <langinfo.h>
#include <stddef.h>
#include <inttypes.h>
#include <sys/wait.h>
