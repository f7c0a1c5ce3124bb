// names: z_stream; deflate; Display; XEvent; XKeyEvent; XOpenDisplay; struct input_event; struct video_window
// names: png_structp; png_create_info_struct; struct perf_event_attr; struct bpf_attr; union bpf_attr; struct v4l2_format
// names: struct can_frame; struct ethtool_cmd; struct nlmsghdr; struct io_uring_sqe; struct statx; struct kvm_run
// names: struct fb_var_screeninfo; struct snd_pcm_hw_params; struct inotify_event; struct tcp_info; struct iphdr
// names: struct ip6_hdr; struct icmphdr; struct fanotify_event_metadata; struct sockaddr_ll; struct ifaddrs
// names: struct mntent; struct statvfs; struct sysinfo; struct timex; struct user_regs_struct; Elf64_Ehdr; Elf64_Sym
// names: struct link_map; struct dl_phdr_info; struct elf_prstatus; struct utmpx; glob_t; regex_t; wordexp_t; struct spwd
// names: struct group; struct mq_attr; aiocb; struct aiocb; FTSENT; struct msqid_ds; struct shmid_ds; struct semid_ds
// names: struct ptrace_peeksiginfo_args
// flags: -D_GNU_SOURCE
// targets: amd64 386 arm64
// golden: no
#if __has_include(<zlib.h>)
#include <zlib.h>
#endif
#if __has_include(<X11/Xlib.h>)
#include <X11/Xlib.h>
#endif
#if __has_include(<linux/input.h>)
#include <linux/input.h>
#endif
#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>
#endif
#if __has_include(<linux/bpf.h>)
#include <linux/bpf.h>
#endif
#if __has_include(<linux/videodev2.h>)
#include <linux/videodev2.h>
#endif
#if __has_include(<linux/can.h>)
#include <linux/can.h>
#endif
#if __has_include(<linux/ethtool.h>)
#include <linux/ethtool.h>
#endif
#if __has_include(<linux/netlink.h>)
#include <linux/netlink.h>
#endif
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#if __has_include(<linux/kvm.h>)
#include <linux/kvm.h>
#endif
#if __has_include(<linux/fb.h>)
#include <linux/fb.h>
#endif
#if __has_include(<sound/asound.h>)
#include <sound/asound.h>
#endif
#if __has_include(<sys/inotify.h>)
#include <sys/inotify.h>
#endif
#if __has_include(<netinet/tcp.h>)
#include <netinet/tcp.h>
#endif
#if __has_include(<netinet/ip.h>)
#include <netinet/ip.h>
#endif
#if __has_include(<netinet/ip6.h>)
#include <netinet/ip6.h>
#endif
#if __has_include(<netinet/ip_icmp.h>)
#include <netinet/ip_icmp.h>
#endif
#if __has_include(<sys/fanotify.h>)
#include <sys/fanotify.h>
#endif
#if __has_include(<netpacket/packet.h>)
#include <netpacket/packet.h>
#endif
#if __has_include(<ifaddrs.h>)
#include <ifaddrs.h>
#endif
#if __has_include(<mntent.h>)
#include <mntent.h>
#endif
#if __has_include(<sys/statvfs.h>)
#include <sys/statvfs.h>
#endif
#if __has_include(<sys/sysinfo.h>)
#include <sys/sysinfo.h>
#endif
#if __has_include(<sys/timex.h>)
#include <sys/timex.h>
#endif
#if __has_include(<sys/user.h>)
#include <sys/user.h>
#endif
#if __has_include(<elf.h>)
#include <elf.h>
#endif
#if __has_include(<link.h>)
#include <link.h>
#endif
#if __has_include(<sys/procfs.h>)
#include <sys/procfs.h>
#endif
#if __has_include(<utmpx.h>)
#include <utmpx.h>
#endif
#if __has_include(<glob.h>)
#include <glob.h>
#endif
#if __has_include(<regex.h>)
#include <regex.h>
#endif
#if __has_include(<wordexp.h>)
#include <wordexp.h>
#endif
#if __has_include(<shadow.h>)
#include <shadow.h>
#endif
#if __has_include(<grp.h>)
#include <grp.h>
#endif
#if __has_include(<mqueue.h>)
#include <mqueue.h>
#endif
#if __has_include(<aio.h>)
#include <aio.h>
#endif
#if __has_include(<fts.h>)
#include <fts.h>
#endif
#if __has_include(<sys/msg.h>)
#include <sys/msg.h>
#endif
#if __has_include(<sys/shm.h>)
#include <sys/shm.h>
#endif
#if __has_include(<sys/sem.h>)
#include <sys/sem.h>
#endif
#if __has_include(<sys/stat.h>)
#include <sys/stat.h>
#endif
#if __has_include(<png.h>)
#include <png.h>
#endif
