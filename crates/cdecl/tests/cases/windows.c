// names: HANDLE; DWORD; CreateFileW; struct _OVERLAPPED; OVERLAPPED; INVALID_HANDLE_VALUE; GetLastError; WIN32_FIND_DATAW; BOOL; HRESULT; LARGE_INTEGER; CONTEXT; WNDPROC; MSG; GENERIC_READ; MAX_PATH; struct bits; struct ms; __int64; SOCKET; WSAStartup; IMAGE_OPTIONAL_HEADER64; DCB; INPUT; FILETIME; struct timeval; GUID; time_t; va_list; wchar_t; size_t; long double; max_align_t; struct ld; stdin; errno; S_OK; ERROR_SUCCESS; STARTUPINFOW; PROCESS_INFORMATION; CRITICAL_SECTION; SYSTEM_INFO; SOCKADDR_IN
// targets: windows
// golden: no
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <errno.h>
#include <time.h>
#include <stdarg.h>
#include <stddef.h>
struct bits { char a : 3; int b : 5; short c : 4; };
struct ms { unsigned char a : 1; unsigned b : 31; unsigned char c : 2; long long d : 33; };
struct ld { char c; long double d; };
