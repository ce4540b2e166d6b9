package dev.graft.loop;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** Keeps two processes from writing one run; the system lets go of it when a process dies. */
final class RunLock implements AutoCloseable {
  private final FileChannel channel;

  private RunLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock.
   *
   * @throws InvalidInputException if another process has it
   */
  static RunLock of(Path run) throws IOException {
    FileChannel channel =
        FileChannel.open(run.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (lock(channel).isEmpty()) {
      channel.close();
      throw new InvalidInputException(
          run
              + ": another process is training into this directory; wait for it or choose another out");
    }
    return new RunLock(channel);
  }

  private static Optional<FileLock> lock(FileChannel channel) throws IOException {
    try {
      return Optional.ofNullable(channel.tryLock());
    } catch (OverlappingFileLockException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
