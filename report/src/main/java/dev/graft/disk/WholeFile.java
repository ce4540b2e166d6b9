package dev.graft.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file of text that is on disk whole or not at all. */
public final class WholeFile {
  private WholeFile() {}

  /**
   * Writes {@code text} as UTF-8; an older {@code out} stays whole until the new one is.
   *
   * @throws IOException where {@code out} cannot be written
   */
  public static void write(String text, Path out) throws IOException {
    Path folder = out.toAbsolutePath().normalize().getParent();
    Files.createDirectories(folder);
    Path temporary =
        folder.resolve(".%s.%d.tmp".formatted(out.getFileName(), ProcessHandle.current().pid()));
    try {
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(
          temporary, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new IOException(
          "could not write %s: %s; free some space and run it again".formatted(out, e.getMessage()),
          e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
