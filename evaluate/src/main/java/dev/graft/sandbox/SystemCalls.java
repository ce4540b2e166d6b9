package dev.graft.sandbox;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The system calls that a sandboxed program is refused, as the filter that the kernel runs before
 * each call (seccomp, classic BPF over {@code struct seccomp_data}; see seccomp(2)). Namespaces
 * already keep the program from others; refused here is what would slip past its memory limit
 * (segments and files that belong to no process) or reach rarely used parts of the kernel.
 */
final class SystemCalls {
  /** By number on x86_64, from the kernel's {@code syscall_64.tbl}. */
  private static final int[] REFUSED = {
    29, 30, 31, // shmget, shmat, shmctl: memory that no process is charged for
    64, 68, // semget, msgget
    101, // ptrace
    155, 161, 165, 166, // pivot_root, chroot, mount, umount2
    246, 320, // kexec_load, kexec_file_load
    248, 249, 250, // add_key, request_key, keyctl
    272, 308, // unshare, setns
    298, // perf_event_open
    304, // open_by_handle_at
    310, 311, // process_vm_readv, process_vm_writev
    319, 447, // memfd_create, memfd_secret: files outside of every limit on files
    321, // bpf
    323, // userfaultfd
    425, 426, 427, // io_uring_setup, io_uring_enter, io_uring_register
    428, 429, 430, 431, 432, 433, 442, // open_tree, move_mount, fsopen … mount_setattr
  };

  private static final int LOAD = 0x20;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int JUMP_IF_AT_LEAST = 0x35;
  private static final int RETURN = 0x06;

  private static final int OFFSET_OF_NUMBER = 0;
  private static final int OFFSET_OF_ARCHITECTURE = 4;
  private static final int X86_64 = 0xC000003E;
  private static final int FIRST_X32_CALL = 0x40000000;

  private static final int ALLOW = 0x7FFF0000;
  private static final int NOT_PERMITTED = 0x00050001;
  private static final int KILL_PROCESS = 0x80000000;

  private SystemCalls() {}

  /** {@code struct sock_filter[]}: eight bytes an instruction. */
  static byte[] filter() {
    int instructions = REFUSED.length + 7;
    ByteBuffer program = ByteBuffer.allocate(8 * instructions).order(ByteOrder.LITTLE_ENDIAN);
    instruction(program, LOAD, 0, 0, OFFSET_OF_ARCHITECTURE);
    instruction(program, JUMP_IF_EQUAL, 1, 0, X86_64);
    instruction(program, RETURN, 0, 0, KILL_PROCESS);
    instruction(program, LOAD, 0, 0, OFFSET_OF_NUMBER);
    // Jumps count the instructions that are left out; the refusal is the last one.
    instruction(program, JUMP_IF_AT_LEAST, REFUSED.length + 1, 0, FIRST_X32_CALL);
    for (int i = 0; i < REFUSED.length; i++) {
      instruction(program, JUMP_IF_EQUAL, REFUSED.length - i, 0, REFUSED[i]);
    }
    instruction(program, RETURN, 0, 0, ALLOW);
    instruction(program, RETURN, 0, 0, NOT_PERMITTED);
    return program.array();
  }

  private static void instruction(
      ByteBuffer program, int code, int jumpIfTrue, int jumpIfFalse, int operand) {
    program.putShort((short) code).put((byte) jumpIfTrue).put((byte) jumpIfFalse).putInt(operand);
  }
}
