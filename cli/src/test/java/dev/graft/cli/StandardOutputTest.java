package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StandardOutputTest {
  private static StandardOutput failing(String message) {
    return StandardOutput.on(
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(message);
          }
        });
  }

  @Test
  void whatIsPrintedArrives() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    StandardOutput output = StandardOutput.on(bytes);
    output.stream().print("größer");
    assertEquals(0, output.exitCode(0));
    assertEquals("größer", bytes.toString(StandardCharsets.UTF_8));
  }

  @Test
  void aLostOutputMakesASuccessAFailure() {
    StandardOutput output = failing("No space left on device");
    output.stream().println("{}");
    assertEquals(1, output.exitCode(0));
  }

  @Test
  void aReaderThatLeftEndsLikeSigpipe() {
    StandardOutput output = failing("Broken pipe");
    output.stream().println("{}");
    assertEquals(141, output.exitCode(0));
  }

  @Test
  void theVerbsOwnFailureComesFirst() {
    StandardOutput output = failing("Broken pipe");
    output.stream().println("{}");
    assertEquals(2, output.exitCode(2));
  }
}
