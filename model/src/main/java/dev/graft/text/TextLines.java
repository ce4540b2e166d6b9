package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The lines of UTF-8 text, one at a time. Split as bytes and decoded line by line, since only then
 * an encoding error can be told by its line.
 */
final class TextLines implements Closeable {
  /** A longer line is a file without line breaks rather than a document. */
  static final int LONGEST = 64 << 20;

  private static final char BYTE_ORDER_MARK = '\uFEFF';
  private static final char REPLACEMENT = '\uFFFD';

  private final Path file;
  private final InputStream in;
  private final byte[] buffer = new byte[1 << 16];
  private final ByteArrayOutputStream carried = new ByteArrayOutputStream();
  private int at;
  private int end;
  private long number;
  private boolean terminated;

  TextLines(Path file, InputStream in) {
    this.file = file;
    this.in = in;
  }

  /**
   * The next line without its end, be it LF or CR LF; empty at the end of the file.
   *
   * @throws InvalidInputException if the line is not UTF-8 or longer than {@link #LONGEST} bytes
   */
  Optional<String> next() throws IOException {
    carried.reset();
    terminated = false;
    while (true) {
      if (at == end && !fill()) {
        return carried.size() == 0 ? Optional.empty() : Optional.of(line());
      }
      int from = at;
      while (at < end && buffer[at] != '\n') {
        at++;
      }
      if (carried.size() + (at - from) > LONGEST) {
        throw new InvalidInputException(
            file + ": line " + (number + 1) + " is longer than 64 MiB; break it into lines");
      }
      carried.write(buffer, from, at - from);
      if (at < end) {
        at++;
        terminated = true;
        return Optional.of(line());
      }
    }
  }

  private boolean fill() throws IOException {
    at = 0;
    end = Math.max(0, in.read(buffer));
    return end > 0;
  }

  private String line() {
    number++;
    String text = carried.toString(StandardCharsets.UTF_8);
    // Decoding puts this character where the bytes are wrong, but a text may hold it too.
    if (text.indexOf(REPLACEMENT) >= 0) {
      checkEncoding(carried.toByteArray());
    }
    if (number == 1 && !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK) {
      text = text.substring(1);
    }
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }

  private void checkEncoding(byte[] line) {
    try {
      var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line));
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(
          file + ": line " + number + " is not UTF-8; convert the file", e);
    }
  }

  /** The number of the line that came last, from 1. */
  long number() {
    return number;
  }

  /** Whether the line that came last had an end, which the last of a file may lack. */
  boolean terminated() {
    return terminated;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
