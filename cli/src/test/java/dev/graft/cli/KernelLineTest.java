package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.kernel.KernelChoice;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** Which kernels compute is said, with the reason, and standard output stays the verb's. */
class KernelLineTest {
  private static final String LINE =
      "graft: " + KernelChoice.best().description() + System.lineSeparator();

  private static String stories() {
    return Shared.path("models/stories260k").toString();
  }

  @Test
  void theLineGivesAReason() {
    assertTrue(LINE.matches("graft: vector kernels of \\d+ bits: .*\\R"), LINE);
  }

  @Test
  void benchAlwaysSaysIt() {
    Captured run =
        Captured.run(
            "bench", stories(), "--prompt", "8", "--generate", "2", "--runs", "1", "--json");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.err().contains(LINE), run.err());
    assertEquals(
        KernelChoice.best().description(),
        JsonMapper.shared().readTree(run.out()).get("kernels").asString());
  }

  @Test
  void otherVerbsSayItWhenAsked() {
    String[] generate = {
      "generate", stories(), "--prompt", "Once", "--max-tokens", "2", "--temperature", "0"
    };
    String[] logits = {"logits", stories(), "--ids", "1,2"};
    for (String[] verb : new String[][] {generate, logits}) {
      Captured quiet = Captured.run(verb);
      assertEquals(0, quiet.code(), quiet.err());
      assertFalse(quiet.err().contains("kernels"), quiet.err());
      String[] asked = java.util.Arrays.copyOf(verb, verb.length + 1);
      asked[verb.length] = "--verbose";
      Captured verbose = Captured.run(asked);
      assertEquals(0, verbose.code(), verbose.err());
      assertTrue(verbose.err().contains(LINE), verbose.err());
      assertEquals(quiet.out(), verbose.out());
    }
  }
}
