package dev.graft.events;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * Walks through the lines of an events file. A last line without its newline that is not whole JSON
 * was being written when the process was killed: it is passed over.
 */
final class EventLines {
  /**
   * One line: its number from 1, where it starts and ends in the file, whether it has a newline.
   */
  record Line(int number, long start, long end, boolean terminated, ObjectNode object) {}

  interface Visitor {
    /** Returns false to stop. */
    boolean visit(Line line) throws IOException;
  }

  private final Path file;
  private final EventJson json;

  EventLines(Path file, EventJson json) {
    this.file = file;
    this.json = json;
  }

  void walk(Visitor visitor) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      long start = 0;
      long position = 0;
      for (int number = 1; ; number++) {
        int next;
        while ((next = in.read()) >= 0) {
          position++;
          if (next == '\n') {
            break;
          }
          bytes.write(next);
        }
        boolean terminated = next == '\n';
        if (bytes.size() > 0 && !isBlank(bytes.toByteArray())) {
          ObjectNode object;
          try {
            object = json.object(bytes.toByteArray());
          } catch (JacksonException e) {
            if (!terminated) {
              return;
            }
            throw invalid(number, e);
          }
          if (!visitor.visit(new Line(number, start, position, terminated, object))) {
            return;
          }
        }
        if (!terminated) {
          return;
        }
        bytes.reset();
        start = position;
      }
    } catch (NoSuchFileException e) {
      throw new InvalidRunException(
          "%s does not exist; give the folder of a run that `graft train` wrote, or its events.jsonl"
              .formatted(file),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("could not read %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  InvalidRunException invalid(int number, JacksonException cause) {
    String reason = cause.getOriginalMessage().lines().findFirst().orElse("not JSON");
    return new InvalidRunException(
        "%s, line %d is not an event (%s); remove the line or train again"
            .formatted(file, number, reason),
        cause);
  }

  private static boolean isBlank(byte[] bytes) {
    for (byte b : bytes) {
      if (b != ' ' && b != '\t' && b != '\r') {
        return false;
      }
    }
    return true;
  }
}
