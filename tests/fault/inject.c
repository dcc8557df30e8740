/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * inject: run a command and let exactly one of its system calls fail, fall short, or be its last.
 *
 *   inject [-t TRACE] [PROCESS:CALL:ACTION[:NAME]] command [argument ...]
 *
 * PROCESS counts the processes in the order in which they appear, from 0; CALL counts the system
 * calls of that process, from 1, behind its execve. (strace counts per process too, but applies a
 * rule to all of them, so the parent's second read(2) would hide the child's.) ACTION is an errno's
 * number (the call is not made and fails with it; close(2) is made, for Linux closes whatever it
 * says), "ok" (not made, and returns 0), "short" (a read or write of half the bytes asked for, at
 * least one), or "kill" (SIGKILL instead of the call); with NAME only if the call is that one, for
 * processes at the same time do not always make the same calls. TRACE gets a line "PROCESS CALL
 * NAME" for each call. Waits for all processes. Ends as the command did: its status, or 128 +
 * signal; 125 when the fault could not be injected.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#define PROCESSES_MAX 64
#define CANNOT        125

enum action { ACTION_NONE, ACTION_ERRNO, ACTION_SHORT, ACTION_KILL };

struct process {
	pid_t pid;
	unsigned long calls;
	bool failing; /* inside the call that is to return `result` */
};

static struct process processes[PROCESSES_MAX];
static size_t nprocesses;
static FILE *trace;
static struct {
	size_t process;
	unsigned long call;
	enum action action;
	long result;
	char name[32]; /* "" any */
} fault;

static const char *const names[] = {
#define NAME(call) [SYS_##call] = #call
	NAME(read),
	NAME(write),
	NAME(close),
	NAME(fstat),
	NAME(lseek),
	NAME(mmap),
	NAME(mprotect),
	NAME(munmap),
	NAME(brk),
	NAME(rt_sigaction),
	NAME(rt_sigprocmask),
	NAME(pread64),
	NAME(pwrite64),
	NAME(readv),
	NAME(writev),
	NAME(preadv),
	NAME(pwritev),
	NAME(mremap),
	NAME(madvise),
	NAME(nanosleep),
	NAME(clock_nanosleep),
	NAME(getpid),
	NAME(gettid),
	NAME(sendfile),
	NAME(socket),
	NAME(connect),
	NAME(sendto),
	NAME(recvfrom),
	NAME(sendmsg),
	NAME(recvmsg),
	NAME(socketpair),
	NAME(clone),
	NAME(clone3),
	NAME(execve),
	NAME(exit),
	NAME(wait4),
	NAME(waitid),
	NAME(kill),
	NAME(uname),
	NAME(futex),
	NAME(fcntl),
	NAME(flock),
	NAME(fsync),
	NAME(fdatasync),
	NAME(ftruncate),
	NAME(getcwd),
	NAME(fchmod),
	NAME(fchown),
	NAME(umask),
	NAME(getuid),
	NAME(getgid),
	NAME(geteuid),
	NAME(getegid),
	NAME(setuid),
	NAME(setgid),
	NAME(getppid),
	NAME(setreuid),
	NAME(setregid),
	NAME(getgroups),
	NAME(setgroups),
	NAME(setresuid),
	NAME(getresuid),
	NAME(setresgid),
	NAME(getresgid),
	NAME(capget),
	NAME(prctl),
	NAME(set_tid_address),
	NAME(clock_gettime),
	NAME(exit_group),
	NAME(openat),
	NAME(mkdirat),
	NAME(fchownat),
	NAME(newfstatat),
	NAME(unlinkat),
	NAME(renameat),
	NAME(renameat2),
	NAME(linkat),
	NAME(symlinkat),
	NAME(readlinkat),
	NAME(fchmodat),
	NAME(faccessat),
	NAME(faccessat2),
	NAME(ppoll),
	NAME(set_robust_list),
	NAME(utimensat),
	NAME(futimesat),
	NAME(prlimit64),
	NAME(getdents64),
	NAME(getrandom),
	NAME(pipe2),
	NAME(dup3),
	NAME(memfd_create),
	NAME(statx),
	NAME(rseq),
	NAME(close_range),
	NAME(copy_file_range),
	NAME(ioctl),
#ifdef SYS_open /* x86's old calls; other machines have only the *at ones */
	NAME(open),
	NAME(stat),
	NAME(lstat),
	NAME(access),
	NAME(pipe),
	NAME(dup2),
	NAME(poll),
	NAME(fork),
	NAME(vfork),
	NAME(rename),
	NAME(mkdir),
	NAME(rmdir),
	NAME(link),
	NAME(unlink),
	NAME(readlink),
	NAME(chmod),
	NAME(arch_prctl),
	NAME(getdents),
	NAME(time),
#endif
#undef NAME
};

static void
die(const char *what)
{
	perror(what);
	exit(CANNOT);
}

static const char *
name_of(uint64_t number)
{
	static char unknown[32];

	if (number < sizeof(names) / sizeof(names[0]) && names[number] != NULL)
		return names[number];
	snprintf(unknown, sizeof(unknown), "call_%llu", (unsigned long long)number);
	return unknown;
}

