package dev.graft.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** Long calls leave the carriers of virtual threads, of which there are as many as cores. */
class ApartTest {
  private static <T> T fromVirtualThread(java.util.concurrent.Callable<T> call) throws Exception {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofVirtual().start(task);
    return task.get();
  }

  @Test
  void aLongCallHasAPlatformThreadOfItsOwn() throws Exception {
    Thread thread = fromVirtualThread(() -> Apart.call(1 << 20, Thread::currentThread));
    assertFalse(thread.isVirtual());
  }

  @Test
  void aShortCallStaysWhereItIs() throws Exception {
    Thread[] caller = new Thread[1];
    Thread thread =
        fromVirtualThread(() -> {
          caller[0] = Thread.currentThread();
          return Apart.call(10, Thread::currentThread);
        });
    assertSame(caller[0], thread);
  }

  @Test
  void whatALongCallThrowsIsThrown() {
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                Apart.call(
                    1 << 20,
                    () -> {
                      throw new IllegalArgumentException("so");
                    }));
    assertEquals("so", thrown.getMessage());
  }
}
