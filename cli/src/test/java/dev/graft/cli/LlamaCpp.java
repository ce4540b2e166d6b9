package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * llama.cpp, by scripts/peers/llamacpp.py, in the virtual environment {@code llamacpp} of the
 * folder {@code PEERS}, or {@code ~/.cache/graft-peers}; a test that asks skips aloud where there
 * is none.
 */
final class LlamaCpp {
  private static final int MINUTES = 10;

  private LlamaCpp() {}

  /** The logits at the last of each prompt's ids. */
  static JsonNode logits(Path model, Object prompts) throws IOException {
    return answer("logits", model, prompts);
  }

  /** The ids of each text. */
  static JsonNode tokenize(Path model, List<String> texts) throws IOException {
    return answer("tokenize", model, texts);
  }

  /** Has a file written again in another type. */
  static void quantize(Path from, Path to, String type) throws IOException {
    run("quantize", from.toString(), to.toString(), type);
  }

  private static JsonNode answer(String verb, Path model, Object question) throws IOException {
    Path in = Files.createTempFile("llamacpp", ".json");
    Path out = Files.createTempFile("llamacpp", ".json");
    try {
      JsonMapper.shared().writeValue(in, question);
      run(verb, model.toString(), in.toString(), out.toString());
      return JsonMapper.shared().readTree(Files.readString(out));
    } finally {
      Files.delete(in);
      Files.delete(out);
    }
  }

  private static void run(String... arguments) throws IOException {
    Path peers =
        Optional.ofNullable(System.getenv("PEERS"))
            .map(Path::of)
            .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "graft-peers"));
    Path python = peers.resolve("llamacpp/bin/python");
    assumeTrue(
        Files.isExecutable(python),
        () -> "SKIPPED: llama.cpp is not in " + peers + "; benchmarks/inference makes it");
    List<String> command = new ArrayList<>();
    command.add(python.toString());
    command.add(Project.root().resolve("scripts/peers/llamacpp.py").toString());
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile("llamacpp", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
      process.destroyForcibly().waitFor();
      String said = Files.readString(log);
      assertEquals(0, ended ? process.exitValue() : -1, () -> command + ": " + said);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(command + " was interrupted", e);
    } finally {
      Files.delete(log);
    }
  }
}
