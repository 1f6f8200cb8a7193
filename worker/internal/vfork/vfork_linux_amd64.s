#include "textflag.h"

#define SYS_rt_sigprocmask 14
#define SYS_exit 60
#define SYS_prlimit64 302
#define SYS_clone3 435
#define SIG_SETMASK 2

DATA full<>+0(SB)/8, $-1
GLOBL full<>(SB), RODATA|NOPTR, $8

// func run(c *clone, calls *Call, n uintptr, mask *uint64) int64
//
// The child has the parent's stack, and the parent waits until it is done with
// it: it may read it, and writes only to the table. What it needs is in
// registers, of which a system call changes AX, CX and R11.
TEXT ·run(SB), NOSPLIT, $0-40
	MOVQ	c+0(FP), R8
	MOVQ	calls+8(FP), BX
	MOVQ	n+16(FP), R12
	MOVQ	mask+24(FP), R13

	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	LEAQ	full<>(SB), SI
	MOVQ	R13, DX
	MOVQ	$8, R10
	SYSCALL

	MOVQ	$SYS_clone3, AX
	MOVQ	R8, DI
	MOVQ	$88, SI
	SYSCALL
	TESTQ	AX, AX
	JZ	child

	MOVQ	AX, BX
	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	MOVQ	R13, SI
	XORL	DX, DX
	MOVQ	$8, R10
	SYSCALL
	MOVQ	BX, ret+32(FP)
	RET

child:
	TESTQ	R12, R12
	JZ	exit
	MOVQ	0(BX), AX
	MOVQ	8(BX), DI
	MOVQ	16(BX), SI
	MOVQ	24(BX), DX
	MOVQ	32(BX), R10
	MOVQ	40(BX), R8
	MOVQ	48(BX), R9
	SYSCALL
	MOVQ	AX, 64(BX)
	TESTQ	AX, AX
	JLT	exit
	MOVQ	56(BX), CX
	TESTQ	CX, CX
	JZ	next
	CMPQ	AX, CX
	JNE	exit
next:
	ADDQ	$72, BX
	DECQ	R12
	JMP	child

exit:
	MOVQ	$SYS_exit, AX
	MOVQ	$253, DI
	SYSCALL
	JMP	exit

// func prlimit(resource uintptr, limit *Limit) int64
TEXT ·prlimit(SB), NOSPLIT, $0-24
	MOVQ	$SYS_prlimit64, AX
	XORL	DI, DI
	MOVQ	resource+0(FP), SI
	XORL	DX, DX
	MOVQ	limit+8(FP), R10
	SYSCALL
	MOVQ	AX, ret+16(FP)
	RET