static void
trace_call(const struct process *process, uint64_t number)
{
	if (trace == NULL)
		return;
	fprintf(
	    trace, "%zu %lu %s\n", (size_t)(process - processes), process->calls, name_of(number));
}

/* ---- the registers of a stopped process --------------------------------------------------------
 */

#if defined(__x86_64__)

static void
skip_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_GETREGS");
	regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_SETREGS");
}

static void
set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_GETREGS");
	regs.rax = (unsigned long long)result;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_SETREGS");
}

static void
set_third_argument(pid_t pid, uint64_t value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_GETREGS");
	regs.rdx = value;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) == -1)
		die("inject: PTRACE_SETREGS");
}

#elif defined(__aarch64__)

static void
change_register(pid_t pid, size_t number, uint64_t value)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		die("inject: PTRACE_GETREGSET");
	regs.regs[number] = value;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		die("inject: PTRACE_SETREGSET");
}

static void
skip_call(pid_t pid)
{
	int none = -1;
	struct iovec iov = { &none, sizeof(none) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov) == -1)
		die("inject: NT_ARM_SYSTEM_CALL");
}

static void
set_result(pid_t pid, long result)
{
	change_register(pid, 0, (uint64_t)result);
}

static void
set_third_argument(pid_t pid, uint64_t value)
{
	change_register(pid, 2, value);
}

#else
#error "inject knows the registers of x86-64 and aarch64 only"
#endif

/* ---- events ------------------------------------------------------------------------------------
 */

static struct process *
find(pid_t pid)
{
	for (size_t i = 0; i < nprocesses; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (nprocesses == PROCESSES_MAX) {
		errno = EMFILE;
		die("inject: processes");
	}
	processes[nprocesses].pid = pid;
	return &processes[nprocesses++];
}

static void
on_entry(struct process *process, const struct ptrace_syscall_info *info)
{
	process->calls++;
	trace_call(process, info->entry.nr);
	if ((size_t)(process - processes) != fault.process || process->calls != fault.call)
		return;
	if (fault.name[0] != '\0' && strcmp(fault.name, name_of(info->entry.nr)) != 0)
		return;
	switch (fault.action) {
	case ACTION_ERRNO:
		if (info->entry.nr != SYS_close)
			skip_call(process->pid);
		process->failing = true;
		break;
	case ACTION_SHORT:
		if (info->entry.args[2] > 1)
			set_third_argument(process->pid, info->entry.args[2] / 2);
		break;
	case ACTION_KILL:
		kill(process->pid, SIGKILL);
		break;
	case ACTION_NONE:
		break;
	}
}

static void
on_call(struct process *process)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) <= 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		on_entry(process, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->failing) {
		set_result(process->pid, fault.result);
		process->failing = false;
	}
}

/* Which signal to hand on to the process when it goes on. */
static int
on_stop(struct process *process, int status, bool is_new)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		on_call(process);
		return 0;
	}
	if (status >> 16 != 0)
		return 0; /* fork and the like: the child comes by itself */
	return is_new && signal == SIGSTOP ? 0 : signal;
}

static int
watch(pid_t first)
{
	int result = CANNOT, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) != -1) {
		size_t before = nprocesses;
		struct process *process = find(pid);
		int signal;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
				                           : 128 + WTERMSIG(status);
			continue;
		}
		signal = on_stop(process, status, nprocesses > before);
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
	}
	return result;
}

/* ---- start
 * --------------------------------------------------------------------------------------- */

static pid_t
start(char *argv[])
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	                            PTRACE_O_EXITKILL;
	int status;
	pid_t pid = fork();

	if (pid == -1)
		die("inject: fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			die("inject: PTRACE_TRACEME");
		execv(argv[0], argv);
		die(argv[0]);
	}
	/* Without options yet, a successful execve stops with a plain SIGTRAP. */
	if (waitpid(pid, &status, 0) == -1 || !WIFSTOPPED(status))
		die("inject: start");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(intptr_t)options) == -1)
		die("inject: PTRACE_SETOPTIONS");
	find(pid);
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return pid;
}

static bool
parse_fault(const char *text)
{
	char action[16];

	if (sscanf(text, "%zu:%lu:%15[^:]:%31s", &fault.process, &fault.call, action, fault.name) <
	    3)
		return false;
	if (strcmp(action, "kill") == 0)
		fault.action = ACTION_KILL;
	else if (strcmp(action, "short") == 0)
		fault.action = ACTION_SHORT;
	else
		fault.action = ACTION_ERRNO;
	fault.result = strcmp(action, "ok") == 0 ? 0 : -atol(action);
	return true;
}

int
main(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "+t:")) != -1) {
		if (option != 't' || (trace = fopen(optarg, "w")) == NULL)
			die("inject: trace");
	}
	if (optind < argc && parse_fault(argv[optind]))
		optind++;
	if (optind >= argc) {
		fputs(
		    "usage: inject [-t trace] [process:call:action[:name]] command ...\n", stderr);
		return CANNOT;
	}
	if (trace != NULL)
		setvbuf(trace, NULL, _IOFBF, 1 << 16);
	return watch(start(argv + optind));
}
