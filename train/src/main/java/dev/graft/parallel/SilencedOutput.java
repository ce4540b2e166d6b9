package dev.graft.parallel;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Supplier;

/**
 * Keeps native code from writing to standard output, which belongs to the verb: Gloo greets every
 * connection there, in the middle of what would be JSON.
 */
final class SilencedOutput {
  private static final int STANDARD_OUTPUT = 1;
  private static final int WRITE_ONLY = 1;

  private final MethodHandle dup = function("dup", ValueLayout.JAVA_INT);
  private final MethodHandle dup2 = function("dup2", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
  private final MethodHandle close = function("close", ValueLayout.JAVA_INT);
  private final MethodHandle open = function("open", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
  private final MethodHandle flush = function("fflush", ValueLayout.ADDRESS);

  private SilencedOutput() {}

  /** Runs the body, during which this process has no standard output. */
  static <T> T during(Supplier<T> body) {
    SilencedOutput silenced = new SilencedOutput();
    int kept = silenced.redirect();
    try {
      return body.get();
    } finally {
      silenced.restore(kept);
    }
  }

  private int redirect() {
    try (Arena arena = Arena.ofConfined()) {
      int kept = (int) dup.invokeExact(STANDARD_OUTPUT);
      int nothing = (int) open.invokeExact(arena.allocateFrom("/dev/null"), WRITE_ONLY);
      int unused = (int) dup2.invokeExact(nothing, STANDARD_OUTPUT);
      unused = (int) close.invokeExact(nothing);
      return kept;
    } catch (Throwable e) {
      throw new IllegalStateException("standard output could not be set aside", e);
    }
  }

  private void restore(int kept) {
    try {
      int unused = (int) flush.invokeExact(MemorySegment.NULL);
      unused = (int) dup2.invokeExact(kept, STANDARD_OUTPUT);
      unused = (int) close.invokeExact(kept);
    } catch (Throwable e) {
      throw new IllegalStateException("standard output could not be restored", e);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, MemoryLayout... parameters) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
  }
}
